"""Figure of a ranking: one dot and one interval per model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from strokecast.common import figures


def plot_ranking(rows: Sequence[Mapping[str, Any]], column: str, title: str) -> Figure:
    """Plot a dot at `column` and a bar from `low` to `high` per row, labelled `model`, first row on top."""
    figure, (axes,) = figures.create(6.4, 1.0 + 0.32 * len(rows))
    for position, row in enumerate(rows):
        ends = [row["low"], row["high"]]
        axes.plot(ends, [position, position], color=figures.COLOURS[0], linewidth=2, solid_capstyle="butt")
        axes.plot([row[column]], [position], "o", color=figures.COLOURS[0], markersize=6)
    axes.set_yticks(range(len(rows)), [row["model"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_title(title, loc="left")
    figures.add_grid(axes, "x")
    return figure
