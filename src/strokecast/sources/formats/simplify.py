"""Raw drawings to simplified ones, by the recipe of the Quick, Draw! dataset.

1. Align the drawing to the top left, so that its smallest x and y are 0.
2. Scale it uniformly, so that its largest coordinate is 255.
3. Resample all strokes with a spacing of 1 px along the stroke; the last point stays.
4. Simplify all strokes by Ramer-Douglas-Peucker with epsilon 2.0, then round to whole numbers.

Ramer-Douglas-Peucker comes in two kinds: the distance of a point is taken to the segment between
the two ends, or to the whole line through them. The dataset's own is of the second kind. On the
109 drawings at hand that stand in raw and simplified, `fastrdp` (line) gives equal point counts
in every stroke for 108 and the same points for 107, against 62 and 41 with shapely or
`simplification` (segment): the kinds part where a stroke ends near its beginning.
Source: https://github.com/googlecreativelab/quickdraw-dataset
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from strokecast.sources.formats.records import RefusedError

BOX = 255.0
SPACING = 1.0  # px
EPSILON = 2.0  # px
MIN_EXTENT = 1e-3  # px of the screen
MAX_INK = 50_000.0  # px along all strokes once scaled; the longest of 159 real drawings has 7,076


def simplify(strokes: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], ...]:
    """Simplify one raw drawing.

    Args:
        strokes: finite [axes, n_points] each, n_points >= 1; axes 0 and 1 are x and y, axis 2, where
            there is one, is time: it is resampled along, and has no say in which points stay.

    Returns:
        float64 [axes, m_points] each, x and y whole numbers from 0 to 255; a stroke of two points or
        more keeps its first and last one.

    Raises:
        RefusedError: if all points are one and the same (`no_extent`), or the strokes are longer
            than any hand draws (`too_big`).
    """
    points = np.concatenate([stroke[:2] for stroke in strokes], axis=1)
    low = points.min(axis=1, keepdims=True)
    extent = float((points.max(axis=1, keepdims=True) - low).max())
    if extent < MIN_EXTENT:
        raise RefusedError("no_extent", "all its points are one and the same")
    scaled = [np.concatenate([(stroke[:2] - low) * BOX / extent, stroke[2:]]) for stroke in strokes]
    steps = [np.hypot(*np.diff(stroke[:2], axis=1)) for stroke in scaled]
    ink = sum(float(step.sum()) for step in steps)
    if ink > MAX_INK:
        raise RefusedError(
            "too_big", f"its strokes are {ink:,.0f} px long in a box of 255 px, more than {MAX_INK:,.0f}"
        )
    kept = [reduce(resample(stroke, step)) for stroke, step in zip(scaled, steps, strict=True)]
    return tuple(np.concatenate([np.rint(stroke[:2]), stroke[2:]]) for stroke in kept)


def resample(stroke: NDArray[np.float64], steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points every `SPACING` along a stroke, from its first point, and its last point.

    Args:
        stroke: [axes, n].
        steps: [n - 1], the distances from each point to the next.

    Returns:
        [axes, m]; a stroke that stands still keeps its first and last point.
    """
    travelled = np.concatenate(([0.0], np.cumsum(steps)))
    length = travelled[-1]
    if length == 0:
        return stroke[:, :: max(stroke.shape[1] - 1, 1)]
    at = np.arange(0.0, length, SPACING)
    if length - at[-1] > 1e-9:
        at = np.append(at, length)
    return np.stack([np.interp(at, travelled, axis) for axis in stroke])


def reduce(stroke: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ramer-Douglas-Peucker with `EPSILON`, by the distance to the line through the ends of x and y.

    Args:
        stroke: [axes, n]; axes beyond x and y go with their points.

    Returns:
        [axes, m].
    """
    import fastrdp

    if stroke.shape[1] < 3:
        return stroke
    x, y = np.ascontiguousarray(stroke[0]), np.ascontiguousarray(stroke[1])
    return stroke[:, fastrdp.rdp_index(x, y, EPSILON).astype(np.int64)]
