"""Scales fitted on the training split, and on nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BLOCK = 16_384  # points added up together: what a processor's cache holds
Moments = tuple[int, float, float]  # how many values, their sum, the sum of their squares


def stroke_moments(points: NDArray[np.generic]) -> Moments:
    """Moments of all dx and dy of [n, 3] = (dx, dy, pen_lift); exact for whole numbers."""
    total = squares = 0.0
    for start in range(0, len(points), _BLOCK):
        moves = points[start : start + _BLOCK, :2].astype(np.float64).ravel()
        total += float(moves.sum())
        squares += float(np.einsum("i,i->", moves, moves))
    return 2 * len(points), total, squares


def stroke_scale(parts: Iterable[Moments]) -> float:
    """Standard deviation of all dx and dy together, as Sketch-RNN scales its drawings.

    Args:
        parts: from `stroke_moments`, added up in their order.

    Raises:
        ValueError: if there is no point, or no point moves: such drawings have no scale.
    """
    count, total, squares = 0, 0.0, 0.0
    for part in parts:
        count, total, squares = count + part[0], total + part[1], squares + part[2]
    variance = squares / count - (total / count) ** 2 if count else 0.0
    if not variance > 0:
        raise ValueError("the training drawings do not move: there is no scale to fit")
    return math.sqrt(variance)


@dataclass(frozen=True)
class Standard:
    """Subtract the mean, divide by the standard deviation; a constant series keeps std 1."""

    mean: float
    std: float

    @classmethod
    def fit(cls, values: NDArray[np.float64]) -> Standard:
        """Fit on the values of the training days."""
        std = float(np.std(values))
        return cls(float(np.mean(values)), std if std > 0 else 1.0)

    def scale(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """From the series' own unit to what a network reads, float32."""
        return ((values - self.mean) / self.std).astype(np.float32)

    def unscale(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """From a network's output back to the series' own unit, float64."""
        return values.astype(np.float64) * self.std + self.mean
