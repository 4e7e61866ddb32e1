"""What a forecast reads of the last days of a seasonally adjusted series, relative to its level.

One row per origin and day ahead. The level is the mean of the last days; all features are differences from it, so that
a shift of the level shifts forecasts by as much.

Shapes: n days, O origins, H days ahead, K features.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEEK, YEAR = 7, 364

_FADING = {
    1: (1.5, 5.0),
    3: (1.5, 5.0),
    7: (7.0, 20.0),
    14: (7.0, 20.0),
    28: (20.0,),
}  # days of the mean → half-lives of its effect
_GROWING = (56, 91, 182, 364)  # days of the means whose effect grows with the day ahead
_WEEKS = (1, 2, 4, 8)
_LAST_YEAR = (0, 3, 10)  # days around the day 52 weeks before
_MAX_GROWTH = 3.0


def level_features(values: Floats, origins: Ints, horizon: int, level_days: int) -> tuple[Floats, Floats]:
    """Features float64 [O, H, K], and the level of each origin, float64 [O].

    Args:
        values: float64 [n], seasonally adjusted; an origin reads those before it only.
        origins: int64 [O], 1 to n: positions of the first forecast day.
        horizon: H.
        level_days: days of the mean that is the level.
    """
    total = np.concatenate([[0.0], np.cumsum(values)])

    def mean(first: Ints, stop: Ints) -> Floats:
        first = np.clip(first, 0, None)
        return (total[stop] - total[first]) / np.maximum(stop - first, 1)

    ahead = np.arange(horizon)
    days = origins[:, None] + ahead  # [O, H]
    level = mean(origins - level_days, origins)
    features: list[Floats] = []
    for count, half_lives in _FADING.items():
        difference = (mean(origins - count, origins) - level)[:, None]
        features += [difference * np.exp(-ahead / half_life) for half_life in (np.inf, *half_lives)]
    for count in _GROWING:
        difference = (mean(origins - count, origins) - level)[:, None]
        features += [difference * np.ones(horizon), difference * np.minimum(ahead / 30, _MAX_GROWTH)]
    features += _same_weekday(values, days, origins, ahead, level)
    features += _last_year(mean, days, origins, ahead, level_days)
    return np.stack(np.broadcast_arrays(*features), axis=-1), level


def _same_weekday(values: Floats, days: Ints, origins: Ints, ahead: Ints, level: Floats) -> list[Floats]:
    """Means of the same weekday over the last weeks."""
    latest = days - WEEK * (ahead // WEEK + 1)
    total, means = np.zeros(days.shape), []
    for week in range(max(_WEEKS)):
        at = latest - WEEK * week
        total = total + np.where(at >= 0, values[np.clip(at, 0, len(values) - 1)] - level[:, None], 0.0)
        if week + 1 in _WEEKS:
            means.append(total / (week + 1))
    return means


def _last_year(
    mean: Callable[[Ints, Ints], Floats], days: Ints, origins: Ints, ahead: Ints, level_days: int
) -> list[Floats]:
    """Around the day 52 weeks before, relative to the level 52 weeks before the origin; 0 without a year of history."""
    before = days - YEAR * (ahead // YEAR + 1)
    has_year = origins >= YEAR + level_days
    base = mean(np.clip(origins - YEAR - level_days, 0, None), np.clip(origins - YEAR, 0, None))
    features = []
    for around in _LAST_YEAR:
        stop = np.clip(np.minimum(before + around + 1, origins[:, None]), 1, None)
        first = np.minimum(np.clip(before - around, 0, None), stop - 1)
        features.append(np.where(has_year[:, None] & (before >= 0), mean(first, stop) - base[:, None], 0.0))
    return features
