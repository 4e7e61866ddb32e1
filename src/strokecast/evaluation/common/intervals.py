"""Percentile bootstrap intervals, alone and paired (Efron & Tibshirani 1993; Kuensch 1989).

Shapes: M models, N test examples (sketches, or forecast origins in time order), R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_CHUNK = 2_000_000  # drawn indices held in memory at a time


@dataclass(frozen=True)
class Pair:
    """The difference (`a` minus `b`) of two models' figures on the same examples, with its interval."""

    a: str
    b: str
    difference: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies wholly on one side of 0."""
        return self.low > 0 or self.high < 0


def block_length(block: int, n: int) -> int:
    """Examples a block: `block`, but at most a quarter of the N examples and at least 1."""
    return max(1, min(block, n // 4))


def bootstrap_means(values: Floats, resamples: int, seed: int, block: int = 1) -> Floats:
    """Means of `values` over resampled examples, with the same examples for every model.

    Args:
        values: float64 [M, N], one row a model.
        resamples: R.
        seed: of the random generator; the same seed draws the same examples.
        block: examples that are drawn together as a run of neighbours: 1 is the ordinary
            bootstrap, more is the moving-block bootstrap for examples that depend on their
            neighbours, wrapped around the ends so that every example is drawn equally often
            (circular; Politis & Romano 1992).

    Returns:
        float64 [R, M].
    """
    n = values.shape[1]
    random = np.random.default_rng(seed)
    blocks = -(-n // block)
    step = max(1, _CHUNK // (blocks * block))
    offsets = np.arange(block)
    means = np.empty((resamples, values.shape[0]))
    for first in range(0, resamples, step):
        rows = min(step, resamples - first)
        starts = random.integers(0, n, size=(rows, blocks, 1))
        drawn = ((starts + offsets) % n).reshape(rows, -1)[:, :n]  # [rows, N]
        flat = drawn + np.arange(rows)[:, None] * n
        weights = np.bincount(flat.ravel(), minlength=rows * n).reshape(rows, n) / n
        means[first : first + rows] = weights @ values.T
    return means


def interval(means: Floats, level: float) -> tuple[Floats, Floats]:
    """Percentile interval of each column of `means` [R, M]: low [M] and high [M]."""
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail], axis=0)
    return low, high


def pairs(names: Sequence[str], values: Floats, means: Floats, level: float) -> list[Pair]:
    """Intervals of the difference (first minus second) between all pairs of models.

    Args:
        names: the M models.
        values: float64 [M, N].
        means: float64 [R, M] from `bootstrap_means` of the same values.
        level: of the intervals, e.g. 0.95.
    """
    found = []
    for a, b in combinations(range(len(names)), 2):
        low, high = interval((means[:, a] - means[:, b])[:, None], level)
        difference = float(values[a].mean() - values[b].mean())
        found.append(Pair(names[a], names[b], difference, float(low[0]), float(high[0])))
    return found


def between(found: Sequence[Pair], a: str, b: str) -> Pair:
    """The pair (a minus b), whichever way round it was made."""
    for pair in found:
        if (pair.a, pair.b) == (a, b):
            return pair
        if (pair.a, pair.b) == (b, a):
            return Pair(a, b, -pair.difference, -pair.high, -pair.low)
    raise KeyError((a, b))
