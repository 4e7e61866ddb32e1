"""Writes the learning curves of one training as a PNG file."""

from __future__ import annotations

import csv
from pathlib import Path


def draw(history: Path, picture: Path, title: str) -> bool:
    """Plot the loss, and for classifiers the accuracy, by epoch.

    The same history gives the same bytes.

    Args:
        history: `history.csv` of a training.
        picture: PNG file to write.
        title: of the figure.

    Returns:
        False if there are no epochs, i.e. for models without a network; nothing is written then.
    """
    with history.open(newline="", encoding="utf-8") as file:
        epochs = list(csv.DictReader(file))
    if not epochs:
        return False
    from strokecast.common import figures

    kinds = [kind for kind in ("loss", "accuracy") if f"train_{kind}" in epochs[0]]
    rows = [
        {"model": split, "epoch": int(row["epoch"]), **{k: float(row[f"{split}_{k}"]) for k in kinds}}
        for split in ("train", "valid")
        for row in epochs
    ]
    styles = figures.line_styles({split: [split] for split in ("train", "valid")})
    figure = figures.learning_curves(rows, {kind: kind for kind in kinds}, styles, title)
    if figure is not None:
        figures.save(figure, picture)
    return True
