"""Base class of forecasters with one regression for all days ahead, refitted on the history before each origin.

A forecast is the sum of two parts: the calendar of the forecast day (`calendar_fit`), and the level of the seasonally
adjusted series, forecast from its last days (`level_features`). Both are fitted again every `refit_every` days on all
days before. When they are fitted depends on the date of the origin alone, not on the order of the calls.

Shapes: n days of history, O origins, H days ahead, Q quantile levels.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from strokecast.models.pooled import calendar_fit
from strokecast.models.pooled.calendar_design import SEASONS
from strokecast.models.pooled.calendar_fit import CalendarFit
from strokecast.models.pooled.level_features import WEEK, YEAR
from strokecast.models.statistical.base import SeriesHistory, StatisticalForecaster

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Days = NDArray[np.datetime64]
Level = Literal["last_week", "mean_28", "mean_364"]

LEVEL_DAYS: dict[str, int] = {"last_week": WEEK, "mean_28": 4 * WEEK, "mean_364": YEAR}
_SLOW = 7  # a forecaster that is refitted more often than every so many days is slow
_CACHED_FITS = 16  # evaluation forecasts years of days twice: at the evaluated origins, then between them
_SELECTION_ORIGINS = 150
_MAX_SELECTION_DAYS = 2 * YEAR

LevelForecast = Callable[[Floats, Ints, int, int], Floats]
"""(adjusted days [n], origins [O], H, position of the first of the days in the history) → forecasts [O, H], or quantiles [O, H, Q]."""


@dataclass(frozen=True)
class FitContext:
    """What a subclass fits its forecast of the level on.

    Attributes:
        adjusted: float64 [n], the seasonally adjusted history.
        start: its first day.
        effects: float64, calendar effects from that day on, also of days after the history.
        country: of the holidays.
        horizon: H.
        level_days: days of the mean that is the level.
    """

    adjusted: Floats
    start: np.datetime64
    effects: Floats
    country: str | None
    horizon: int
    level_days: int


class PooledForecaster(StatisticalForecaster):
    """A calendar regression plus a pooled forecast of the level.

    `fit` estimates the penalties of the calendar's groups on the training days. It chooses whether groups that repeat every
    year are used, and what the level is, by the errors at rolling origins of the last quarter of the training days, at
    most two years.

    Args:
        spec: spec of the processed data (`calendar.holiday_country`, `counts`).
        refit_every: days from one refit to the next.
        transform: of the values; `auto`: see `history_transform.fit_transform`.
        level: mean of the last days that forecasts start from; `auto`: chosen by `fit`.
        seasons: whether groups that repeat every year are used; `auto`: chosen by `fit`.
    """

    min_history = 8 * WEEK
    learns_year = True
    refit_every: int

    def __init__(
        self,
        spec: Mapping[str, Any],
        *,
        refit_every: int,
        transform: Literal["auto", "log", "log1p", "none"],
        level: Literal["auto"] | Level,
        seasons: Literal["auto"] | bool,
    ) -> None:
        super().__init__()
        self.country: str | None = spec.get("calendar", {}).get("holiday_country")
        self.counts = bool(spec.get("counts", False))
        self.refit_every, self.transform, self.level, self.seasons = refit_every, transform, level, seasons
        self.slow = refit_every < _SLOW
        self._fits: OrderedDict[str, tuple[CalendarFit, LevelForecast]] = OrderedDict()

    def fit(self, history: SeriesHistory) -> None:
        """Select the specification: transform, level and prior variance per group of columns.

        Args:
            history: the training days.

        Raises:
            ValueError: if they are fewer than `min_history`.
        """
        values = self._training_values(history)
        count, horizon = len(values), len(history.next_days)
        days = _days_before(history.next_days, count)
        calendar = calendar_fit.fit(days, values, self.country, self.transform, None, 0)
        variances = {
            name: float(f"{variance:.4g}")
            for name, variance in calendar.ridge.variances.items()
            if self.seasons is not False or name not in SEASONS
        }
        self._fits.clear()
        self.specification = {
            "transform": calendar.transform.kind,
            "level": "mean_28" if self.level == "auto" else self.level,
            "variances": variances,
        }
        held_out = min(count // 4, _MAX_SELECTION_DAYS)
        if held_out > horizon and count - held_out >= self.min_history:
            self._select(days, values, held_out, horizon)

    def _select(self, days: Days, values: Floats, held_out: int, horizon: int) -> None:
        """Replace `level` and `variances` of the specification by those with the smallest error on the last days."""
        variances = self.specification["variances"]
        groups = [variances]
        if self.seasons == "auto" and any(name in SEASONS for name in variances):
            groups.append({name: value for name, value in variances.items() if name not in SEASONS})
        levels = list(LEVEL_DAYS) if self.level == "auto" else [self.level]
        if len(groups) * len(levels) == 1:
            return
        cut = len(values) - held_out
        origins = np.unique(np.linspace(cut, len(values) - horizon, _SELECTION_ORIGINS).astype(np.int64))
        actual = values[origins[:, None] + np.arange(horizon)]
        candidates: list[tuple[float, int, str, dict[str, float]]] = []
        for chosen in groups:
            kind = self.specification["transform"]
            calendar = calendar_fit.fit(days[:cut], values[:cut], self.country, kind, chosen, held_out)
            for level in levels:
                context = self._context(calendar, values[:cut], days[0], horizon, LEVEL_DAYS[level])
                forecast = self._forecast(calendar, self._fit_ridge(context), values, origins, horizon)
                candidates.append((float(np.abs(forecast - actual).mean()), len(candidates), level, chosen))
        _, _, self.specification["level"], self.specification["variances"] = min(candidates)

    def _predict(self, values: Floats, next_days: Days) -> Floats:
        forecast = self._forecast_next(values, next_days)
        return forecast[:, self.quantile_levels.index(0.5)] if self.quantile_levels else forecast

    def _predict_quantiles(self, values: Floats, next_days: Days) -> Floats:
        if not self.quantile_levels:
            return super()._predict_quantiles(values, next_days)
        return self._forecast_next(values, next_days)

    def _forecast_next(self, values: Floats, next_days: Days) -> Floats:
        """float64 [H], or [H, Q] if the forecast of the level has quantiles."""
        horizon = len(next_days)
        days = _days_before(next_days, len(values))
        calendar, level = self._fit_before(days, values, horizon)
        return self._forecast(calendar, level, values, np.array([len(values)]), horizon)[0]

    def _fit_before(self, days: Days, values: Floats, horizon: int) -> tuple[CalendarFit, LevelForecast]:
        """The fit on all days before the last refit: of the days whose number divides by `refit_every`, the latest."""
        origin = len(values)
        since_refit = int((days[-1] + 1).astype("datetime64[D]").astype(np.int64)) % self.refit_every
        stop = max(origin - since_refit, self.min_history)
        key = f"{days[0]} {stop} {horizon} {hashlib.sha256(values[:stop].tobytes()).hexdigest()}"
        if key not in self._fits:
            kind, variances = self.specification["transform"], self.specification["variances"]
            days_after = self.refit_every + horizon
            calendar = calendar_fit.fit(days[:stop], values[:stop], self.country, kind, variances, days_after)
            level_days = LEVEL_DAYS[self.specification["level"]]
            context = self._context(calendar, values[:stop], days[0], horizon, level_days)
            self._fits[key] = calendar, self._fit_level(context)
            while len(self._fits) > _CACHED_FITS:
                self._fits.popitem(last=False)
        self._fits.move_to_end(key)
        return self._fits[key]

    def training_context(self, history: SeriesHistory) -> FitContext:
        """The calendar part of the training days, by the specification that `fit` has selected on them."""
        values, horizon = self._training_values(history), len(history.next_days)
        days = _days_before(history.next_days, len(values))
        kind, variances = self.specification["transform"], self.specification["variances"]
        calendar = calendar_fit.fit(days, values, self.country, kind, variances, horizon)
        return self._context(calendar, values, days[0], horizon, LEVEL_DAYS[self.specification["level"]])

    def _context(
        self, calendar: CalendarFit, values: Floats, start: np.datetime64, horizon: int, level_days: int
    ) -> FitContext:
        adjusted = calendar.adjust(values)
        return FitContext(adjusted, start, calendar.effects, self.country, horizon, level_days)

    def _forecast(
        self, calendar: CalendarFit, level: LevelForecast, values: Floats, origins: Ints, horizon: int
    ) -> Floats:
        """Forecasts float64 [O, H(, Q)] in the series' own unit; only the days that features reach back to are read."""
        oldest = YEAR * ((horizon - 1) // YEAR + 4)
        start = max(0, int(origins[0]) - oldest)
        adjusted = calendar.adjust(values[start:], start)
        ahead = origins[:, None] + np.arange(horizon)
        forecast = level(adjusted, origins - start, horizon, start)
        effects = calendar.effects[ahead]
        transformed = forecast + (effects if forecast.ndim == effects.ndim else effects[..., None])
        forecast = calendar.transform.inverse_transform(np.clip(transformed, *calendar.bounds))
        return np.maximum(forecast, 0.0) if self.counts else forecast

    @staticmethod
    def _fit_ridge(context: FitContext) -> LevelForecast:
        from strokecast.models.pooled import level_regression

        return level_regression.fit(context.adjusted, context.horizon, context.level_days)

    @abstractmethod
    def _fit_level(self, context: FitContext) -> LevelForecast:
        """Fit the forecast of the level."""


def _days_before(next_days: Days, count: int) -> Days:
    """The `count` days before the first of `next_days`, datetime64[D]."""
    return next_days[0].astype("datetime64[D]") - np.arange(count, 0, -1).astype("timedelta64[D]")
