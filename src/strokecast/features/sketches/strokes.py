"""From raw pen movements to what a network reads: scaled, cropped, zero-padded.

Shapes: n points of a drawing, B its bucket's bound; the last axis is (dx, dy, pen_lift). Time, where a
source has it, is a number a point beside them: raw in ms since the drawing began, which is the first
point that the pen touched (the one without a row of its own).
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


def prepare_many(
    points: NDArray[np.float32], offsets: NDArray[np.int64], scale: float, bound: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """`prepare` for N drawings at once, bit for bit alike.

    Args:
        points: [P, 3], the points of the drawings, wherever in it they stand.
        offsets: [N, 2], first point and the one after the last of each drawing, at least one point.
        scale: as for `prepare`.
        bound: as for `prepare`.

    Returns:
        (strokes, lengths): float32 [N, bound, 3], int64 [N].
    """
    whole = offsets[:, 1] - offsets[:, 0]
    lengths = np.minimum(whole, bound)
    first = np.cumsum(lengths) - lengths
    steps = np.arange(int(lengths.sum()))
    rows = np.take(points, steps + np.repeat(offsets[:, 0] - first, lengths), axis=0)
    kept = rows / np.float32(scale)
    kept[:, 2] = rows[:, 2]
    strokes = np.zeros((len(offsets), bound, CHANNELS), np.float32)
    places = steps + np.repeat(np.arange(len(offsets)) * bound - first, lengths)
    _whole(strokes)[places] = _whole(kept)
    strokes[whole > bound, bound - 1, 2] = 1.0
    return strokes, lengths


def clock(times: NDArray[np.number], bound: int) -> NDArray[np.float32]:
    """The time of one drawing as a network reads it.

    Args:
        times: [n], ms since the drawing began; a clock that goes back counts as one that stands still.
        bound: as for `prepare`.

    Returns:
        float32 [bound]: log(1 + seconds since the point before), zeros from `length` on.
    """
    return clocks(times, np.array([[0, len(times)]]), bound)[0]


def clocks(times: NDArray[np.number], offsets: NDArray[np.int64], bound: int) -> NDArray[np.float32]:
    """`clock` for N drawings at once.

    Args:
        times: [P], of the points of the drawings, wherever in it they stand.
        offsets: [N, 2], as for `prepare_many`.
        bound: as for `prepare`.

    Returns:
        float32 [N, bound].
    """
    lengths = np.minimum(offsets[:, 1] - offsets[:, 0], bound)
    steps = np.arange(bound)
    real = steps < lengths[:, None]
    places = np.where(real, offsets[:, :1] + steps, 0)
    padded = np.where(real, times[places].astype(np.float64), 0.0)
    waits = np.maximum(np.diff(padded, axis=1, prepend=0.0), 0.0)
    return np.where(real, np.log1p(waits / 1000.0), 0.0).astype(np.float32)


def _whole(points: NDArray[np.float32]) -> NDArray[np.void]:
    """Each point as one value of 12 bytes: a view, many times as fast to scatter."""
    return points.reshape(-1, CHANNELS).view(f"V{CHANNELS * 4}").ravel()


def bucket(length: int, bounds: Sequence[int]) -> int:
    """The smallest bound that holds `length` points; the last bound for what is longer."""
    return next((bound for bound in bounds if length <= bound), bounds[-1])


def buckets(lengths: NDArray[np.integer], bounds: Sequence[int]) -> NDArray[np.int64]:
    """`bucket` for many lengths at once: the position in `bounds`, int64 [n]."""
    return np.minimum(np.searchsorted(np.asarray(bounds), lengths), len(bounds) - 1).astype(np.int64)
