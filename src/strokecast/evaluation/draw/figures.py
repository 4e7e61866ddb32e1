"""The sheets of a training: its drawings beside real ones, by class, by temperature, and through its latent vectors.

The drawings of a sheet are the first ones of their class, never picked. As a figure, PNG and SVG alike, each cell
is one group of lines, `cell-<row>-<column>`. Shapes: K classes, S drawings asked for a class, Z latent numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strokecast.evaluation.common import figures
from strokecast.evaluation.draw.metrics import Drawing, Drawings, Sheet
from strokecast.inference import sampling
from strokecast.params import DrawEvaluation

_FILLED = 0.84  # share of a cell's side that the longer side of a drawing takes
_INCHES = 0.8  # a cell's side
COLUMNS = 8  # generated drawings a row
ROWS = 24  # classes a sheet
PAIRS = 4  # drawings a row that are shown with their reconstruction
WAYS = 6  # classes with a way from one drawing to another
STEPS = 8  # drawings on that way


def make(
    network: Any,
    name: str,
    drawings: Sequence[Drawing],
    said: Sequence[str] | None,
    test: Drawings,
    spec: Mapping[str, Any],
    settings: DrawEvaluation,
) -> dict[str, Sheet]:
    """`samples` and `ladder`; with a latent vector also `reconstructions` and `interpolation`.

    Args:
        network: of the training.
        name: of its model, for the titles.
        drawings: K * S, class by class; of a network that knows no class any number.
        said: what the referee says of them; None where no class was asked for.
        test: real drawings.
        spec: of the data.
        settings: `evaluation.draw` of params.yaml.
    """
    shown = [k for k in range(len(spec["classes"])) if len(test.of(k, 1))][:ROWS]
    many = f"; {ROWS} of {len(spec['classes'])} classes" if len(spec["classes"]) > ROWS else ""
    make_one = _Maker(network, name, shown, many, test, spec, settings)
    sheets = {"samples": make_one.samples(drawings, said), "ladder": make_one.ladder()}
    if sampling.latent_size(network) is not None:
        sheets |= {"reconstructions": make_one.reconstructions(), "interpolation": make_one.interpolation()}
    return sheets


class _Maker:
    """One training's sheets; the arguments are those of `make`, and the classes shown."""

    def __init__(
        self,
        network: Any,
        name: str,
        shown: Sequence[int],
        many: str,
        test: Drawings,
        spec: Mapping[str, Any],
        settings: DrawEvaluation,
    ) -> None:
        self._network, self._name, self._shown, self._many = network, name, shown, many
        self._test, self._settings = test, settings
        self._rows = [spec["classes"][k] for k in shown]
        self._classes: list[str] = spec["classes"]
        self._limit: int = spec["max_points"]
        self._knows = sampling.conditional(network)

    def samples(self, drawings: Sequence[Drawing], said: Sequence[str] | None) -> Sheet:
        """A real drawing first in each row, then what was drawn when the row's class was asked for."""
        told = f"{self._name}, temperature {self._settings.temperature:g}"
        if said is None:
            rows = [str(number + 1) for number in range(len(drawings) // COLUMNS)][:ROWS]
            cells = [list(drawings[n * COLUMNS : (n + 1) * COLUMNS]) for n in range(len(rows))]
            return Sheet(f"{told}: it knows no class", rows, [""] * COLUMNS, cells)
        each = len(drawings) // len(self._classes)
        count = min(COLUMNS, each)
        picked = [[k * each + n for n in range(count)] for k in self._shown]
        cells = [
            [*self._test.of(k, 1), *(drawings[at] for at in row)]
            for k, row in zip(self._shown, picked, strict=True)
        ]
        doubted = {
            (row, n + 1)
            for row, (k, places) in enumerate(zip(self._shown, picked, strict=True))
            for n, at in enumerate(places)
            if said[at] != self._classes[k]
        }
        columns = ["real", *(str(n + 1) for n in range(count))]
        title = f"{told}; orange: taken for something else{self._many}"
        return Sheet(title, self._rows, columns, cells, frozenset(doubted))

    def ladder(self) -> Sheet:
        """Each class from cool to hot, with the same seed; through z of the real drawing where there is one."""
        real = [self._test.of(k, 1)[0] for k in self._shown]
        latent = sampling.latent_size(self._network) is not None
        z = sampling.encode(self._network, real) if latent else None
        columns = [
            sampling.sample(
                self._network,
                self._asked(self._shown),
                heat,
                self._settings.seed,
                self._limit,
                z,
            )
            for heat in self._settings.ladder
        ]
        cells = [[one, *(column[row] for column in columns)] for row, one in enumerate(real)]
        titles = ["real", *(f"{heat:g}" for heat in self._settings.ladder)]
        return Sheet(f"{self._name} by temperature{self._many}", self._rows, titles, cells)

    def reconstructions(self) -> Sheet:
        """Real drawings, each beside itself drawn again from its latent vector."""
        real = [self._test.of(k, PAIRS) for k in self._shown]
        flat = [drawing for row in real for drawing in row]
        labels = [k for k, row in zip(self._shown, real, strict=True) for _ in row]
        again = iter(
            sampling.reconstruct(
                self._network,
                flat,
                labels if self._knows else None,
                self._settings.temperature,
                self._settings.seed,
                self._limit,
            )
        )
        cells = [_filled([each for one in row for each in (one, next(again))], 2 * PAIRS) for row in real]
        told = f"{self._name}: real drawings and their reconstructions, temperature {self._settings.temperature:g}"
        return Sheet(f"{told}{self._many}", self._rows, ["real", "redrawn"] * PAIRS, cells)

    def interpolation(self) -> Sheet:
        """From one real drawing to another of its class, through the latent vectors between."""
        rows: list[str] = []
        cells = []
        for name, k in zip(self._rows, self._shown, strict=True):
            ends = self._test.of(k, 2)
            if len(ends) < 2 or len(rows) == WAYS:
                continue
            way = sampling.interpolate(
                self._network,
                ends[0],
                ends[1],
                k if self._knows else None,
                STEPS,
                self._settings.temperature,
                self._settings.seed,
                self._limit,
            )
            rows.append(name)
            cells.append([ends[0], *way, ends[1]])
        shares = [f"{share:.2f}" for share in np.linspace(0.0, 1.0, STEPS)]
        title = f"{self._name}: from one drawing to another, temperature {self._settings.temperature:g}"
        return Sheet(title, rows, ["real", *shares, "real"], cells)

    def _asked(self, classes: Sequence[int]) -> Any:
        return list(classes) if self._knows else len(classes)


def _filled(cells: list[Drawing], count: int) -> list[Drawing | None]:
    return [*cells, *[None] * (count - len(cells))]


def sheet(given: Sheet) -> Figure:
    """The figure of a sheet; drawings that the referee took for something else are orange."""
    height, width = len(given.rows), len(given.columns)
    figure, (axes,) = figures.sheet(_INCHES * width + 1.2, _INCHES * height + 0.7)
    for row, cells in enumerate(given.cells):
        for column, drawing in enumerate(cells):
            if drawing is None:
                continue
            lines = [np.array([column, row]) + line for line in strokes(drawing)]
            doubted = (row, column) in given.doubted
            colour = figures.COLOURS[1] if doubted else figures.INK
            drawn = LineCollection(lines, colors=colour, linewidths=1.1, capstyle="round", joinstyle="round")
            drawn.set_gid(f"cell-{row}-{column}")
            axes.add_collection(drawn, autolim=False)
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_yticks(range(height), list(given.rows), fontsize=8)
    axes.set_xticks(range(width), list(given.columns), fontsize=8)
    axes.tick_params(length=0, top=True, bottom=False, labeltop=True, labelbottom=False)
    for position in np.arange(1, height):
        axes.axhline(position - 0.5, color=figures.GRID, linewidth=0.5)
    axes.spines[:].set_visible(False)
    axes.set_title(given.title, loc="left")
    return figure


def strokes(drawing: Drawing) -> list[NDArray[np.float64]]:
    """The pen's lines, centred on 0 and at most `_FILLED` long and wide.

    Args:
        drawing: [n, 3], (dx, dy, pen_lift) from the first point that the pen touched, which has no row.

    Returns:
        One float64 [m >= 2, 2] a stroke; a stroke of one point is that point twice.
    """
    moves = np.asarray(drawing[:, :2], np.float64)
    places = np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])  # [n + 1, 2]
    low, high = places.min(axis=0), places.max(axis=0)
    places = (places - (low + high) / 2) * (_FILLED / max(float((high - low).max()), 1e-9))
    ends = np.flatnonzero(drawing[:-1, 2] > 0.5) + 2
    found = [part for part in np.split(places, ends) if len(part)]
    return [part if len(part) > 1 else np.repeat(part, 2, axis=0) for part in found]
