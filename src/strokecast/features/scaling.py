"""Scales fitted on the training split, and on nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def stroke_scale(chunks: Iterable[NDArray[np.generic]]) -> float:
    """Standard deviation of all dx and dy together, as Sketch-RNN scales its drawings.

    Args:
        chunks: arrays [n, 3] of (dx, dy, pen_lift), read one after another.

    Raises:
        ValueError: if there is no point, or no point moves: such drawings have no scale.
    """
    count, total, squares = 0, 0.0, 0.0
    for points in chunks:
        moves = points[:, :2].astype(np.float64)
        count += moves.size
        total += float(moves.sum())
        squares += float(np.square(moves).sum())
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
