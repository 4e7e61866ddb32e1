"""The table of results in README.md and docs/index.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from picture_makers.inputs import HEADLINES, read_leaderboard, read_summary

PAGES = ("README.md", "docs/index.md")
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


def format_interval(value: float, low: float, high: float, unit: str) -> str:
    """A metric with its interval, e.g. `96.7 % (95.7-97.7)`; shares in percent."""
    if unit == "%":
        return f"{100 * value:.1f} % ({100 * low:.1f}–{100 * high:.1f})"
    digits = 1 if value < 1000 else 0
    return f"{value:,.{digits}f}{unit and f' {unit}'} ({low:,.{digits}f}–{high:,.{digits}f})"


def results_table(reports: Path) -> str:
    """The champion and the three best models of each task as a Markdown table, with 95 % intervals and a baseline."""
    rows = read_leaderboard(reports)
    lines = [
        "| task | best | second | third | champion | for comparison |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    notes = []
    for task, (metric, meaning, unit) in HEADLINES.items():
        models = [row for row in rows if row["task"] == task and row[metric]]
        if not models:
            continue
        summary = read_summary(task, reports)
        unit = unit or summary.get("unit", "")
        cells = [f"`{row['model']}` {_cell(row, metric, unit)}" for row in models[:3]]
        cells += ["-"] * (3 - len(cells))
        champions = [
            f"`{row['model']}` ({row['rank']} of {len(models)})"
            for row in models
            if row["champion"] == "true"
        ]
        cells.append(champions[0] if champions else "-")
        lines.append(
            f"| **{task}**, {meaning} | {' | '.join(cells)} | {_comparison(models, summary, metric, unit)} |"
        )
        notes.append(_test_set(task, summary))
    head = "95 % intervals in parentheses. The champion is chosen by validation, before test; its rank on test is in parentheses."
    return "\n".join([*lines, "", f"{head} {' '.join(notes)}"])


def _cell(row: dict[str, str], metric: str, unit: str) -> str:
    return format_interval(
        float(row[metric]), float(row[f"{metric}_low"]), float(row[f"{metric}_high"]), unit
    )


def _comparison(models: list[dict[str, str]], summary: dict[str, Any], metric: str, unit: str) -> str:
    """The baseline of a task; for `draw` the judge's rate on real drawings."""
    if summary["task"] == "draw":
        interval = format_interval(
            *(summary[key] for key in ("real_recognised", "real_low", "real_high")), unit
        )
        return f"real drawings {interval}"
    baseline = [row for row in models if row["model"] == summary["baseline"]]
    return f"`{summary['baseline']}` {_cell(baseline[0], metric, unit)}" if baseline else "-"


def _test_set(task: str, summary: dict[str, Any]) -> str:
    if task == "forecast":
        return (
            f"`forecast`: {summary['series']}, {summary['horizon']} days ahead from {summary['test']:,} origins between "
            f"{summary['first']} and {summary['last']}."
        )
    if task == "draw":
        return f"`draw`: {summary['samples']} drawings per class, temperature {summary['temperature']:g}."
    drawings = f"{summary['test']:,} test drawings of {len(summary['classes'])} classes"
    return (
        f"`{task}`: {drawings} ({summary['source']})."
        if task == "classify"
        else f"`{task}`: the same drawings."
    )


def replace_between(text: str, inserted: str) -> str:
    """`text` with `inserted` between the markers; unchanged if it has no markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n{inserted}\n{end}{after}" if end else text


def write_results(root: Path, reports: Path) -> str:
    """Write the table of results into the pages; returns what was done."""
    table = results_table(reports)
    for name in PAGES:
        path = root / name
        path.write_text(replace_between(path.read_text(encoding="utf-8"), table), encoding="utf-8")
    return ", ".join(PAGES)
