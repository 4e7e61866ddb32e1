"""Ramer-Douglas-Peucker for many strokes at once, and strokes as pen movements.

Quick, Draw! scales a drawing to a 255 box and simplifies it with a tolerance of 2 units
(https://github.com/googlecreativelab/quickdraw-dataset). All strokes are halved level by level
together, so that a level costs a few array operations whatever the number of strokes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BOX = 255.0
TOLERANCE = 2.0


def simplify(strokes: Sequence[np.ndarray], tolerance: float = TOLERANCE) -> list[np.ndarray]:
    """Drop the points that lie within `tolerance` of the line that is left without them.

    Args:
        strokes: float64 `[n, 2]` each, n >= 2.
        tolerance: largest distance, in the strokes' units.

    Returns:
        The strokes with their first and last point and those that the shape needs.
    """
    if not strokes:
        return []
    sizes = np.array([len(stroke) for stroke in strokes])
    ends = np.cumsum(sizes)
    points = np.concatenate(strokes)
    keep = np.zeros(len(points), dtype=bool)
    keep[ends - sizes] = keep[ends - 1] = True
    first, last = ends - sizes, ends - 1
    while len(first):
        inside = last - first - 1
        open_ = inside > 0
        first, last, inside = first[open_], last[open_], inside[open_]
        if not len(first):
            break
        starts = np.cumsum(inside) - inside
        index = np.arange(int(inside.sum())) - np.repeat(starts - first - 1, inside)
        chord = points[last] - points[first]
        length = np.hypot(chord[:, 0], chord[:, 1])
        away = points[index] - np.repeat(points[first], inside, axis=0)
        along = np.repeat(chord, inside, axis=0)
        cross = np.abs(along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0])
        wide = np.repeat(length, inside)
        distance = np.where(wide > 0, cross / np.where(wide > 0, wide, 1.0), np.hypot(away[:, 0], away[:, 1]))
        peak = np.maximum.reduceat(distance, starts)
        at_peak = np.flatnonzero(distance == np.repeat(peak, inside))
        middle = index[at_peak[np.searchsorted(at_peak, starts)]]
        split = peak > tolerance
        first, middle, last = first[split], middle[split], last[split]
        keep[middle] = True
        first, last = np.concatenate((first, middle)), np.concatenate((middle, last))
    return [points[start:end][keep[start:end]] for start, end in zip(ends - sizes, ends, strict=True)]


def to_box(strokes: Sequence[np.ndarray], box: float = BOX) -> list[np.ndarray]:
    """Shift and scale a drawing so that its longer side spans 0 to `box`."""
    every = np.concatenate(strokes)
    low = every.min(axis=0)
    scale = box / max(float((every.max(axis=0) - low).max()), 1e-9)
    return [(stroke - low) * scale for stroke in strokes]


def to_deltas(strokes: Sequence[np.ndarray]) -> np.ndarray:
    """Pen movements int16 `[n, 3]` = (dx, dy, pen_lift), from the first point of the first stroke.

    As in the official files the first point itself is no row: it is where the movements start.
    Points that rounding makes equal to the one before are dropped, strokes of one point with them.
    """
    rounded: list[np.ndarray] = []
    lifts: list[np.ndarray] = []
    for stroke in strokes:
        points = np.rint(stroke).astype(np.int32)
        moved = np.ones(len(points), dtype=bool)
        moved[1:] = (points[1:] != points[:-1]).any(axis=1)
        points = points[moved]
        if len(points) < 2:
            continue
        lift = np.zeros(len(points), dtype=np.int32)
        lift[-1] = 1
        rounded.append(points)
        lifts.append(lift)
    if not rounded:
        return np.zeros((0, 3), dtype=np.int16)
    every = np.concatenate(rounded)
    return np.column_stack((np.diff(every, axis=0), np.concatenate(lifts)[1:])).astype(np.int16)
