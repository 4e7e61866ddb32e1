"""Conversion of raw drawings to simplified ones, by the recipe of the Quick, Draw! dataset.

1. Align the drawing to the top left, so that its smallest x and y are 0.
2. Scale it uniformly, so that its largest coordinate is 255.
3. Resample all strokes with a spacing of 1 px along the stroke; the last point stays.
4. Simplify all strokes by Ramer-Douglas-Peucker with epsilon 2.0, then round to whole numbers.

There are two variants of Ramer-Douglas-Peucker: the distance of a point is measured to the segment
between the two ends, or to the infinite line through them. The dataset uses the second. For the
109 drawings at hand that exist both raw and simplified, `fastrdp` (line) gives equal point counts
in every stroke for 108 and the same points for 107; shapely and `simplification` (segment) give
62 and 41. The variants differ if a stroke ends near its beginning.
Source: https://github.com/googlecreativelab/quickdraw-dataset
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from strokecast.sources.formats.records import RejectedError

BOX = 255.0
SPACING = 1.0  # px
EPSILON = 2.0  # px
MIN_EXTENT = 1e-3  # px of the screen
MAX_LENGTH = 50_000.0  # px of all strokes after scaling; the longest of 159 real drawings has 7,076


def simplify(strokes: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], ...]:
    """Simplify one raw drawing.

    Args:
        strokes: finite [axes, n_points] per stroke, n_points >= 1. Axes 0 and 1 are x and y. Axis 2, if
            present, is time: it is interpolated at the resampled points and does not affect which
            points are kept.

    Returns:
        float64 [axes, m_points] per stroke; x and y are whole numbers from 0 to 255. A stroke of two or
        more points keeps its first and last one.

    Raises:
        RejectedError: if all points are equal (`no_extent`), or the strokes are longer than
            `MAX_LENGTH` (`too_big`).
    """
    points = np.concatenate([stroke[:2] for stroke in strokes], axis=1)
    low = points.min(axis=1, keepdims=True)
    extent = float((points.max(axis=1, keepdims=True) - low).max())
    if extent < MIN_EXTENT:
        raise RejectedError("no_extent", "all points of the drawing are equal")
    scaled = [np.concatenate([(stroke[:2] - low) * BOX / extent, stroke[2:]]) for stroke in strokes]
    steps = [np.hypot(*np.diff(stroke[:2], axis=1)) for stroke in scaled]
    length = sum(float(step.sum()) for step in steps)
    if length > MAX_LENGTH:
        raise RejectedError(
            "too_big",
            f"the strokes are {length:,.0f} px long in a box of 255 px, more than {MAX_LENGTH:,.0f}",
        )
    simplified = [rdp(resample(stroke, step)) for stroke, step in zip(scaled, steps, strict=True)]
    return tuple(np.concatenate([np.rint(stroke[:2]), stroke[2:]]) for stroke in simplified)


def resample(stroke: NDArray[np.float64], steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points every `SPACING` along a stroke, from its first point, and its last point.

    Args:
        stroke: [axes, n].
        steps: [n - 1], the distances between consecutive points.

    Returns:
        [axes, m]; a stroke of length 0 keeps its first and last point.
    """
    travelled = np.concatenate(([0.0], np.cumsum(steps)))
    length = travelled[-1]
    if length == 0:
        return stroke[:, :: max(stroke.shape[1] - 1, 1)]
    positions = np.arange(0.0, length, SPACING)
    if length - positions[-1] > 1e-9:
        positions = np.append(positions, length)
    return np.stack([np.interp(positions, travelled, axis) for axis in stroke])


def rdp(stroke: NDArray[np.float64], epsilon: float = EPSILON) -> NDArray[np.float64]:
    """Ramer-Douglas-Peucker, with the distance to the line through the two ends.

    Args:
        stroke: [axes, n]; only x and y (axes 0 and 1) decide which points are kept.
        epsilon: largest distance of a dropped point, in units of x and y.

    Returns:
        [axes, m]: the kept points, with the first and the last one.
    """
    import fastrdp

    if stroke.shape[1] < 3:
        return stroke
    x, y = np.ascontiguousarray(stroke[0]), np.ascontiguousarray(stroke[1])
    return stroke[:, fastrdp.rdp_index(x, y, epsilon).astype(np.int64)]
