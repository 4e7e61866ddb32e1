"""Plots the training curves; the same history gives the same bytes."""

from __future__ import annotations

import csv
from pathlib import Path


def plot(history: Path, picture: Path, title: str) -> bool:
    """Plot loss, and accuracy if there is one, against the epoch.

    Args:
        history: a training's history.csv.
        picture: the PNG to write.
        title: title of the figure.

    Returns:
        False if the history is empty: models without a network have no epochs.
    """
    with history.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    metrics = [metric for metric in ("loss", "accuracy") if f"train_{metric}" in rows[0]]
    figure = Figure(figsize=(5.0 * len(metrics), 3.4), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    figure.suptitle(title)
    epochs = [int(row["epoch"]) for row in rows]
    for axes, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        for split, style in (("train", "o-"), ("valid", "s--")):
            values = [float(row[f"{split}_{metric}"]) for row in rows]
            axes.plot(epochs, values, style, markersize=3, label=split)
        axes.set_xlabel("epoch")
        axes.set_ylabel(metric)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    canvas.print_png(picture, metadata={"Software": None})  # savefig would draw twice
    return True
