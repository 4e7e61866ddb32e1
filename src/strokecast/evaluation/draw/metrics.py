"""Metrics of the task draw: likelihood of real drawings, and the share of generated ones that the judge recognises.

A drawing is float32 [n, 3], (dx, dy, pen_lift) in the scaled units of draw's data.
Shapes: N drawings of a split, K classes, S generated drawings per class. Generated drawings are ordered by class: K * S.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation.common.bootstrap import BootstrapSettings, bootstrap_means, percentile_interval

Drawing = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class RealDrawings:
    """Drawings by people: `labels` int64 [N] and `strokes`, N drawings as the networks read them."""

    labels: Ints
    strokes: Sequence[Drawing]

    def first_of_class(self, label: int, count: int) -> list[Drawing]:
        """The first `count` drawings of a class, or all of them if there are fewer."""
        return [self.strokes[row] for row in np.flatnonzero(self.labels == label)[:count]]


@dataclass(frozen=True)
class Likelihood:
    """Per drawing of one split, float64 [N] each, in nats per step (a drawing's points and its end).

    Attributes:
        reconstruction: -log p(drawing | z, class) / steps with one sample of z; exact without a latent vector.
        kl: KL(q(z | drawing) || N(0, 1)) / steps, summed over latent dimensions; 0 without a latent vector.
        kl_latent: the same divergence per latent dimension, as in Ha & Eck (2017); 0 without a latent vector.
    """

    reconstruction: Floats
    kl: Floats
    kl_latent: Floats

    def metrics(self, prefix: str = "") -> dict[str, float]:
        """Means over the drawings. `nll`, the sum of both terms, is an upper bound of the negative log-likelihood."""
        reconstruction, kl = float(self.reconstruction.mean()), float(self.kl.mean())
        means = {
            "nll": reconstruction + kl,
            "reconstruction": reconstruction,
            "kl": kl,
            "kl_latent": float(self.kl_latent.mean()),
        }
        return {f"{prefix}{name}": value for name, value in means.items()}


@dataclass(frozen=True)
class DrawingGrid:
    """Drawings in rows and columns.

    Attributes:
        title: above the grid.
        row_labels: one per row.
        column_labels: one per column.
        cells: drawings by row and column; None leaves a cell empty.
        judged: (row, column) → the judge's class of that drawing; empty for an unconditional model.
    """

    title: str
    row_labels: Sequence[str]
    column_labels: Sequence[str]
    cells: Sequence[Sequence[Drawing | None]]
    judged: Mapping[tuple[int, int], str] = field(default_factory=dict)

    @property
    def misrecognised(self) -> frozenset[tuple[int, int]]:
        """(row, column) of drawings that the judge assigned to another class than that of their row."""
        return frozenset(at for at, label in self.judged.items() if label != self.row_labels[at[0]])


@dataclass(frozen=True)
class GenerationResult:
    """What one trained model generated, and how likely real drawings are under it.

    Attributes:
        valid: likelihood of the validation drawings.
        test: likelihood of the test drawings.
        predicted: the judge's class per generated drawing, K * S; None for an unconditional model.
        grids: file name → grid.
    """

    valid: Likelihood
    test: Likelihood
    predicted: Sequence[str] | None
    grids: Mapping[str, DrawingGrid] = field(default_factory=dict)


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one class.

    Attributes:
        name: of the class.
        samples: S.
        recognised: share of generated drawings that the judge recognises.
        low, high: its interval.
        real: real test drawings.
        real_recognised: share of them that the judge recognises; NaN if there are none.
        most_common_error: the wrong class that the judge predicts most often; "" if it is always right.
    """

    name: str
    samples: int
    recognised: float
    low: float
    high: float
    real: int
    real_recognised: float
    most_common_error: str


def is_recognised(predicted: Sequence[str], expected: Sequence[str]) -> Floats:
    """1.0 where the judge predicts the expected class, else 0.0; float64 of the same length."""
    return np.array([a == b for a, b in zip(predicted, expected, strict=True)], np.float64)


def mean_with_interval(values: Floats, settings: BootstrapSettings) -> tuple[float, float, float]:
    """The mean of float64 [n] and its bootstrap interval: (mean, low, high)."""
    means = bootstrap_means(values[None], settings.resamples, settings.seed)
    low, high = percentile_interval(means, settings.level)
    return float(values.mean()), float(low[0]), float(high[0])


def class_metrics(
    predicted: Sequence[str],
    real_predicted: Sequence[str],
    real: RealDrawings,
    classes: Sequence[str],
    settings: BootstrapSettings,
) -> list[ClassMetrics]:
    """One row per class.

    Args:
        predicted: the judge's class per generated drawing, K * S, ordered by class.
        real_predicted: the judge's class per real drawing, N.
        real: the real drawings.
        classes: K names.
        settings: of the bootstrap.
    """
    samples = len(predicted) // len(classes)
    rows = []
    for k, name in enumerate(classes):
        generated = list(predicted[k * samples : (k + 1) * samples])
        share, low, high = mean_with_interval(is_recognised(generated, [name] * samples), settings)
        people = [real_predicted[row] for row in np.flatnonzero(real.labels == k).tolist()]
        real_share = float(is_recognised(people, [name] * len(people)).mean()) if people else float("nan")
        errors = Counter(other for other in generated if other != name).most_common(1)
        error = errors[0][0] if errors else ""
        rows.append(ClassMetrics(name, samples, share, low, high, len(people), real_share, error))
    return rows
