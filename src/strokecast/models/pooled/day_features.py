"""Calendar features of single days as numbers, for trees.

Shapes: n days.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from strokecast.models.pooled.calendar_design import WEEK, Days, day_of_leap_year, holiday_positions

Floats = NDArray[np.float64]

NAMES = (
    "weekday",
    "day of year",
    "day of month",
    "days to the next holiday",
    "days since the last holiday",
    "next holiday",
    "last holiday",
)
CATEGORIES = ("weekday", "next holiday", "last holiday")
_FAR = 15  # days; a holiday further away counts as none


def day_features(days: Days, country: str | None, holiday_names: tuple[str, ...]) -> Floats:
    """Features float64 [n, 7] in the order of `NAMES`.

    Args:
        days: datetime64[D] [n], consecutive.
        country: country or region of the holidays; None: none.
        holiday_names: holidays with a number of their own, from 1 on; all others are 0.
    """
    count = len(days)
    distance = np.full((count, 2), _FAR + 1.0)  # to the next, since the last
    name = np.zeros((count, 2))
    if country:
        numbers = {holiday: number for number, holiday in enumerate(holiday_names, 1)}
        for position, holiday in zip(*holiday_positions(country, days, _FAR), strict=True):
            for side, step in ((0, -1), (1, 1)):
                at = position + step * np.arange(_FAR + 1)
                away = np.arange(_FAR + 1)[(at >= 0) & (at < count)]
                at = at[(at >= 0) & (at < count)]
                nearer = away < distance[at, side]
                distance[at[nearer], side] = away[nearer]
                name[at[nearer], side] = numbers.get(holiday, 0)
    weekday = (days.astype(np.int64) + 3) % WEEK
    day_of_month = (days - days.astype("datetime64[M]")).astype(np.int64)
    return np.column_stack([weekday, day_of_leap_year(days), day_of_month, distance, name])
