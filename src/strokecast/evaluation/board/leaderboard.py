"""The leaderboard of all tasks as files: `leaderboard.csv` and `leaderboard.md`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from strokecast.common.errors import UserError
from strokecast.common.files import read_json, write_text
from strokecast.evaluation.board.task_tables import TaskTable, make_table
from strokecast.evaluation.common import tables
from strokecast.evaluation.common.attribution import read_attribution

_LEADING = ("task", "rank", "model", "champion", "seeds")
_TRAILING = ("training_ids",)
_NOT_METRICS = ("model", "seeds", "training_ids", "to_best")


def read_tables(reports: Path, tasks: Sequence[str]) -> list[TaskTable]:
    """The leaderboard table of each task that has evaluated models.

    Raises:
        UserError: if a task was neither evaluated nor skipped.
    """
    task_tables = []
    for task in tasks:
        path = reports / task / "summary.json"
        if not path.is_file():
            raise UserError("no such file", location=str(path), fix=f"run `dvc repro evaluate-{task}`")
        summary = read_json(path)
        if summary["models"]:
            task_tables.append(make_table(summary))
    return task_tables


def read_attributions(raw: Path, datasets: Sequence[str]) -> list[str]:
    """One line per dataset that asks for attribution."""
    return [line for line in (read_attribution(raw, dataset) for dataset in datasets) if line]


def write_csv(path: Path, task_tables: Sequence[TaskTable]) -> None:
    """Write all models of all tasks with every metric; metrics that a task lacks are empty cells."""
    rows, columns = [], dict.fromkeys(_LEADING)
    for table in task_tables:
        champion = (table.summary["champion"] or {}).get("model")
        for rank, model in enumerate(table.summary["models"], start=1):
            metrics = {key: value for key, value in model.items() if key not in _NOT_METRICS}
            columns |= dict.fromkeys(metrics)
            rows.append(
                {
                    "task": table.summary["task"],
                    "rank": rank,
                    "model": model["model"],
                    "champion": str(model["model"] == champion).lower(),
                    "seeds": len(model["seeds"]),
                    **metrics,
                    "training_ids": " ".join(model["training_ids"]),
                }
            )
    tables.write_csv(path, [*columns, *_TRAILING], rows)


def write_markdown(path: Path, task_tables: Sequence[TaskTable], attributions: Sequence[str]) -> None:
    """Write the tables with their notes as Markdown."""
    sections = ["# Leaderboard\n"]
    for table in task_tables:
        sections.append(f"## {table.title}\n\n{tables.escape_markdown(table.about)}\n")
        sections.append(tables.to_markdown(table.header, table.rows))
        sections.append("".join(f"- {tables.escape_markdown(note)}\n" for note in table.notes))
        if table.published is not None:
            about = tables.escape_markdown(table.published.about)
            sections.append(f"### {tables.escape_markdown(table.published.title)}\n\n{about}\n")
            sections.append(tables.to_markdown(table.published.header, table.published.rows))
    if attributions:
        sections.append("## Data\n\n" + "".join(f"- {line}\n" for line in attributions))
    write_text(path, "\n".join(sections))
