"""The feature table of drawings: one row a drawing, what the rules look at and nothing else.

Shape legend: N drawings of one class and split, P points of all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "valid", "test")
HASH = 16  # bytes a drawing
SHAPES = ("n_points", "n_strokes", "ink", "aspect", "mean_delta")  # what drift is looked for in


def flatten(drawings: Sequence[NDArray[Any]]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Points of all drawings one after another, float32 [P, 3], and their offsets, int64 [N + 1].

    What float32 cannot hold becomes infinite; -0.0 becomes 0.0.
    """
    offsets = np.zeros(len(drawings) + 1, dtype=np.int64)
    np.cumsum([len(drawing) for drawing in drawings], out=offsets[1:])
    filled = [drawing for drawing in drawings if len(drawing)]
    if not filled:
        return np.zeros((0, 3), dtype=np.float32), offsets
    with np.errstate(over="ignore"):
        return np.concatenate(filled).astype(np.float32) + np.float32(0), offsets


def features(drawings: Sequence[NDArray[Any]], least: int) -> dict[str, NDArray[Any]]:
    """Features of the drawings of one class and split.

    Args:
        drawings: N arrays [n_points, 3] = (dx, dy, pen_lift).
        least: points; `last_pen` of shorter drawings is null.

    Returns:
        Columns of length N:
        `n_points` int32;
        `n_nonfinite` int32: values that are NaN or infinite;
        `max_abs_delta` float32: largest finite |dx| or |dy|, 0 for an empty drawing;
        `n_bad_pen` int32: finite pen values other than 0 and 1;
        `last_pen` float32: pen_lift of the last point, NaN where it is neither 0 nor 1;
        `n_strokes` int32: points that lift the pen;
        `ink` float32: length of what is drawn with the pen down, source units;
        `aspect` float32: width over height of what the pen passes, each at least one unit;
        `mean_delta` float32: mean length of a movement, source units, 0 for an empty drawing;
        `digest` bytes [N, 16]: BLAKE2b of the points.
        `ink`, `aspect` and `mean_delta` pass over values that are not finite.
    """
    flat, offsets = flatten(drawings)
    lengths = np.diff(offsets)
    some = lengths > 0
    starts = offsets[:-1][some]
    finite = np.isfinite(flat)
    pen = flat[:, 2]
    is_bit = (pen == 0) | (pen == 1)
    deltas = np.where(finite[:, :2], np.abs(flat[:, :2]), np.float32(0)).max(axis=1, initial=0)
    columns: dict[str, NDArray[Any]] = {"n_points": lengths.astype(np.int32)}

    def spread(values: NDArray[Any], reduce: np.ufunc, dtype: type) -> NDArray[Any]:
        column: NDArray[Any] = np.zeros(len(lengths), dtype=dtype)
        if len(starts):
            column[some] = reduce.reduceat(values, starts)
        return column

    columns["n_nonfinite"] = spread((~finite).sum(axis=1), np.add, np.int32)
    columns["max_abs_delta"] = spread(deltas, np.maximum, np.float32)
    columns["n_bad_pen"] = spread((finite[:, 2] & ~is_bit).astype(np.int32), np.add, np.int32)
    last = np.full(len(lengths), np.nan, dtype=np.float32)
    last[some] = np.where(is_bit, pen, np.float32(np.nan))[offsets[1:][some] - 1]
    last[lengths < least] = np.nan
    columns["last_pen"] = last
    moves = np.where(finite[:, :2], flat[:, :2], np.float32(0)).astype(np.float64)  # [P, 2]
    steps = np.hypot(moves[:, 0], moves[:, 1])
    down = np.ones(len(flat), dtype=bool)  # the pen touches the paper on the way to this point
    down[1:] = pen[:-1] != 1
    down[starts] = True
    columns["n_strokes"] = spread((pen == 1).astype(np.int32), np.add, np.int32)
    columns["ink"] = spread(steps * down, np.add, np.float64).astype(np.float32)
    columns["mean_delta"] = (spread(steps, np.add, np.float64) / np.maximum(lengths, 1)).astype(np.float32)
    columns["aspect"] = _aspect(moves, offsets, some)
    digests = np.zeros((len(lengths), HASH), dtype=np.uint8)
    data = memoryview(flat.tobytes())
    row = flat.itemsize * 3
    for index, (start, end) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
        found = hashlib.blake2b(data[start * row : end * row], digest_size=HASH)
        digests[index] = np.frombuffer(found.digest(), dtype=np.uint8)
    columns["digest"] = digests
    return columns


def _aspect(
    moves: NDArray[np.float64], offsets: NDArray[np.int64], some: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Width over height of each drawing, origin included, float32 [N]; 1 for an empty one."""
    aspect = np.ones(len(some), dtype=np.float32)
    starts = offsets[:-1][some]
    if not len(starts):
        return aspect
    places = np.cumsum(moves, axis=0)  # [P, 2], from one drawing to the next without a break
    before = places[starts] - moves[starts]  # where each drawing starts
    low = np.minimum(np.minimum.reduceat(places, starts), before)
    high = np.maximum(np.maximum.reduceat(places, starts), before)
    width, height = np.maximum(high - low, 1.0).T
    aspect[some] = width / height
    return aspect
