"""Percentile bootstrap intervals of means and of paired differences.

Sources: Efron & Tibshirani 1993; moving blocks: Künsch 1989.
Shapes: M models, N test examples (sketches, or forecast origins in time order), R resamples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_CHUNK = 2_000_000  # drawn indices held in memory at a time


@dataclass(frozen=True)
class BootstrapSettings:
    """How intervals are computed.

    Attributes:
        resamples: R.
        level: confidence level, e.g. 0.95.
        seed: of the random generator; the same seed draws the same examples.
        block: length of a block in examples; 1 is the ordinary bootstrap.
    """

    resamples: int
    level: float
    seed: int
    block: int = 1


@dataclass(frozen=True)
class PairedDifference:
    """Difference (`a` minus `b`) of two models' means over the same examples, with its interval."""

    a: str
    b: str
    difference: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of 0."""
        return self.low > 0 or self.high < 0


def block_length(block: int, n: int) -> int:
    """Length of a block in examples: `block`, at most a quarter of the N examples and at least 1."""
    return max(1, min(block, n // 4))


def bootstrap_means(values: Floats, resamples: int, seed: int, block: int = 1) -> Floats:
    """Means of `values` over resampled examples, the same examples for every model.

    Args:
        values: float64 [M, N], one row per model.
        resamples: R.
        seed: of the random generator; the same seed draws the same examples.
        block: examples that are drawn together as a run of neighbours. 1 is the ordinary bootstrap.
            More is the moving-block bootstrap for examples that depend on their neighbours. Blocks wrap
            around the ends, so every example is drawn equally often (circular; Politis & Romano 1992).

    Returns:
        float64 [R, M].
    """
    (means,) = bootstrap_means_of_each([values], resamples, seed, block)
    return means


def bootstrap_means_of_each(
    value_sets: Sequence[Floats], resamples: int, seed: int, block: int = 1
) -> list[Floats]:
    """`bootstrap_means` of several arrays [M_i, N]; the resamples are drawn once for all of them."""
    means = [np.empty((resamples, len(values))) for values in value_sets]
    if not value_sets:
        return means
    for rows, weights in _resampling_weights(value_sets[0].shape[1], resamples, seed, block):
        for result, values in zip(means, value_sets, strict=True):
            result[rows] = weights @ values.T
    return means


def _resampling_weights(n: int, resamples: int, seed: int, block: int) -> Iterator[tuple[slice, Floats]]:
    """Rows of the resamples, and each example's share in them, float64 [rows, N], chunk by chunk."""
    random = np.random.default_rng(seed)
    blocks = -(-n // block)
    step = max(1, _CHUNK // (blocks * block))
    offsets = np.arange(block)
    for first in range(0, resamples, step):
        rows = min(step, resamples - first)
        starts = random.integers(0, n, size=(rows, blocks, 1))
        drawn = ((starts + offsets) % n).reshape(rows, -1)[:, :n]  # [rows, N]
        flat = drawn + np.arange(rows)[:, None] * n
        weights = np.bincount(flat.ravel(), minlength=rows * n).reshape(rows, n) / n
        yield slice(first, first + rows), weights


def percentile_interval(means: Floats, level: float) -> tuple[Floats, Floats]:
    """Percentile interval of each column of `means` [R, M]: low [M] and high [M]."""
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail], axis=0)
    return low, high


def paired_differences(
    names: Sequence[str], values: Floats, means: Floats, level: float
) -> list[PairedDifference]:
    """Differences (first minus second) between all pairs of models, with their intervals.

    Args:
        names: the M models.
        values: float64 [M, N].
        means: float64 [R, M] from `bootstrap_means` of the same values.
        level: of the intervals, e.g. 0.95.
    """
    differences = []
    for a, b in combinations(range(len(names)), 2):
        low, high = percentile_interval((means[:, a] - means[:, b])[:, None], level)
        difference = float(values[a].mean() - values[b].mean())
        differences.append(PairedDifference(names[a], names[b], difference, float(low[0]), float(high[0])))
    return differences


def difference_between(differences: Sequence[PairedDifference], a: str, b: str) -> PairedDifference:
    """The difference a minus b, whichever of the two comes first in `differences`.

    Raises:
        KeyError: if the pair is missing.
    """
    for pair in differences:
        if (pair.a, pair.b) == (a, b):
            return pair
        if (pair.a, pair.b) == (b, a):
            return PairedDifference(a, b, -pair.difference, -pair.high, -pair.low)
    raise KeyError((a, b))
