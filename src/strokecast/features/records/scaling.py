"""Scales fitted on the training split, and on nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable

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
