"""Figures of the classify task. Shapes: K classes, counts int64 [K, K] (true x predicted)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strokecast.evaluation import figures
from strokecast.evaluation.classify import Bin

_NUMBERS_UP_TO = 30  # classes; above it the cells are too small for a number


def confusion(counts: NDArray[np.int64], classes: Sequence[str], title: str) -> Figure:
    """The confusion matrix: colour is the share of the true class, the number is the count."""
    k = len(classes)
    side = min(16.0, 2.2 + 0.36 * k)
    figure, (axes,) = figures.sheet(side + 0.8, side)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if k <= _NUMBERS_UP_TO:
        for row, column in zip(*np.nonzero(counts), strict=True):
            ink = "white" if shares[row, column] > 0.55 else figures.INK
            text = str(counts[row, column])
            number = axes.text(column, row, text, ha="center", va="center", fontsize=7, color=ink)
            number.set_in_layout(False)  # inside the axes: nothing for the layout to measure
        axes.set_xticks(range(k), list(classes), rotation=90, fontsize=8)
        axes.set_yticks(range(k), list(classes), fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(title, loc="left")
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.7, label="share of the true class")
    return figure


def reliability(table: Sequence[Bin], error: float, title: str) -> Figure:
    """Accuracy against confidence by bin, and below it how many sketches each bin holds."""
    figure, (upper, lower) = figures.sheet(4.4, 5.0, rows=2)
    filled = [row for row in table if row.count]
    centres = [(row.low + row.high) / 2 for row in filled]
    width = table[0].high - table[0].low
    upper.plot([0, 1], [0, 1], color="#888888", linestyle="--", linewidth=1, label="perfectly calibrated")
    upper.plot(
        [row.confidence for row in filled],
        [row.accuracy for row in filled],
        "o-",
        color=figures.COLOURS[0],
        markersize=4,
        label=f"calibration error {100 * error:.1f} %",
    )
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
    upper.set_title(title, loc="left")
    figures.grid(upper)
    upper.legend(fontsize=8, loc="upper left", frameon=False)
    lower.bar(centres, [row.count for row in filled], width=0.9 * width, color=figures.COLOURS[5])
    lower.set(xlim=(0, 1), xlabel="confidence", ylabel="sketches")
    figures.grid(lower)
    return figure


def by_length(rows: Sequence[Mapping[str, Any]], styles: Mapping[str, figures.Style]) -> Figure:
    """Accuracy by length group for each model from a long table (`model`, `points`, `accuracy`)."""
    figure, (axes,) = figures.sheet(5.6, 3.2)
    figures.lines(axes, rows, "points", "accuracy", styles, marker="o")
    axes.set(xlabel="points in the drawing", ylabel="accuracy")
    axes.set_title("Accuracy by length of the drawing", loc="left")
    figures.legend(axes)
    return figure
