"""Figures of the classify task. Shapes: K classes, counts int64 [K, K] (true x predicted)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strokecast.evaluation.classify.metrics import Attended, Bin
from strokecast.evaluation.common import figures

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


def attention(drawn: Sequence[tuple[Attended, str]], title: str) -> Figure:
    """Sketches, each with its caption: a move has the colour of its point's weight in even shares.

    An even share is 1 / n of n points. The first point of a stroke is a dot: no line leads there.
    """
    columns = min(6, len(drawn))
    rows = -(-len(drawn) // columns)
    figure, panels = figures.sheet(1.7 * columns + 0.9, 1.8 * rows + 0.4, rows, columns)
    shares = [seen.weights * len(seen.weights) for seen, _ in drawn]
    colours = Normalize(0.0, max(2.0, float(np.quantile(np.concatenate(shares), 0.98))))
    for axes, (seen, caption), share in zip(panels, drawn, shares, strict=False):
        places = np.cumsum(seen.strokes[:, :2], axis=0, dtype=np.float64)  # [n, 2]
        starts = np.concatenate([[True], seen.strokes[:-1, 2] > 0.5])  # [n]
        ends = np.flatnonzero(~starts)
        lines = np.stack([places[ends - 1], places[ends]], axis=1)  # [moves, 2, 2]
        axes.add_collection(LineCollection(list(lines), colors=figures.GRID, linewidths=3.5))
        style: Any = {"cmap": "viridis_r", "norm": colours}
        axes.add_collection(LineCollection(list(lines), array=share[ends], linewidths=2.0, **style))
        dots = places[starts]
        axes.scatter(dots[:, 0], dots[:, 1], c=share[starts], s=14, zorder=3, **style)
        axes.set_title(caption, loc="left", fontsize=8)
        axes.set_aspect("equal", adjustable="datalim")
        axes.invert_yaxis()
    for axes in panels:
        axes.axis("off")
    scale = ScalarMappable(colours, "viridis_r")
    figure.colorbar(scale, ax=panels, shrink=0.8, extend="max", label="attention, even share = 1")
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    return figure


def by_length(rows: Sequence[Mapping[str, Any]], styles: Mapping[str, figures.Style]) -> Figure:
    """Accuracy by length group for each model from a long table (`model`, `points`, `accuracy`)."""
    figure, (axes,) = figures.sheet(5.6, 3.2)
    figures.lines(axes, rows, "points", "accuracy", styles, marker="o")
    axes.set(xlabel="points in the drawing", ylabel="accuracy")
    axes.set_title("Accuracy by length of the drawing", loc="left")
    figures.legend(axes)
    return figure
