"""Ramer-Douglas-Peucker for many strokes at once, and strokes as pen movements.

Quick, Draw! scales a drawing to a box of 255 units and simplifies it with a tolerance of 2 units
(https://github.com/googlecreativelab/quickdraw-dataset). All strokes are split level by level
together, so a level costs a few array operations whatever the number of strokes.

`strokecast.sources.formats.simplify` reproduces Google's own rounding for raw drawings. It breaks ties and
treats nearly closed strokes differently, so using it here would change the doodles of a given seed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BOX = 255.0
TOLERANCE = 2.0


def simplify(strokes: Sequence[np.ndarray], tolerance: float = TOLERANCE) -> list[np.ndarray]:
    """Simplify strokes by Ramer-Douglas-Peucker.

    Args:
        strokes: float64 `[n, 2]` each, n >= 2.
        tolerance: largest distance of a dropped point from the simplified stroke, in units of the strokes.

    Returns:
        The strokes without the dropped points, in the same order; first and last points stay.
    """
    if not strokes:
        return []
    sizes = np.array([len(stroke) for stroke in strokes])
    ends = np.cumsum(sizes)
    points = np.concatenate(strokes)
    keep = np.zeros(len(points), dtype=bool)
    keep[ends - sizes] = keep[ends - 1] = True
    first, last = ends - sizes, ends - 1  # of the sections that are still to be checked
    while len(first):
        n_inside = last - first - 1
        has_inside = n_inside > 0
        first, last, n_inside = first[has_inside], last[has_inside], n_inside[has_inside]
        if not len(first):
            break
        starts = np.cumsum(n_inside) - n_inside
        index = np.arange(int(n_inside.sum())) - np.repeat(starts - first - 1, n_inside)
        distance = _distances(points, index, first, last, n_inside)
        peak = np.maximum.reduceat(distance, starts)
        at_peak = np.flatnonzero(distance == np.repeat(peak, n_inside))
        farthest = index[at_peak[np.searchsorted(at_peak, starts)]]
        split = peak > tolerance
        first, farthest, last = first[split], farthest[split], last[split]
        keep[farthest] = True
        first, last = np.concatenate((first, farthest)), np.concatenate((farthest, last))
    return [points[start:end][keep[start:end]] for start, end in zip(ends - sizes, ends, strict=True)]


def _distances(
    points: np.ndarray, index: np.ndarray, first: np.ndarray, last: np.ndarray, n_inside: np.ndarray
) -> np.ndarray:
    """Distance of each point `index` to the line through the ends of its section.

    If both ends coincide, the distance to that point.
    """
    chord = points[last] - points[first]
    length = np.repeat(np.hypot(chord[:, 0], chord[:, 1]), n_inside)
    chord = np.repeat(chord, n_inside, axis=0)
    offset = points[index] - np.repeat(points[first], n_inside, axis=0)
    cross = np.abs(chord[:, 0] * offset[:, 1] - chord[:, 1] * offset[:, 0])
    distances: np.ndarray = np.where(
        length > 0, cross / np.where(length > 0, length, 1.0), np.hypot(offset[:, 0], offset[:, 1])
    )
    return distances


def to_box(strokes: Sequence[np.ndarray], box: float = BOX) -> list[np.ndarray]:
    """Shift and scale a drawing so that its longer side spans 0 to `box`."""
    points = np.concatenate(strokes)
    low = points.min(axis=0)
    scale = box / max(float((points.max(axis=0) - low).max()), 1e-9)
    return [(stroke - low) * scale for stroke in strokes]


def to_deltas(strokes: Sequence[np.ndarray]) -> np.ndarray:
    """Pen movements int16 `[n, 3]` = (dx, dy, pen_lift), from the first point of the first stroke.

    As in the official files, the first point has no row: it is the origin of the movements.
    A point that equals the previous one after rounding is dropped; so is a stroke of one point.
    """
    rounded: list[np.ndarray] = []
    pen_lifts: list[np.ndarray] = []
    for stroke in strokes:
        points = np.rint(stroke).astype(np.int32)
        moved = np.ones(len(points), dtype=bool)
        moved[1:] = (points[1:] != points[:-1]).any(axis=1)
        points = points[moved]
        if len(points) < 2:
            continue
        pen_lift = np.zeros(len(points), dtype=np.int32)
        pen_lift[-1] = 1
        rounded.append(points)
        pen_lifts.append(pen_lift)
    if not rounded:
        return np.zeros((0, 3), dtype=np.int16)
    positions = np.concatenate(rounded)
    return np.column_stack((np.diff(positions, axis=0), np.concatenate(pen_lifts)[1:])).astype(np.int16)
