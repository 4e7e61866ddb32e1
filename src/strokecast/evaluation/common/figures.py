"""What all figures share: colours that colour-blind readers tell apart, and byte-equal files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

Style = dict[str, Any]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito 2008
DASHES = ("-", "--", ":", "-.")
INK = "#222222"
GRID = "#d9d9d9"

_STYLE: Any = {
    "font.size": 9,
    "font.family": "sans-serif",
    "axes.titlesize": 10,
    "axes.edgecolor": "#888888",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "svg.hashsalt": "strokecast",
    "svg.fonttype": "path",
}


def palette(models: Mapping[str, Sequence[str]]) -> dict[str, Style]:
    """Colour and dashes of every line; distinct for the first 24 models.

    Args:
        models: by model the labels of its lines; all but the first are paler.
    """
    styles: dict[str, Style] = {}
    for position, labels in enumerate(models.values()):
        turn = position // len(COLOURS)
        style = {"color": COLOURS[position % len(COLOURS)], "linestyle": DASHES[turn % len(DASHES)]}
        styles |= {label: style if label == labels[0] else {**style, "alpha": 0.45} for label in labels}
    return styles


def sheet(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of `width` by `height` inches with rows x columns axes, outside pyplot's global state."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.ravel())


def save(figure: Figure, path: Path) -> None:
    """Write `path` (.png at 110 dots an inch, or .svg) without dates or versions inside."""
    metadata: dict[str, Any]
    metadata = {"Software": None} if path.suffix == ".png" else {"Date": None, "Creator": None}
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(_STYLE):
        figure.savefig(path, dpi=110, metadata=metadata)


def grid(axes: Axes, axis: str = "y") -> None:
    """A quiet grid behind the data."""
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis=axis, color=GRID, linewidth=0.7)  # type: ignore[arg-type]


def lines(
    axes: Axes,
    rows: Sequence[Mapping[str, Any]],
    x: str,
    y: str,
    styles: Mapping[str, Style],
    marker: str = "",
) -> None:
    """One line a model from a long table with the columns `model`, `x` and `y`."""
    for name in dict.fromkeys(row["model"] for row in rows):
        mine = [row for row in rows if row["model"] == name]
        across, up = [row[x] for row in mine], [row[y] for row in mine]
        axes.plot(across, up, label=name, marker=marker, markersize=4, linewidth=1.6, **styles[name])
    grid(axes)


def legend(axes: Axes, above: bool = False) -> None:
    """The legend outside the data: right of it, or above it at the right."""
    entries = len(axes.get_legend_handles_labels()[1])
    if not entries:
        return
    if above:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, fontsize=8, frameon=False)
    else:
        columns = 1 + (entries - 1) // 16
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), ncols=columns, fontsize=8, frameon=False)


def learning_curves(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], styles: Mapping[str, Style]
) -> Figure | None:
    """One panel a column of the long table `rows` (`model`, `epoch`, ...); None without a network."""
    if not rows:
        return None
    figure, axes = sheet(4.6 * len(columns), 3.2, columns=len(columns))
    for panel, (column, title) in zip(axes, columns.items(), strict=True):
        lines(panel, rows, "epoch", column, styles)
        panel.set_title(title, loc="left")
        panel.set_xlabel("epoch")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(axes[-1])
    return figure


def ranking(rows: Sequence[Mapping[str, Any]], column: str, title: str) -> Figure:
    """A dot at `column` and a bar from `low` to `high` for each row's `model`, the first on top."""
    figure, (axes,) = sheet(6.4, 1.0 + 0.32 * len(rows))
    for position, row in enumerate(rows):
        ends = [row["low"], row["high"]]
        axes.plot(ends, [position, position], color=COLOURS[0], linewidth=2, solid_capstyle="butt")
        axes.plot([row[column]], [position], "o", color=COLOURS[0], markersize=6)
    axes.set_yticks(range(len(rows)), [row["model"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_title(title, loc="left")
    grid(axes, "x")
    return figure
