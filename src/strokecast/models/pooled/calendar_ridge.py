"""Ridge regression on the calendar and on the level of the last days, with one set of coefficients for all days ahead."""

from __future__ import annotations

from strokecast.models.pooled import level_regression
from strokecast.models.pooled.pooled_forecaster import FitContext, LevelForecast, PooledForecaster


class CalendarRidge(PooledForecaster):
    """Forecasts the level by ridge regression; arguments: `PooledForecaster`."""

    def _fit_level(self, context: FitContext) -> LevelForecast:
        return level_regression.fit(context.adjusted, context.horizon, context.level_days)
