"""Raw pen movements → network inputs: scaled, cropped and zero-padded.

Shapes: n points per drawing, T padded length; N drawings stored one after the other in P points. The last axis is
(dx, dy, pen_lift). If a source records time, each point also has a time in ms since the drawing began, which is when the
pen touched its first point (the one without a row of its own).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CHANNELS = 3


def scale_and_pad(
    points: NDArray[np.generic], scale: float, padded_length: int
) -> tuple[NDArray[np.float32], int]:
    """The network input of one drawing; preprocessing, evaluation and serving all use this function.

    Args:
        points: [n, 3], (dx, dy, pen_lift) in the source's units, n >= 1.
        scale: divisor of dx and dy: their standard deviation on the training split.
        padded_length: T. A longer drawing is cropped at its end; the pen is lifted at the last kept point, as at the end
            of every complete drawing.

    Returns:
        (strokes, length): float32 [T, 3], zeros from `length` on; 1 <= length <= T.

    Raises:
        ValueError: if `points` is not [n >= 1, 3].
    """
    if points.ndim != 2 or points.shape[1] != CHANNELS or len(points) == 0:
        raise ValueError(f"points should be [n >= 1, {CHANNELS}], received {list(points.shape)}")
    length = min(len(points), padded_length)
    strokes = np.zeros((padded_length, CHANNELS), np.float32)
    strokes[:length] = points[:length]
    strokes[:length, :2] /= np.float32(scale)
    if len(points) > padded_length:
        strokes[length - 1, 2] = 1.0
    return strokes, length


def scale_and_pad_many(
    points: NDArray[np.float32], spans: NDArray[np.int64], scale: float, padded_length: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """`scale_and_pad` for N drawings at once; the result is bit for bit the same.

    Args:
        points: [P, 3], the points of all drawings.
        spans: [N, 2], position in `points` of each drawing's first point and of the one after its last.
        scale: as for `scale_and_pad`.
        padded_length: as for `scale_and_pad`.

    Returns:
        (strokes, lengths): float32 [N, T, 3], int64 [N].
    """
    full_lengths = spans[:, 1] - spans[:, 0]
    lengths = np.minimum(full_lengths, padded_length)
    first = np.cumsum(lengths) - lengths
    steps = np.arange(int(lengths.sum()))
    rows = np.take(points, steps + np.repeat(spans[:, 0] - first, lengths), axis=0)
    scaled = rows / np.float32(scale)
    scaled[:, 2] = rows[:, 2]
    strokes = np.zeros((len(spans), padded_length, CHANNELS), np.float32)
    positions = steps + np.repeat(np.arange(len(spans)) * padded_length - first, lengths)
    _as_records(strokes)[positions] = _as_records(scaled)
    strokes[full_lengths > padded_length, padded_length - 1, 2] = 1.0
    return strokes, lengths


def time_feature(times: NDArray[np.number], padded_length: int) -> NDArray[np.float32]:
    """The input `time` of one drawing.

    Args:
        times: [n], ms since the drawing began. A time before that of the previous point counts as a wait of 0.
        padded_length: as for `scale_and_pad`.

    Returns:
        float32 [T]: log(1 + seconds since the previous point), zeros on padding.
    """
    return time_features(times, np.array([[0, len(times)]]), padded_length)[0]


def time_features(
    times: NDArray[np.number], spans: NDArray[np.int64], padded_length: int
) -> NDArray[np.float32]:
    """`time_feature` for N drawings at once.

    Args:
        times: [P], the times of all points.
        spans: [N, 2], as for `scale_and_pad_many`.
        padded_length: as for `scale_and_pad`.

    Returns:
        float32 [N, T].
    """
    lengths = np.minimum(spans[:, 1] - spans[:, 0], padded_length)
    steps = np.arange(padded_length)
    mask = steps < lengths[:, None]
    positions = np.where(mask, spans[:, :1] + steps, 0)
    padded = np.where(mask, times[positions].astype(np.float64), 0.0)
    waits = np.maximum(np.diff(padded, axis=1, prepend=0.0), 0.0)
    return np.where(mask, np.log1p(waits / 1000.0), 0.0).astype(np.float32)


def _as_records(points: NDArray[np.float32]) -> NDArray[np.void]:
    """A view with one value of 12 bytes per point, which numpy scatters many times as fast."""
    return points.reshape(-1, CHANNELS).view(f"V{CHANNELS * 4}").ravel()


def bucket_boundary(length: int, boundaries: Sequence[int]) -> int:
    """The smallest boundary that holds `length` points; the last boundary for longer drawings."""
    return next((boundary for boundary in boundaries if length <= boundary), boundaries[-1])


def bucket_indices(lengths: NDArray[np.integer], boundaries: Sequence[int]) -> NDArray[np.int64]:
    """`bucket_boundary` for many lengths at once: positions in `boundaries`, int64 [n]."""
    return np.minimum(np.searchsorted(np.asarray(boundaries), lengths), len(boundaries) - 1).astype(np.int64)
