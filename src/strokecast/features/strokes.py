"""From raw pen movements to what a network reads: scaled, cropped, zero-padded.

Shapes: n points of a drawing, B its bucket's bound; the last axis is (dx, dy, pen_lift).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CHANNELS = 3


def prepare(points: NDArray[np.generic], scale: float, bound: int) -> tuple[NDArray[np.float32], int]:
    """One drawing as a network reads it; the same in preprocessing, evaluation and serving.

    Args:
        points: [n, 3], (dx, dy, pen_lift) in the source's units, n >= 1.
        scale: what dx and dy are divided by: their standard deviation on the training split.
        bound: steps of the result. A longer drawing is cropped at its end; the pen is lifted
            at the last kept point, as it is at the end of every whole drawing.

    Returns:
        (strokes, length): float32 [bound, 3], zeros from `length` on; 1 <= length <= bound.

    Raises:
        ValueError: if `points` is not [n >= 1, 3].
    """
    if points.ndim != 2 or points.shape[1] != CHANNELS or len(points) == 0:
        raise ValueError(f"points should be [n >= 1, {CHANNELS}], received {list(points.shape)}")
    length = min(len(points), bound)
    strokes = np.zeros((bound, CHANNELS), np.float32)
    strokes[:length] = points[:length]
    strokes[:length, :2] /= np.float32(scale)
    if len(points) > bound:
        strokes[length - 1, 2] = 1.0
    return strokes, length


def bucket(length: int, bounds: Sequence[int]) -> int:
    """The smallest bound that holds `length` points; the last bound for what is longer."""
    return next((bound for bound in bounds if length <= bound), bounds[-1])


def buckets(lengths: NDArray[np.integer], bounds: Sequence[int]) -> NDArray[np.int64]:
    """`bucket` for many lengths at once: the position in `bounds`, int64 [n]."""
    return np.minimum(np.searchsorted(np.asarray(bounds), lengths), len(bounds) - 1).astype(np.int64)
