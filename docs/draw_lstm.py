"""Draw an LSTM cell, with the gates named as in the code: `docs/figures/lstm.svg`.

.venv/bin/python docs/draw_lstm.py [file]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

GATES = {"f": 2.0, "i": 3.6, "g": 5.2, "o": 7.4}  # letter → x position of the gate
NAMES = {"f": "forget gate", "i": "input gate", "g": "candidate", "o": "output gate"}
TOP, BUS, OUT = 5.0, 1.0, 9.6  # y of the cell state, y of x and h, x of the right edge


def draw(path: Path) -> None:
    """Write the figure as SVG with selectable text. Equal calls give equal bytes."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "lstm", "font.size": 11}):
        figure, axes = plt.subplots(figsize=(8.4, 4.8))
        axes.set(xlim=(-1.1, 11.2), ylim=(-0.5, 6.2), aspect="equal")
        axes.axis("off")
        axes.add_patch(plt.Rectangle((0.5, 0.3), 9.1, 5.4, fill=False, lw=1.5, joinstyle="round"))
        _cell_state(axes)
        _gates(axes)
        _hidden_state(axes)
        figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
        plt.close(figure)


def _cell_state(axes: Any) -> None:
    """Draw the cell state from left to right: forgetting, then adding the candidate."""
    axes.text(-0.95, TOP, "$c_{t-1}$", va="center")
    axes.text(OUT + 0.75, TOP, "$c_t$", va="center")
    _arrow(axes, (0.0, TOP), (GATES["f"] - 0.22, TOP))
    _arrow(axes, (GATES["f"] + 0.22, TOP), (4.4 - 0.22, TOP))
    _arrow(axes, (4.4 + 0.22, TOP), (OUT + 0.6, TOP))
    _operator(axes, GATES["f"], TOP, "×")
    _operator(axes, 4.4, TOP, "+")
    _operator(axes, 4.4, 3.9, "×")
    _arrow(axes, (4.4, 4.12), (4.4, TOP - 0.22))


def _gates(axes: Any) -> None:
    """Draw the gates, their inputs x and h, and their outputs."""
    axes.plot([0.0, GATES["o"]], [BUS, BUS], color="black", lw=1.2)
    axes.text(-0.95, BUS, "$h_{t-1}$", va="center")
    axes.text(1.2, -0.2, "$x_t$", ha="center", va="center")
    axes.plot([1.2, 1.2], [0.0, BUS], color="black", lw=1.2)
    axes.plot([1.2], [BUS], "ko", markersize=3)
    for letter, at in GATES.items():
        candidate = letter == "g"
        box = _box((at - 0.45, 1.9), "#f2d6b3" if candidate else "#c9dcef")
        axes.add_patch(box)
        axes.text(at, 2.15, "tanh" if candidate else r"$\sigma$", ha="center", va="center")
        axes.text(at + 0.1, 2.62, f"${letter}$", ha="left", va="bottom", style="italic")
        axes.text(at, 1.6, NAMES[letter], ha="center", va="center", fontsize=8)
        axes.plot([at, at], [BUS, 1.45], color="black", lw=1.2)
        axes.plot([at, at], [1.75, 1.9], color="black", lw=1.2)
    _arrow(axes, (GATES["f"], 2.4), (GATES["f"], TOP - 0.22))
    for letter, side in (("i", -0.22), ("g", 0.22)):
        at = GATES[letter]
        axes.plot([at, at], [2.4, 3.9], color="black", lw=1.2)
        _arrow(axes, (at, 3.9), (4.4 + side, 3.9))


def _hidden_state(axes: Any) -> None:
    """Draw h: the cell state through tanh, multiplied by the output gate."""
    at = 8.6
    axes.plot([at], [TOP], "ko", markersize=3)
    axes.add_patch(_box((at - 0.45, 3.85), "#f2d6b3"))
    axes.text(at, 4.1, "tanh", ha="center", va="center")
    _arrow(axes, (at, TOP), (at, 4.35))
    _arrow(axes, (at, 3.85), (at, 3.22))
    _operator(axes, at, 3.0, "×")
    axes.plot([GATES["o"], GATES["o"]], [2.4, 3.0], color="black", lw=1.2)
    _arrow(axes, (GATES["o"], 3.0), (at - 0.22, 3.0))
    axes.plot([at, at], [2.78, BUS], color="black", lw=1.2)
    _arrow(axes, (at, BUS), (OUT + 0.6, BUS))
    axes.text(OUT + 0.75, BUS, "$h_t$", va="center")


def _box(corner: tuple[float, float], colour: str) -> Any:
    """Return a small filled box with lower left corner `corner`."""
    from matplotlib.patches import Rectangle

    return Rectangle(corner, 0.9, 0.5, facecolor=colour, edgecolor="black", lw=1.0)


def _operator(axes: Any, x: float, y: float, sign: str) -> None:
    from matplotlib.patches import Circle

    axes.add_patch(Circle((x, y), 0.22, facecolor="white", edgecolor="black", lw=1.0, zorder=3))
    axes.text(x, y, sign, ha="center", va="center", zorder=4)


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>", "lw": 1.2, "color": "black", "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=style)


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "figures" / "lstm.svg")
