"""The calendar part of a history: its effects on past and coming days, and the series without them.

Shapes: n days of history, A days after it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from strokecast.models.pooled import group_ridge
from strokecast.models.pooled.calendar_design import TREND, UNPENALISED, fit_design
from strokecast.models.pooled.group_ridge import GroupRidge
from strokecast.models.pooled.history_transform import HistoryTransform, Kind, fit_transform
from strokecast.models.pooled.robust import robust_std

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]

_MEDIAN_DAYS = 29  # of the running median that outliers are measured from
_OUTLIER = 4.0  # robust standard deviations


@dataclass(frozen=True)
class CalendarFit:
    """A fitted calendar part.

    Attributes:
        transform: of the values.
        ridge: the regression.
        effects: float64 [n + A], without the trend, in transformed units, from the first day of the history.
        outlier: deviation from the running median beyond which a day is clipped, in transformed units.
        bounds: lowest and highest forecast, in transformed units: one range of the history beyond its values.
    """

    transform: HistoryTransform
    ridge: GroupRidge
    effects: Floats
    outlier: float
    bounds: tuple[float, float]

    def adjust(self, values: Floats, start: int = 0) -> Floats:
        """The seasonally adjusted days, outliers clipped: float64 [n].

        Args:
            values: float64 [n], in the series' own unit.
            start: position of the first of them in the history.
        """
        adjusted = self.transform.transform(values) - self.effects[start : start + len(values)]
        return clip_outliers(adjusted, self.outlier)


def fit(
    days: Days,
    values: Floats,
    country: str | None,
    kind: Kind | Literal["auto"],
    variances: Mapping[str, float] | None,
    days_after: int,
) -> CalendarFit:
    """Fit the calendar part.

    Args:
        days: datetime64[D] [n], consecutive.
        values: float64 [n], in the series' own unit.
        country: country or region of the holidays; None: none.
        kind: transform of the values.
        variances: prior variance per group of columns; None: all groups, with variances estimated from the values.
        days_after: A.
    """
    from threadpoolctl import threadpool_limits

    transform = fit_transform(values, kind)
    target = transform.transform(values)
    center = float(np.median(target))
    design = fit_design(days, country)
    all_days = days[0] + np.arange(len(days) + days_after).astype("timedelta64[D]")
    groups = design.groups(all_days)
    past = {name: columns[: len(days)] for name, columns in groups.items()}
    with threadpool_limits(1):  # the products are small; on a busy machine, threads would wait for each other
        ridge = group_ridge.fit(past, target - center, np.ones(len(days)), variances, UNPENALISED)
    effects = ridge.predict(groups, without=TREND) + center
    adjusted = target - effects[: len(days)]
    spread = float(np.ptp(target))
    return CalendarFit(
        transform,
        ridge,
        effects,
        _OUTLIER * robust_std(adjusted - running_median(adjusted)),
        (float(target.min()) - spread, float(target.max()) + spread),
    )


def clip_outliers(values: Floats, limit: float) -> Floats:
    """Values at most `limit` from the median of their last 29 days, float64 [n]."""
    median = running_median(values)
    return median + np.clip(values - median, -limit, limit)


def running_median(values: Floats) -> Floats:
    """Median of each day and the 28 before, fewer at the start: float64 [n]."""
    from scipy.ndimage import median_filter

    earlier: list[float] = []  # sorted
    head = []
    for value in values[: _MEDIAN_DAYS - 1].tolist():
        insort(earlier, value)
        head.append((earlier[(len(earlier) - 1) // 2] + earlier[len(earlier) // 2]) / 2)
    if len(values) < _MEDIAN_DAYS:
        return np.array(head)
    medians = median_filter(values, _MEDIAN_DAYS, mode="nearest", origin=_MEDIAN_DAYS // 2)
    return np.concatenate([head, medians[_MEDIAN_DAYS - 1 :]])
