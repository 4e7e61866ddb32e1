"""Shared style of all figures: colours for colour-blind readers, learning curves, byte-identical files."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backend_bases import get_registered_canvas_class
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from strokecast.common import names

LineStyle = dict[str, Any]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito 2008
DASHES = ("-", "--", ":", "-.")
INK = "#222222"
GRID = "#d9d9d9"

_RC: Any = {
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
    "text.parse_math": False,  # a name of the user may hold dollar signs
}
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_LABEL_WIDTH = 20  # characters of a class at its tick


def line_styles(labels: Mapping[str, Sequence[str]]) -> dict[str, LineStyle]:
    """Colour and dash pattern per line label; distinct for the first 24 models.

    Args:
        labels: model → labels of its lines. All but the first are paler.
    """
    styles: dict[str, LineStyle] = {}
    for position, lines in enumerate(labels.values()):
        cycle = position // len(COLOURS)
        style = {"color": COLOURS[position % len(COLOURS)], "linestyle": DASHES[cycle % len(DASHES)]}
        styles |= {label: style if label == lines[0] else {**style, "alpha": 0.45} for label in lines}
    return styles


def create(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of `width` x `height` inches with `rows` x `columns` axes, independent of pyplot."""
    with mpl.rc_context(_RC):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.ravel())


def save(figure: Figure, path: Path, image_format: str = "") -> None:
    """Write `path` (png at 110 dpi, svg or pdf) without dates or versions in its metadata.

    Every text is drawn as it is, `a $_$ b` too, and characters that the font lacks as boxes.

    Args:
        figure: the figure.
        path: file to write.
        image_format: png, svg or pdf; default: the suffix of `path`.
    """
    image_format = image_format or path.suffix[1:]
    path.parent.mkdir(parents=True, exist_ok=True)
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    with mpl.rc_context(_RC), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        _write(figure, path, format=image_format, dpi=110, metadata=_METADATA[image_format])


def _write(figure: Figure, path: Path, *, format: str, dpi: float, metadata: Mapping[str, Any]) -> None:
    """`Figure.savefig`, which draws twice, first to find the layout; here it is found while drawing."""
    figure.set_dpi(dpi)
    canvas: Any = get_registered_canvas_class(format)(figure)
    getattr(canvas, f"print_{format}")(path, metadata=metadata)


def tick_labels(classes: Sequence[str]) -> tuple[list[str], float]:
    """Names of classes as tick labels, shortened, and the inches that they need beyond those of short names."""
    labels = [names.shorten(name, _LABEL_WIDTH) for name in classes]
    return labels, 0.11 * max(0, *(len(label) - 10 for label in labels), 0)


def add_grid(axes: Axes, axis: str = "y") -> None:
    """Draw a thin grid behind the data."""
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis=axis, color=GRID, linewidth=0.7)  # type: ignore[arg-type]


def plot_lines(
    axes: Axes,
    rows: Sequence[Mapping[str, Any]],
    x: str,
    y: str,
    styles: Mapping[str, LineStyle],
    marker: str = "",
) -> None:
    """Plot one line per model from a long table with the columns `model`, `x` and `y`."""
    for name in dict.fromkeys(row["model"] for row in rows):
        points = [row for row in rows if row["model"] == name]
        xs, ys = [row[x] for row in points], [row[y] for row in points]
        axes.plot(xs, ys, label=name, marker=marker, markersize=4, linewidth=1.6, **styles[name])
    add_grid(axes)


def add_legend(axes: Axes, above: bool = False) -> None:
    """Place the legend outside the data: right of the axes, or above them."""
    entries = len(axes.get_legend_handles_labels()[1])
    if not entries:
        return
    if above:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, fontsize=8, frameon=False)
    else:
        columns = 1 + (entries - 1) // 16
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), ncols=columns, fontsize=8, frameon=False)


def add_attribution(figure: Figure, text: str) -> None:
    """Write `text` in small letters below the axes, wrapped to the width of the figure; does nothing if it is empty."""
    if text:
        lines = textwrap.wrap(text, int(18 * figure.get_figwidth()))
        figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=6, color="#666666")


def learning_curves(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    styles: Mapping[str, LineStyle],
    title: str = "",
) -> Figure | None:
    """Plot values by epoch, one panel per column and one line per model.

    Args:
        rows: long table with `model`, `epoch` and `columns`.
        columns: column → title of its panel.
        styles: from `line_styles`.
        title: of the figure.

    Returns:
        None if `rows` is empty: models without a network have no epochs.
    """
    if not rows:
        return None
    figure, axes = create(4.6 * len(columns), 3.2, columns=len(columns))
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    for panel, (column, panel_title) in zip(axes, columns.items(), strict=True):
        plot_lines(panel, rows, "epoch", column, styles)
        panel.set_title(panel_title, loc="left")
        panel.set_xlabel("epoch")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    add_legend(axes[-1])
    return figure
