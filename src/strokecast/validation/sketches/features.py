"""Features of drawings that the rules and drift tests use.

Shape legend: N drawings of one class and split, P points of all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIGEST_SIZE = 16  # bytes per drawing
DRIFT_FEATURES = ("n_points", "n_strokes", "ink", "aspect", "mean_delta")


def flatten(drawings: Sequence[NDArray[Any]]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Concatenate the points of all drawings.

    Args:
        drawings: N arrays [n_points, 3].

    Returns:
        Points, float32 [P, 3], and offsets of the drawings, int64 [N + 1]. Values beyond float32
        become infinite; -0.0 becomes 0.0.
    """
    offsets = np.zeros(len(drawings) + 1, dtype=np.int64)
    np.cumsum([len(drawing) for drawing in drawings], out=offsets[1:])
    nonempty = [drawing for drawing in drawings if len(drawing)]
    if not nonempty:
        return np.zeros((0, 3), dtype=np.float32), offsets
    with np.errstate(over="ignore"):
        return np.concatenate(nonempty).astype(np.float32) + np.float32(0), offsets


def drawing_features(drawings: Sequence[NDArray[Any]], min_points: int) -> dict[str, NDArray[Any]]:
    """Features of the drawings of one class and split.

    Args:
        drawings: N arrays [n_points, 3] = (dx, dy, pen_lift).
        min_points: `last_pen` of drawings with fewer points is null.

    Returns:
        Columns of length N:
        `n_points` int32;
        `n_nonfinite` int32: values that are NaN or infinite;
        `max_abs_delta` float32: largest finite |dx| or |dy|, 0 for an empty drawing;
        `n_bad_pen` int32: finite pen values other than 0 and 1;
        `last_pen` float32: pen_lift of the last point, NaN if it is neither 0 nor 1;
        `n_strokes` int32: points that lift the pen;
        `ink` float32: length drawn with the pen down, source units;
        `aspect` float32: width over height of the bounding box of all points, each at least one unit;
        `mean_delta` float32: mean length of a movement, source units, 0 for an empty drawing;
        `digest` uint8 [N, 16]: BLAKE2b of the points.
        `ink`, `aspect` and `mean_delta` treat values that are not finite as 0.
    """
    points, offsets = flatten(drawings)
    lengths = np.diff(offsets)
    nonempty = lengths > 0
    starts = offsets[:-1][nonempty]
    finite = np.isfinite(points)
    pen = points[:, 2]
    is_bit = (pen == 0) | (pen == 1)
    deltas = np.where(finite[:, :2], np.abs(points[:, :2]), np.float32(0)).max(axis=1, initial=0)

    def per_drawing(values: NDArray[Any], reduce: np.ufunc, dtype: type) -> NDArray[Any]:
        column: NDArray[Any] = np.zeros(len(lengths), dtype=dtype)
        if len(starts):
            column[nonempty] = reduce.reduceat(values, starts)
        return column

    columns: dict[str, NDArray[Any]] = {"n_points": lengths.astype(np.int32)}
    columns["n_nonfinite"] = per_drawing((~finite).sum(axis=1), np.add, np.int32)
    columns["max_abs_delta"] = per_drawing(deltas, np.maximum, np.float32)
    columns["n_bad_pen"] = per_drawing((finite[:, 2] & ~is_bit).astype(np.int32), np.add, np.int32)
    last_pen = np.full(len(lengths), np.nan, dtype=np.float32)
    last_pen[nonempty] = np.where(is_bit, pen, np.float32(np.nan))[offsets[1:][nonempty] - 1]
    last_pen[lengths < min_points] = np.nan
    columns["last_pen"] = last_pen
    moves = np.where(finite[:, :2], points[:, :2], np.float32(0)).astype(np.float64)  # [P, 2]
    move_lengths = np.hypot(moves[:, 0], moves[:, 1])
    pen_down = np.ones(len(points), dtype=bool)  # the pen is down on the way to this point
    pen_down[1:] = pen[:-1] != 1
    pen_down[starts] = True
    columns["n_strokes"] = per_drawing((pen == 1).astype(np.int32), np.add, np.int32)
    columns["ink"] = per_drawing(move_lengths * pen_down, np.add, np.float64).astype(np.float32)
    total_length = per_drawing(move_lengths, np.add, np.float64)
    columns["mean_delta"] = (total_length / np.maximum(lengths, 1)).astype(np.float32)
    columns["aspect"] = _aspect_ratios(moves, offsets, nonempty)
    columns["digest"] = _digests(points, offsets)
    return columns


def _digests(points: NDArray[np.float32], offsets: NDArray[np.int64]) -> NDArray[np.uint8]:
    """BLAKE2b of the points of each drawing, uint8 [N, 16]."""
    digests = np.zeros((len(offsets) - 1, DIGEST_SIZE), dtype=np.uint8)
    data = memoryview(points.tobytes())
    point_size = points.itemsize * 3
    for index, (start, end) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
        digest = hashlib.blake2b(data[start * point_size : end * point_size], digest_size=DIGEST_SIZE)
        digests[index] = np.frombuffer(digest.digest(), dtype=np.uint8)
    return digests


def _aspect_ratios(
    moves: NDArray[np.float64], offsets: NDArray[np.int64], nonempty: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Width over height of each drawing, origin included, float32 [N]; 1 for an empty drawing."""
    aspect = np.ones(len(nonempty), dtype=np.float32)
    starts = offsets[:-1][nonempty]
    if not len(starts):
        return aspect
    positions = np.cumsum(moves, axis=0)  # [P, 2], continued from one drawing to the next
    origins = positions[starts] - moves[starts]
    low = np.minimum(np.minimum.reduceat(positions, starts), origins)
    high = np.maximum(np.maximum.reduceat(positions, starts), origins)
    width, height = np.maximum(high - low, 1.0).T
    aspect[nonempty] = width / height
    return aspect
