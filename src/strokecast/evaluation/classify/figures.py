"""Figures of tasks with classes. Shapes: K classes, counts int64 [K, K] (true x predicted)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strokecast.common import figures
from strokecast.evaluation.classify.metrics import CalibrationBin
from strokecast.evaluation.classify.sketches import SketchAttention

_MAX_CLASSES_WITH_NUMBERS = 30  # with more, the cells are too small for a number


def plot_confusion(counts: NDArray[np.int64], classes: Sequence[str], title: str) -> Figure:
    """The confusion matrix: colour is the share of the true class, the number is the count."""
    k = len(classes)
    side = min(16.0, 2.2 + 0.36 * k)
    labels, margin = figures.tick_labels(classes if k <= _MAX_CLASSES_WITH_NUMBERS else ())
    figure, (axes,) = figures.create(side + 0.8 + margin, side + margin)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if k <= _MAX_CLASSES_WITH_NUMBERS:
        for row, column in zip(*np.nonzero(counts), strict=True):
            ink = "white" if shares[row, column] > 0.55 else figures.INK
            text = str(counts[row, column])
            number = axes.text(column, row, text, ha="center", va="center", fontsize=7, color=ink)
            number.set_in_layout(False)  # saves the layout engine measuring up to 900 texts
        axes.set_xticks(range(k), labels, rotation=90, fontsize=8)
        axes.set_yticks(range(k), labels, fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(title, loc="left")
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.7, label="share of the true class")
    return figure


def plot_reliability(bins: Sequence[CalibrationBin], error: float, title: str) -> Figure:
    """Accuracy against confidence per bin, and below it the number of sketches per bin."""
    figure, (upper, lower) = figures.create(4.4, 5.0, rows=2)
    filled = [row for row in bins if row.count]
    centres = [(row.low + row.high) / 2 for row in filled]
    width = bins[0].high - bins[0].low
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
    figures.add_grid(upper)
    upper.legend(fontsize=8, loc="upper left", frameon=False)
    lower.bar(centres, [row.count for row in filled], width=0.9 * width, color=figures.COLOURS[5])
    lower.set(xlim=(0, 1), xlabel="confidence", ylabel="sketches")
    figures.add_grid(lower)
    return figure


def plot_attention(
    examples: Sequence[tuple[SketchAttention, str]], title: str, attribution: str = ""
) -> Figure:
    """Sketches with captions; the colour of a line is the attention weight of the point it leads to.

    Weights are scaled so that uniform attention (1 / n for each of n points) is 1. The first point of a stroke is a
    dot, because no line leads to it.

    Args:
        examples: sketches with their captions.
        title: of the figure.
        attribution: of the sketches, written below them; "" for none.
    """
    columns = min(6, len(examples))
    rows = -(-len(examples) // columns)
    figure, panels = figures.create(1.7 * columns + 0.9, 1.8 * rows + 0.4, rows, columns)
    scaled = [attention.weights * len(attention.weights) for attention, _ in examples]
    colours = Normalize(0.0, max(2.0, float(np.quantile(np.concatenate(scaled), 0.98))))
    for axes, (attention, caption), weights in zip(panels, examples, scaled, strict=False):
        positions = np.cumsum(attention.strokes[:, :2], axis=0, dtype=np.float64)  # [n, 2]
        starts = np.concatenate([[True], attention.strokes[:-1, 2] > 0.5])  # [n]
        ends = np.flatnonzero(~starts)
        lines = np.stack([positions[ends - 1], positions[ends]], axis=1)  # [moves, 2, 2]
        axes.add_collection(LineCollection(list(lines), colors=figures.GRID, linewidths=3.5))
        style: Any = {"cmap": "viridis_r", "norm": colours}
        axes.add_collection(LineCollection(list(lines), array=weights[ends], linewidths=2.0, **style))
        dots = positions[starts]
        axes.scatter(dots[:, 0], dots[:, 1], c=weights[starts], s=14, zorder=3, **style)
        axes.set_title(caption, loc="left", fontsize=8)
        axes.set_aspect("equal", adjustable="datalim")
        axes.invert_yaxis()
    for axes in panels:
        axes.axis("off")
    scale = ScalarMappable(colours, "viridis_r")
    figure.colorbar(scale, ax=panels, shrink=0.8, extend="max", label="attention, uniform = 1")
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    figures.add_attribution(figure, attribution)
    return figure


def plot_accuracy_by_length(
    rows: Sequence[Mapping[str, Any]], styles: Mapping[str, figures.LineStyle]
) -> Figure:
    """Accuracy per length group and model from a long table (`model`, `points`, `accuracy`)."""
    figure, (axes,) = figures.create(5.6, 3.2)
    figures.plot_lines(axes, rows, "points", "accuracy", styles, marker="o")
    axes.set(xlabel="points in the drawing", ylabel="accuracy")
    axes.set_title("Accuracy by length of the drawing", loc="left")
    figures.add_legend(axes)
    return figure
