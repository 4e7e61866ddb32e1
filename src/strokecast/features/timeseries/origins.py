"""Forecast origins: rolling through a split, and a subset spread evenly over days and weekdays.

An origin is the position of the first forecast day in the series. Shapes: n origins, k of them selected.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]

_WEEK = 7


def rolling(first: int, stop: int, history: int, horizon: int, step_size: int = 1) -> Positions:
    """Origins that roll through a split, int64 [n].

    Args:
        first: position of the split's first day in the whole series.
        stop: position after its last day.
        history: number of days that must precede an origin.
        horizon: number of days that must follow within the split.
        step_size: days from one origin to the next.
    """
    return np.arange(max(first, history), stop - horizon + 1, step_size, dtype=np.int64)


def back_to_back(first: int, stop: int, history: int, horizon: int) -> Positions:
    """Origins whose forecast days follow one another without gap or overlap up to the split's last day, int64 [n].

    Args:
        first, stop, history, horizon: see `rolling`.
    """
    start = max(first, history)
    return rolling(start + (stop - start) % horizon, stop, history, horizon, horizon)


def subsample_evenly(positions: Positions, max_count: int | None) -> Positions:
    """At most `max_count` of the rising `positions`, evenly spaced, int64 [k]; None: all of them.

    A spacing of whole weeks would select a single weekday. So this compares selections that leave out up to two weeks,
    or up to one spacing, at the end. It returns the one with the most even weekday counts, and of equals the longest.
    """
    if max_count is None or len(positions) <= max_count:
        return positions
    candidates = []
    for left_out in range(min(max(2 * _WEEK, len(positions) // max_count), len(positions) - max_count) + 1):
        last = len(positions) - 1 - left_out
        selected = positions[np.linspace(0, last, max_count).round().astype(np.int64)]
        counts = np.bincount(selected % _WEEK, minlength=_WEEK)
        candidates.append((int(counts.max() - counts.min()), left_out, selected))
    return min(candidates, key=lambda candidate: candidate[:2])[2]
