"""The matrix of pairwise differences between the models of a task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from strokecast.evaluation.board.notes import Summary
from strokecast.evaluation.board.report.charts import number, read_rows
from strokecast.evaluation.board.report.headlines import headline_of
from strokecast.evaluation.board.report.section import Section
from strokecast.evaluation.board.report.templates import render


@dataclass(frozen=True)
class Cell:
    """One difference, row minus column.

    Attributes:
        text: the difference; "" on the diagonal and where it is undefined.
        verdict: `better` or `worse` if the interval excludes 0, `same` if not, `empty` without a difference.
        detail: both models, the difference and its interval in words.
    """

    text: str
    verdict: str
    detail: str


def pair_matrix(report_dir: Path, summary: Summary) -> list[list[Cell]]:
    """Rows and columns in the order of the leaderboard, from `pairs.csv`."""
    headline = headline_of(summary)
    found: dict[tuple[str, str], tuple[float, float, float]] = {}
    for row in read_rows(report_dir / "pairs.csv"):
        difference, low, high = (number(row[key]) for key in ("difference", "low", "high"))
        if difference is not None and low is not None and high is not None:
            found[row["a"], row["b"]] = (difference, low, high)
            found[row["b"], row["a"]] = (-difference, -high, -low)
    names = [model["model"] for model in summary["models"]]

    def cell(a: str, b: str) -> Cell:
        if (a, b) not in found:
            return Cell("", "empty", "the same model" if a == b else f"{a} minus {b}: undefined")
        difference, low, high = found[a, b]
        differs = low > 0 or high < 0
        verdict = ("better" if headline.is_better(difference) else "worse") if differs else "same"
        text, low_text, high_text = (headline.format_difference(value) for value in (difference, low, high))
        words = {"better": f"{a} is better", "worse": f"{a} is worse", "same": "no significant difference"}
        return Cell(text, verdict, f"{a} minus {b}: {text} ({low_text} to {high_text}), {words[verdict]}")

    return [[cell(a, b) for b in names] for a in names]


def pairs_section(report_dir: Path, summary: Summary) -> Section | None:
    """The matrix as a table whose cells the arrow keys walk through; None for a single model."""
    names = [model["model"] for model in summary["models"]]
    if len(names) < 2:
        return None
    html = render(
        "pairs.html.j2",
        task=summary["task"],
        names=names,
        matrix=list(zip(names, pair_matrix(report_dir, summary), strict=True)),
        level=f"{100 * summary['level']:g}",
        unit=headline_of(summary).difference_unit,
        metric=headline_of(summary).label,
    )
    return Section(f"{summary['task']}-pairs", "Pairwise differences", html, script="pairs.js")
