"""Drawings for pictures: lines that fill a square, and the compact form in which `gallery.json` holds them.

A drawing is float [n, 3], (dx, dy, pen_lift), in any unit. Its first row leads from the first point, which has no row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

GRID = 255  # side of the square of a compact drawing, as in Quick, Draw!

Strokes = list[list[int]]
"""A compact drawing: per stroke [dx, dy, dx, dy, ...], whose first move is made with the pen in the air."""


def split_strokes(drawing: NDArray[Any], side: float) -> list[NDArray[np.float64]]:
    """The strokes of a drawing as lines, centred on 0; its longer side is `side`.

    Args:
        drawing: [n >= 1, 3].
        side: in the unit of the result.

    Returns:
        One float64 [m >= 1, 2] per stroke.
    """
    moves = np.asarray(drawing[:, :2], np.float64)
    points = np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])  # [n + 1, 2]
    low, high = points.min(axis=0), points.max(axis=0)
    points = (points - (low + high) / 2) * (side / max(float((high - low).max()), 1e-9))
    starts = np.flatnonzero(drawing[:-1, 2] > 0.5) + 2
    return [line for line in np.split(points, starts) if len(line)]


def encode_strokes(drawing: NDArray[Any]) -> Strokes:
    """A drawing as whole numbers on a square of `GRID` units, with as many points as it has rows, plus the first.

    Args:
        drawing: [n >= 1, 3].
    """
    lines = split_strokes(drawing, GRID)
    points = np.concatenate(lines)
    whole = np.rint(points - points.min(axis=0)).astype(np.int64)
    moves = np.diff(whole, axis=0, prepend=np.zeros((1, 2), np.int64))
    ends = np.cumsum([len(line) for line in lines])[:-1]
    return [stroke.ravel().tolist() for stroke in np.split(moves, ends)]
