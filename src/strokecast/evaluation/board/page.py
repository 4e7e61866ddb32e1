"""Writes `reports/index.html`: one self-contained file without scripts."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from strokecast.common.files import write_text
from strokecast.evaluation.board.task_tables import TaskTable

_CLASS_FIGURES = {
    "models.svg": "Test accuracy of each model with its interval",
    "curves.svg": "Validation loss and accuracy by epoch",
    "by_length.svg": "Accuracy by length of the drawing",
    "confusion.svg": "Confusion matrix of the best model",
}
_FIGURES = {
    "classify": {**_CLASS_FIGURES, "attention.svg": "Attention weights on one drawing per class"},
    "watch": _CLASS_FIGURES,
    "draw": {
        "models.svg": "Share of generated and of real drawings that the judge recognises",
        "curves.svg": "Training and validation loss by epoch",
        "samples-*.svg": "Generated drawings by class, a real one first in each row",
        "temperatures-*.svg": "Generated drawings by temperature",
        "reconstructions-*.svg": "Real drawings and their reconstructions",
        "interpolation-*.svg": "Interpolation between the latent vectors of two real drawings",
    },
    "forecast": {
        "models.svg": "Test MAE of each model with its interval",
        "by_day.svg": "Mean absolute error by day ahead",
        "forecast.svg": "Actual values and forecasts over the test days",
        "fan.svg": "Forecasts of the best model with their 80 % interval",
        "coverage.svg": "Coverage of each interval against its level",
        "curves.svg": "Training and validation loss by epoch",
    },
}


@dataclass(frozen=True)
class EmbeddedFigure:
    """An SVG file as a data URI, with its alternative text."""

    uri: str
    alt: str


def embed_figures(report_dir: Path, task: str) -> list[EmbeddedFigure]:
    """The figures of a task; those that do not exist (e.g. learning curves without a network) are skipped.

    The name of a figure of one model ends in a hyphen and the model's name.
    """
    embedded = []
    for pattern, alt in _FIGURES[task].items():
        for path in sorted((report_dir / "figures").glob(pattern)):
            data = base64.b64encode(path.read_bytes()).decode("ascii")
            model = path.stem.partition("-")[2]
            text = f"{alt}, {model}" if model else alt
            embedded.append(EmbeddedFigure(f"data:image/svg+xml;base64,{data}", text))
    return embedded


def write_page(
    path: Path, reports: Path, task_tables: Sequence[TaskTable], attributions: Sequence[str]
) -> None:
    """Write the page from the leaderboard tables and the figures in `reports/<task>/figures/`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("strokecast.evaluation.board", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [
        (table, embed_figures(reports / table.summary["task"], table.summary["task"]))
        for table in task_tables
    ]
    template = environment.get_template("page.html.j2")
    write_text(path, template.render(sections=sections, attributions=attributions))
