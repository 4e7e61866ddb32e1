"""Rolling means that are known before a forecast starts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def rolling_mean(values: Floats, n_days: int, delay: int, length: int | None = None) -> Floats:
    """Per day the mean of `n_days` days, the last of them `delay` days before it; NaN where a day is unknown.

    Args:
        values: float64 [T], finite.
        n_days: days of the mean.
        delay: days from the last of them to the day of the feature.
        length: number of days to return; default: T.
    """
    length = len(values) if length is None else length
    sums = np.concatenate([[0.0], np.cumsum(values)])
    means = (sums[n_days:] - sums[:-n_days]) / n_days  # of the days that end at n_days - 1, ...
    result = np.full(length, np.nan)
    first = n_days - 1 + delay
    count = max(0, min(len(means), length - first))
    result[first : first + count] = means[:count]
    return result
