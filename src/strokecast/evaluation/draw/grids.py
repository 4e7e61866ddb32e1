"""Grids of one trained model's drawings: per class, by temperature, reconstructions and interpolations.

A grid shows the first drawings of each class; none are selected by hand.
Shapes: K classes, S generated drawings per class, Z latent dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from strokecast.evaluation.draw.metrics import Drawing, DrawingGrid, RealDrawings
from strokecast.features.records.spec import DrawSpec
from strokecast.inference import sampling
from strokecast.params import DrawEvaluation

COLUMNS = 8  # generated drawings per row
MAX_ROWS = 24  # classes per grid
RECONSTRUCTIONS = 4  # drawings per row that are shown with their reconstruction
MAX_INTERPOLATIONS = 6  # classes with an interpolation
INTERPOLATION_STEPS = 8  # drawings of an interpolation

JudgeFn = Callable[[Sequence[Drawing]], Sequence[str]]
"""Drawings → the judge's class of each."""


def generate_grids(
    network: Any,
    name: str,
    drawings: Sequence[Drawing],
    predicted: Sequence[str] | None,
    test: RealDrawings,
    spec: DrawSpec,
    settings: DrawEvaluation,
    judge: JudgeFn,
) -> dict[str, DrawingGrid]:
    """Generate the grids of one trained model.

    Args:
        network: of the trained model.
        name: of the model, for the titles.
        drawings: K * S drawings ordered by class; any number for an unconditional network.
        predicted: the judge's class per drawing; None for an unconditional network.
        test: real drawings.
        spec: of draw's data.
        settings: `evaluation.draw` of params.yaml.
        judge: of the drawings by temperature.

    Returns:
        `samples` and `temperatures`; with a latent vector also `reconstructions` and `interpolation`.
    """
    generator = _GridGenerator(network, name, test, spec, settings, judge)
    grids = {
        "samples": generator.samples(drawings, predicted),
        "temperatures": generator.by_temperature(),
    }
    if sampling.latent_size(network) is not None:
        grids |= {
            "reconstructions": generator.reconstructions(),
            "interpolation": generator.interpolations(),
        }
    return grids


class _GridGenerator:
    """Generates the grids of one network; arguments as for `generate_grids`."""

    def __init__(
        self,
        network: Any,
        name: str,
        test: RealDrawings,
        spec: DrawSpec,
        settings: DrawEvaluation,
        judge: JudgeFn,
    ) -> None:
        self._network, self._name, self._test, self._settings = network, name, test, settings
        self._judge = judge
        self._classes: list[str] = spec["classes"]
        self._max_points: int = spec["max_points"]
        self._conditional = sampling.is_conditional(network)
        k = len(self._classes)
        self._shown = [label for label in range(k) if len(test.first_of_class(label, 1))][:MAX_ROWS]
        self._row_labels = [self._classes[label] for label in self._shown]
        self._limit_note = f"; {MAX_ROWS} of {k} classes" if k > MAX_ROWS else ""

    def samples(self, drawings: Sequence[Drawing], predicted: Sequence[str] | None) -> DrawingGrid:
        """Per class one real drawing, then generated ones of this class."""
        title = f"{self._name}, temperature {self._settings.temperature:g}"
        if predicted is None:
            row_labels = [str(number + 1) for number in range(len(drawings) // COLUMNS)][:MAX_ROWS]
            cells = [list(drawings[n * COLUMNS : (n + 1) * COLUMNS]) for n in range(len(row_labels))]
            return DrawingGrid(f"{title}: unconditional", row_labels, [""] * COLUMNS, cells)
        samples = len(drawings) // len(self._classes)
        count = min(COLUMNS, samples)
        indices = [[label * samples + n for n in range(count)] for label in self._shown]
        cells = [
            [*self._test.first_of_class(label, 1), *(drawings[at] for at in row)]
            for label, row in zip(self._shown, indices, strict=True)
        ]
        judged = {
            (row, n + 1): predicted[at] for row, places in enumerate(indices) for n, at in enumerate(places)
        }
        columns = ["real", *(str(n + 1) for n in range(count))]
        title = f"{title}{self._limit_note}"
        return DrawingGrid(title, self._row_labels, columns, cells, judged)

    def by_temperature(self) -> DrawingGrid:
        """Per class one real drawing, then one per temperature with the same seed.

        A network with a latent vector decodes that of the real drawing.
        """
        real = [self._test.first_of_class(label, 1)[0] for label in self._shown]
        z = sampling.encode(self._network, real) if sampling.latent_size(self._network) is not None else None
        labels: Any = list(self._shown) if self._conditional else len(self._shown)
        columns = [
            sampling.sample(self._network, labels, temperature, self._settings.seed, self._max_points, z)
            for temperature in self._settings.temperatures
        ]
        cells = [[drawing, *(column[row] for column in columns)] for row, drawing in enumerate(real)]
        column_labels = ["real", *(f"{temperature:g}" for temperature in self._settings.temperatures)]
        title = f"{self._name} by temperature{self._limit_note}"
        if not self._conditional:
            return DrawingGrid(title, self._row_labels, column_labels, cells)
        labelled = self._judge([drawing for column in columns for drawing in column])
        judged = {(at % len(real), at // len(real) + 1): label for at, label in enumerate(labelled)}
        return DrawingGrid(title, self._row_labels, column_labels, cells, judged)

    def reconstructions(self) -> DrawingGrid:
        """Real drawings, each followed by its reconstruction from the latent vector."""
        real = [self._test.first_of_class(label, RECONSTRUCTIONS) for label in self._shown]
        flat = [drawing for row in real for drawing in row]
        labels = [label for label, row in zip(self._shown, real, strict=True) for _ in row]
        reconstructed = iter(
            sampling.reconstruct(
                self._network,
                flat,
                labels if self._conditional else None,
                self._settings.temperature,
                self._settings.seed,
                self._max_points,
            )
        )
        cells = [
            _padded([cell for drawing in row for cell in (drawing, next(reconstructed))], 2 * RECONSTRUCTIONS)
            for row in real
        ]
        title = (
            f"{self._name}: real drawings and their reconstructions, "
            f"temperature {self._settings.temperature:g}{self._limit_note}"
        )
        return DrawingGrid(title, self._row_labels, ["real", "reconstructed"] * RECONSTRUCTIONS, cells)

    def interpolations(self) -> DrawingGrid:
        """Per class two real drawings, and between them the interpolation of their latent vectors."""
        row_labels: list[str] = []
        cells = []
        for name, label in zip(self._row_labels, self._shown, strict=True):
            ends = self._test.first_of_class(label, 2)
            if len(ends) < 2 or len(row_labels) == MAX_INTERPOLATIONS:
                continue
            between = sampling.interpolate(
                self._network,
                ends[0],
                ends[1],
                label if self._conditional else None,
                INTERPOLATION_STEPS,
                self._settings.temperature,
                self._settings.seed,
                self._max_points,
            )
            row_labels.append(name)
            cells.append([ends[0], *between, ends[1]])
        shares = [f"{share:.2f}" for share in np.linspace(0.0, 1.0, INTERPOLATION_STEPS)]
        title = f"{self._name}: interpolation, temperature {self._settings.temperature:g}"
        return DrawingGrid(title, row_labels, ["real", *shares, "real"], cells)


def _padded(cells: list[Drawing], count: int) -> list[Drawing | None]:
    return [*cells, *[None] * (count - len(cells))]
