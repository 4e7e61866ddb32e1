"""The leaderboard of a task as a table that sorts, filters and hides columns."""

from __future__ import annotations

from collections.abc import Sequence

from strokecast.evaluation.board.report.headlines import headline_of, milliseconds
from strokecast.evaluation.board.report.section import Section
from strokecast.evaluation.board.report.templates import render
from strokecast.evaluation.board.task_tables import TaskTable
from strokecast.evaluation.common import tables


def leaderboard_section(table: TaskTable) -> Section:
    """The table with a further column, the prediction time per example, and its notes."""
    summary = table.summary
    header, rows = _with_prediction_time(table)
    html = render(
        "leaderboard.html.j2",
        task=summary["task"],
        about=table.about,
        header=header,
        rows=rows,
        notes=table.notes,
    )
    return Section(f"{summary['task']}-leaderboard", "Leaderboard", html, script="leaderboard.js")


def published_section(table: TaskTable) -> Section | None:
    """The models among published results; None if there are none."""
    if table.published is None:
        return None
    html = render("published.html.j2", published=table.published)
    return Section(f"{table.summary['task']}-published", table.published.title, html, script="leaderboard.js")


def _with_prediction_time(table: TaskTable) -> tuple[list[str], list[Sequence[str]]]:
    """Header and rows with the time per example after the examples per second."""
    at = next(i for i, title in enumerate(table.header) if title.endswith("/s")) + 1
    title = f"ms per {headline_of(table.summary).example}"
    header = [*table.header[:at], title, *table.header[at:]]
    rows: list[Sequence[str]] = []
    for row, model in zip(table.rows, table.summary["models"], strict=True):
        time = milliseconds(model)
        rows.append([*row[:at], "-" if time is None else tables.format_number(time), *row[at:]])
    return header, rows
