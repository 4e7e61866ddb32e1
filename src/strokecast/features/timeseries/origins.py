"""Which days forecasts are asked for, where not every day is: evenly spread, and over the weekdays too.

Shapes: n days that there are, k that are taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]

_WEEK = 7


def rolling(first: int, stop: int, history: int, horizon: int, step: int = 1) -> Positions:
    """Positions of first forecast days that roll through a split.

    Args:
        first: position of the split's first day in the whole series.
        stop: position after its last day.
        history: days needed before a first forecast day.
        horizon: days that must still fit.
        step: days from one origin to the next.
    """
    return np.arange(max(first, history), stop - horizon + 1, step, dtype=np.int64)


def evenly(positions: Positions, most: int | None) -> Positions:
    """At most `most` of rising `positions`, evenly spaced; all of them if None.

    A spacing of whole weeks would show one weekday alone. So of the choices that leave out up to two weeks or one
    spacing at the end, the one with the most even weekdays is taken, the longest of equals.
    """
    if most is None or len(positions) <= most:
        return positions
    choices = []
    for left_out in range(min(max(2 * _WEEK, len(positions) // most), len(positions) - most) + 1):
        last = len(positions) - 1 - left_out
        chosen = positions[np.linspace(0, last, most).round().astype(np.int64)]
        counts = np.bincount(chosen % _WEEK, minlength=_WEEK)
        choices.append((int(counts.max() - counts.min()), left_out, chosen))
    return min(choices, key=lambda choice: choice[:2])[2]
