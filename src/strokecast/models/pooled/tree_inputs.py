"""What the trees of LightGBM read of an origin and a day ahead: level, calendar, and the series that it belongs to.

Shapes: n days of history, O origins, H days ahead, K features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from strokecast.models.pooled.calendar_design import WEEK, fit_design
from strokecast.models.pooled.day_features import CATEGORIES, NAMES, day_features
from strokecast.models.pooled.level_features import Ints, level_features
from strokecast.models.pooled.pooled_forecaster import FitContext

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TreeInputs:
    """The features of one series after a fit of its calendar.

    Attributes:
        context: the fit.
        by_day: float64, `day_features` of each day from the first of the history on.
        weekly_effects: float64, mean calendar effect of the 28 days up to each day.
        unit: divides the features that are in the transformed unit of the series, so that series of different size look alike.
        series: number of the series in a model of several series; None: a model of one.
    """

    context: FitContext
    by_day: Floats
    weekly_effects: Floats
    unit: float = 1.0
    series: int | None = None

    @classmethod
    def of(
        cls,
        context: FitContext,
        holiday_names: Sequence[str] | None = None,
        unit: float = 1.0,
        series: int | None = None,
    ) -> Self:
        """The inputs after a fit; `holiday_names`: holidays with a number of their own, None: those of the history."""
        all_days = context.start + np.arange(len(context.effects)).astype("timedelta64[D]")
        if holiday_names is None:
            holiday_names = holidays_of(context)
        by_day = day_features(all_days, context.country, tuple(holiday_names))
        weekly = np.convolve(context.effects, np.ones(4 * WEEK) / (4 * WEEK))[: len(context.effects)]
        return cls(context, by_day, weekly, unit, series)

    def features(self, values: Floats, origins: Ints, horizon: int, start: int) -> tuple[Floats, Floats]:
        """Features float64 [O, H, K], and the level of each origin, float64 [O].

        Args:
            values: float64 [n], seasonally adjusted.
            origins: int64 [O], positions in `values`.
            horizon: H.
            start: position of the first of the values in the history.
        """
        of_level, level = level_features(values, origins, horizon, self.context.level_days)
        ahead = np.arange(horizon)
        days = origins[:, None] + start + ahead  # [O, H]
        effect = self.context.effects[days] - self.weekly_effects[origins + start - 1][:, None]
        further = [effect / self.unit, np.broadcast_to(ahead, days.shape)]
        if self.series is not None:
            further.append(np.full(days.shape, self.series))
        parts = [of_level / self.unit, self.by_day[days], np.stack(further, axis=-1)]
        return np.concatenate(parts, axis=-1), level

    def categories(self, count: int) -> list[int]:
        """Columns that hold categories, of `count` columns K."""
        series = [] if self.series is None else [count - 1]
        first = (
            count - len(series) - 2 - len(NAMES)
        )  # after the level come the day, its effect and the day ahead
        return [first + NAMES.index(name) for name in CATEGORIES] + series


def holidays_of(context: FitContext) -> tuple[str, ...]:
    """The holidays in the history of a fit."""
    days = context.start + np.arange(len(context.adjusted)).astype("timedelta64[D]")
    return fit_design(days, context.country).holiday_names
