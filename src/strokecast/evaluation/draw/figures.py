"""Figure of a grid of drawings."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strokecast.common import figures
from strokecast.evaluation.common.drawings import split_strokes
from strokecast.evaluation.draw.metrics import Drawing, DrawingGrid

_FILLED = 0.84  # share of a cell's side that the longer side of a drawing takes
_INCHES = 0.8  # side of a cell


def plot_grid(grid: DrawingGrid, attribution: str = "") -> Figure:
    """Plot a grid of drawings; those that the judge assigned to another class are orange.

    Each cell is one group of lines, in SVG with the id `cell-<row>-<column>`.

    Args:
        grid: the drawings.
        attribution: of the real drawings, written below the grid; "" for none.
    """
    height, width = len(grid.row_labels), len(grid.column_labels)
    row_labels, margin = figures.tick_labels(grid.row_labels)
    figure, (axes,) = figures.create(_INCHES * width + 1.2 + margin, _INCHES * height + 0.7)
    for row, cells in enumerate(grid.cells):
        for column, drawing in enumerate(cells):
            if drawing is None:
                continue
            lines = [np.array([column, row]) + line for line in stroke_lines(drawing)]
            colour = figures.COLOURS[1] if (row, column) in grid.misrecognised else figures.INK
            strokes = LineCollection(
                lines, colors=colour, linewidths=1.1, capstyle="round", joinstyle="round"
            )
            strokes.set_gid(f"cell-{row}-{column}")
            axes.add_collection(strokes, autolim=False)
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_yticks(range(height), row_labels, fontsize=8)
    axes.set_xticks(range(width), list(grid.column_labels), fontsize=8)
    axes.tick_params(length=0, top=True, bottom=False, labeltop=True, labelbottom=False)
    for position in np.arange(1, height):
        axes.axhline(position - 0.5, color=figures.GRID, linewidth=0.5)
    axes.spines[:].set_visible(False)
    legend = "; orange: recognised as another class" if grid.judged else ""
    axes.set_title(grid.title + legend, loc="left")
    figures.add_attribution(figure, attribution)
    return figure


def stroke_lines(drawing: Drawing) -> list[NDArray[np.float64]]:
    """The strokes of a drawing as lines, centred on 0 and at most `_FILLED` long and wide.

    Args:
        drawing: [n, 3], (dx, dy, pen_lift). The first row leads from the drawing's first point, which has no row.

    Returns:
        One float64 [m >= 2, 2] per stroke; a stroke of one point has that point twice.
    """
    lines = split_strokes(drawing, _FILLED)
    return [line if len(line) > 1 else np.repeat(line, 2, axis=0) for line in lines]
