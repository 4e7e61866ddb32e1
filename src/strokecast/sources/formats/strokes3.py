"""Conversion of strokes to pen movements, as in the Sketch-RNN files.

A drawing of n points has n - 1 rows. Row k is the movement from point k to point k + 1, also between
strokes; pen_lift is 1 if point k + 1 ends its stroke. The first point is the origin and has no row;
a first stroke of a single point (a dot) is lost, as in the official files.
Of 46 drawings that are in the mirror's npz and in simplified ndjson, 43 have every stroke end
within 2 units of the same place (the npz were simplified differently; 3 have other strokes).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MAX_TIME_MS = float(np.iinfo(np.int32).max)


def to_times(strokes: Sequence[NDArray[np.float64]]) -> NDArray[np.int32]:
    """The end time of each row of `to_strokes3`.

    Args:
        strokes: [3, n_points] per stroke: x, y, and time in ms from any origin. A time before that of
            an earlier point is replaced by the earlier point's time.

    Returns:
        int32 [n_points - 1]: ms since the first point, non-decreasing; n_points over all strokes.
    """
    times = np.maximum.accumulate(np.concatenate([stroke[2] for stroke in strokes]))
    return np.rint(np.minimum(times - times[0], MAX_TIME_MS)[1:]).astype(np.int32)


def to_strokes3(strokes: Sequence[NDArray[np.float64]]) -> NDArray[np.int16]:
    """Pen movements of one simplified drawing.

    Args:
        strokes: [axes, n_points] per stroke, n_points >= 1; x and y are whole numbers from 0 to 255.

    Returns:
        int16 [n_points - 1, 3] = (dx, dy, pen_lift), n_points over all strokes; no row if the
        drawing has a single point.
    """
    points = np.concatenate([stroke[:2] for stroke in strokes], axis=1).T  # [n, 2]
    rows = np.zeros((len(points), 3), dtype=np.int16)
    rows[1:, :2] = np.diff(points, axis=0)
    rows[np.cumsum([stroke.shape[1] for stroke in strokes]) - 1, 2] = 1
    return rows[1:]
