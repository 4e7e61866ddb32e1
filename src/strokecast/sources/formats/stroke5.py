"""The stroke-5 format of the Sketch-RNN paper: (dx, dy, p1, p2, p3) per point, converted to (dx, dy, pen_lift).

The pen state is one-hot: p1 draws on to the next point, p2 lifts the pen after this point, p3 ends the drawing. Rows
from the first p3 on are padding. Models insert the start token (0, 0, 1, 0, 0) before the first point.
Source: Ha and Eck 2017, A Neural Representation of Sketch Drawings, https://arxiv.org/abs/1704.03477
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_stroke3(rows: NDArray[Any], index: int = 0) -> NDArray[Any]:
    """One drawing without start token and padding.

    Args:
        rows: [n_rows, 5] = (dx, dy, p1, p2, p3).
        index: of the drawing, for the error message.

    Returns:
        [n_points, 3] = (dx, dy, pen_lift) of the same number type; pen_lift of the last point is 1. A row with p3 is a
        point only if it moves the pen.

    Raises:
        ValueError: if p1, p2, p3 are not one-hot in every row.
    """
    pens = rows[:, 2:]
    valid = np.isin(pens, (0, 1)).all(axis=1) & (pens.sum(axis=1) == 1)
    if not valid.all():
        row = int(np.argmin(valid))
        raise ValueError(
            f"row {row} of drawing {index} has p1, p2, p3 = {', '.join(f'{pen:g}' for pen in pens[row])}; "
            "a drawing with 5 columns is stroke-5, where exactly one of them is 1"
        )
    ends = np.flatnonzero(pens[:, 2])
    if len(ends):
        rows = rows[: ends[0] + 1 if rows[ends[0], :2].any() else ends[0]]
    if len(rows) and not rows[0, :2].any() and rows[0, 2]:
        rows = rows[1:]
    points = rows[:, :3].copy()
    points[:, 2] = 1 - rows[:, 2]
    points[-1:, 2] = 1
    return points
