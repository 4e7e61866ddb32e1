"""Figures of the task draw: likelihood of the test drawings, and whether a referee recognises what is drawn.

A drawing is float32 [n, 3], (dx, dy, pen_lift) in the scaled units of draw's data. Shapes: N drawings of
a split, K classes, S drawings asked for a class; generated drawings stand class by class, K * S.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation.common.intervals import bootstrap_means, interval

Drawing = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Drawings:
    """Real drawings: `labels` int64 [N], `strokes` N drawings as the networks read them."""

    labels: Ints
    strokes: Sequence[Drawing]

    def of(self, label: int, count: int) -> list[Drawing]:
        """The first `count` drawings of a class, or as many as there are."""
        return [self.strokes[row] for row in np.flatnonzero(self.labels == label)[:count]]


@dataclass(frozen=True)
class Likelihood:
    """Of the drawings of one split, float64 [N] each, in nats a step (a drawing's points and its end).

    Attributes:
        reconstruction: -log p(drawing | z, class) / steps, z sampled once; exact where there is no z.
        kl: KL(q(z | drawing) || N(0, 1)) / steps, summed over the latent numbers; 0 where there is no z.
        kl_latent: the same divergence a latent number, as Ha & Eck (2017) give it; 0 where there is no z.
    """

    reconstruction: Floats
    kl: Floats
    kl_latent: Floats

    def figures(self, prefix: str = "") -> dict[str, float]:
        """Means over the drawings. `nll`, their sum, bounds the negative log-likelihood from above."""
        reconstruction, kl = float(self.reconstruction.mean()), float(self.kl.mean())
        told = {"nll": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}
        told["kl_latent"] = float(self.kl_latent.mean())
        return {f"{prefix}{name}": value for name, value in told.items()}


@dataclass(frozen=True)
class Sheet:
    """Drawings in rows and columns.

    Attributes:
        title: above it.
        rows: what each row is called.
        columns: what each column is called.
        cells: drawings by row and column; None leaves a cell empty.
        doubted: (row, column) of the cells that the referee took for something else.
    """

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Sequence[Drawing | None]]
    doubted: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Made:
    """What one training gave.

    Attributes:
        valid: likelihood of the validation drawings.
        test: likelihood of the test drawings.
        said: what the referee said of the K * S drawings; None where no class can be asked for.
        sheets: by file name.
    """

    valid: Likelihood
    test: Likelihood
    said: Sequence[str] | None
    sheets: Mapping[str, Sheet] = field(default_factory=dict)


@dataclass(frozen=True)
class ClassRow:
    """Of one class: recognised among those asked for, with its interval; among real ones; the commonest mistake."""

    name: str
    asked: int
    recognised: float
    low: float
    high: float
    real: int
    real_recognised: float
    mostly: str


def recognised(said: Sequence[str], wanted: Sequence[str]) -> Floats:
    """1.0 where the referee said what was wanted, float64 of their length."""
    return np.array([a == b for a, b in zip(said, wanted, strict=True)], np.float64)


def rate(values: Floats, resamples: int, level: float, seed: int) -> tuple[float, float, float]:
    """The mean of float64 [n] with its bootstrap interval: (mean, low, high)."""
    low, high = interval(bootstrap_means(values[None], resamples, seed), level)
    return float(values.mean()), float(low[0]), float(high[0])


def by_class(
    said: Sequence[str],
    real_said: Sequence[str],
    real: Drawings,
    classes: Sequence[str],
    resamples: int,
    level: float,
    seed: int,
) -> list[ClassRow]:
    """One row a class; NaN where the test split holds no drawing of it.

    Args:
        said: of the K * S drawings, class by class.
        real_said: of the N real drawings.
        real: these.
        classes: K names.
        resamples: of the bootstrap.
        level: of the intervals.
        seed: of the bootstrap.
    """
    asked = len(said) // len(classes)
    rows = []
    for k, name in enumerate(classes):
        mine = list(said[k * asked : (k + 1) * asked])
        share, low, high = rate(recognised(mine, [name] * asked), resamples, level, seed)
        true = [real_said[row] for row in np.flatnonzero(real.labels == k).tolist()]
        there = float(recognised(true, [name] * len(true)).mean()) if true else float("nan")
        wrong = Counter(other for other in mine if other != name).most_common(1)
        rows.append(ClassRow(name, asked, share, low, high, len(true), there, wrong[0][0] if wrong else ""))
    return rows
