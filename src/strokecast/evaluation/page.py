"""`reports/index.html`: one file with everything inside, no script, nothing fetched."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from strokecast.common.files import write_text
from strokecast.evaluation.common.cells import Board

_FIGURES = {
    "classify": {
        "models.svg": "Test accuracy of each model with its interval",
        "curves.svg": "Validation loss and accuracy by epoch",
        "by_length.svg": "Accuracy by length of the drawing",
        "confusion.svg": "Confusion matrix of the best model",
        "attention.svg": "Which points of a drawing the attention of a network rests on",
    },
    "watch": {
        "models.svg": "Test accuracy of each model with its interval",
        "curves.svg": "Validation loss and accuracy by epoch",
        "by_length.svg": "Accuracy by length of the drawing",
        "confusion.svg": "Confusion matrix of the best model",
    },
    "draw": {
        "models.svg": "Share of generated and of real drawings that the referee recognises",
        "curves.svg": "Training and validation loss by epoch",
        "samples-*.svg": "Generated drawings by class, a real one first in each row",
        "ladder-*.svg": "Generated drawings by temperature",
        "reconstructions-*.svg": "Real drawings and their reconstructions",
        "interpolation-*.svg": "From one real drawing to another through the latent vectors between",
    },
    "forecast": {
        "models.svg": "Test MAE of each model with its interval",
        "by_day.svg": "Mean absolute error by day ahead",
        "forecast.svg": "Actual values and forecasts over the test days",
        "fan.svg": "Forecasts of the best model with their 80 % interval",
        "coverage.svg": "Share of values within each interval against the level it promises",
        "curves.svg": "Training and validation loss by epoch",
    },
}


@dataclass(frozen=True)
class Picture:
    """An SVG file as a data address, and what it shows in words."""

    address: str
    alt: str


def pictures(folder: Path, task: str) -> list[Picture]:
    """The figures of a task; one that was not drawn (no network, no curves) is passed over.

    A figure of one model has the model's name after a hyphen.
    """
    found = []
    for name, alt in _FIGURES[task].items():
        for path in sorted((folder / "figures").glob(name)):
            data = base64.b64encode(path.read_bytes()).decode("ascii")
            model = path.stem.partition("-")[2]
            found.append(Picture(f"data:image/svg+xml;base64,{data}", alt + (f", {model}" if model else "")))
    return found


def write(path: Path, reports: Path, boards: Sequence[Board], credits: Sequence[str]) -> None:
    """Write the page from the boards and the figures below `reports`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("strokecast.evaluation", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [(board, pictures(reports / board.facts["task"], board.facts["task"])) for board in boards]
    write_text(path, environment.get_template("page.html.j2").render(sections=sections, credits=credits))
