"""The scale of pen strokes, fitted on the training split only."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_BLOCK = 16_384  # points summed at once; their float64 values fit into a CPU cache
Moments = tuple[int, float, float]  # number of values, their sum, the sum of their squares


def stroke_moments(points: NDArray[np.generic]) -> Moments:
    """Moments of all dx and dy of points [n, 3] = (dx, dy, pen_lift); exact for integers."""
    total = squares = 0.0
    for start in range(0, len(points), _BLOCK):
        moves = points[start : start + _BLOCK, :2].astype(np.float64).ravel()
        total += float(moves.sum())
        squares += float(np.einsum("i,i->", moves, moves))
    return 2 * len(points), total, squares


def stroke_scale(moments: Iterable[Moments]) -> float:
    """Joint standard deviation of dx and dy.

    Source: Ha and Eck, 2017, "A neural representation of sketch drawings", https://arxiv.org/abs/1704.03477.

    Args:
        moments: from `stroke_moments`; summed in this order.

    Raises:
        ValueError: if there is no point, or if no point moves.
    """
    count, total, squares = 0, 0.0, 0.0
    for n, partial_sum, partial_squares in moments:
        count, total, squares = count + n, total + partial_sum, squares + partial_squares
    variance = squares / count - (total / count) ** 2 if count else 0.0
    if not variance > 0:
        raise ValueError("the training drawings do not move, so there is no scale to fit")
    return math.sqrt(variance)
