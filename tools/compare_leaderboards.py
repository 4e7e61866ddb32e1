"""Write how the leaderboard of one run differs from that of another, as Markdown for a comment on a pull request.

    python tools/compare_leaderboards.py --base main/reports --head branch/reports --output comment.md

Reads `<task>/summary.json` of both report folders and needs only the standard library. Both runs must have had the same
data for the differences to mean anything: a task whose test set differs is said to be another one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MARKER = "<!-- strokecast leaderboard -->"  # the first line, by which the workflow finds its earlier comment
TASKS = ("classify", "watch", "draw", "forecast")
_LOWER_IS_BETTER = ("mae",)
_TEST_SET = (
    "source",
    "series",
    "classes",
    "test",
    "first",
    "last",
    "horizon",
    "judge",
    "temperature",
    "samples",
)
_HEADER = ("model", "base", "this change", "difference", "")

Summary = Mapping[str, Any]


def compare(base: Path, head: Path) -> str:
    """The comment for two report folders.

    Raises:
        ValueError: if a folder has no report of any task, or a report is damaged; the message names it.
    """
    summaries = {folder: read_summaries(folder) for folder in (base, head)}
    sections = [MARKER, "## Leaderboard of the preset `tour`", ""]
    for task in TASKS:
        before, after = summaries[base].get(task), summaries[head].get(task)
        if before is None and after is None:
            continue
        sections += [f"### {task}", "", _section(before, after), ""]
    sections.append(
        "Intervals are those of each run's test set (see its leaderboard). **Outside** marks a value beyond the "
        "interval of the base. One seed per model: training on another machine can move a value as well."
    )
    return "\n".join(sections) + "\n"


def read_summaries(folder: Path) -> dict[str, Summary]:
    """The summaries of the tasks that have evaluated models.

    Raises:
        ValueError: if there is none, or one is damaged.
    """
    summaries: dict[str, Summary] = {}
    for task in TASKS:
        path = folder / task / "summary.json"
        if not path.is_file():
            continue
        try:
            summary = json.loads(path.read_text(encoding="utf-8"))
            models = summary["models"]
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise ValueError(f"{path}: is not a summary of strokecast ({type(error).__name__})") from None
        if models:
            summaries[task] = summary
    if not summaries:
        raise ValueError(f"{folder}: holds no <task>/summary.json with models; run `make repro` there")
    return summaries


def _section(before: Summary | None, after: Summary | None) -> str:
    if before is None or after is None:
        summary = before or after
        assert summary is not None
        where = "this change" if before is None else "the base"
        return f"Only {where} evaluates this task.\n\n" + _table(
            _rows(before, after, str(summary["headline"]))
        )
    changed = [key for key in _TEST_SET if before.get(key) != after.get(key)]
    metric = str(after["headline"])
    lines = [f"`{metric}`, {'lower' if metric in _LOWER_IS_BETTER else 'higher'} is better."]
    if changed:
        lines.append(
            f"**Not the same test set** ({', '.join(changed)} differ), so the values are not comparable."
        )
    lines += ["", _table(_rows(before, after, metric))]
    champions = [(summary.get("champion") or {}).get("model") or "none" for summary in (before, after)]
    if champions[0] == champions[1]:
        lines += ["", f"Champion, chosen by validation: `{champions[0]}`, as before."]
    else:
        lines += ["", f"Champion, chosen by validation: `{champions[1]}` (base: `{champions[0]}`)."]
    return "\n".join(lines)


def _rows(before: Summary | None, after: Summary | None, metric: str) -> list[tuple[str, ...]]:
    old, new = (_by_name(summary) for summary in (before, after))
    rows = []
    for name in [*new, *(name for name in old if name not in new)]:
        first, second = (models.get(name, {}).get(metric) for models in (old, new))
        rows.append(
            (
                f"`{name}`",
                _cell(first, metric),
                _cell(second, metric),
                *_difference(old.get(name), second, metric),
            )
        )
    return rows


def _by_name(summary: Summary | None) -> dict[str, Mapping[str, Any]]:
    return {model["model"]: model for model in (summary or {}).get("models", ())}


def _difference(old: Mapping[str, Any] | None, new: float | None, metric: str) -> tuple[str, str]:
    """The change of a model's value, and whether it lies outside the interval of the base."""
    if old is None or old.get(metric) is None:
        return ("", "new") if new is not None else ("", "not judged")
    if new is None:
        return "", "removed"
    change = new - old[metric]
    low, high = old.get(f"{metric}_low"), old.get(f"{metric}_high")
    if low is None or high is None or low <= new <= high:
        return _signed(change, metric), ""
    better = (change < 0) == (metric in _LOWER_IS_BETTER)
    return _signed(change, metric), f"**outside, {'better' if better else 'worse'}**"


def _cell(value: float | None, metric: str) -> str:
    if value is None:
        return "-"
    return f"{value:,.4g}" if metric in _LOWER_IS_BETTER else f"{100 * value:.1f} %"


def _signed(value: float, metric: str) -> str:
    if value == 0:
        return "0"
    return f"{value:+,.3g}" if metric in _LOWER_IS_BETTER else f"{100 * value:+.1f}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = [_HEADER, ("---", "---:", "---:", "---:", "---"), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the comment; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--base", type=Path, required=True, help="reports folder of the base branch")
    parser.add_argument("--head", type=Path, required=True, help="reports folder of the change")
    parser.add_argument("--output", type=Path, required=True, help="Markdown file to write")
    options = parser.parse_args(arguments)
    try:
        comment = compare(options.base, options.head)
        options.output.write_text(comment, encoding="utf-8")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
