"""Ridge regression on the calendar and the recent level, refitted on all days before a forecast.

The logarithm of a day is the sum of weekday, time of the year, holidays with the days around them, day of the year and of the
month, and the level of the last days. Groups of features have penalties of their own, estimated on the training days: a
group that explains nothing is switched off. `models/pooled/` has the parts.

Sources: MacKay, 1992, "Bayesian interpolation", https://doi.org/10.1162/neco.1992.4.3.415; Hyndman and Athanasopoulos,
Forecasting: Principles and Practice, 3rd edition, section 7.4, https://otexts.com/fpp3/useful-predictors.html

Shape legend: n days of history, H days ahead.
Kind: statistical forecaster. Penalties are selected on the training days and stored; the coefficients are estimated on the
history before each origin.
When to use it: first, for any series of people's days. It needs no settings but the country of the holidays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.common.registry import register
from strokecast.models.pooled.config import PooledConfig


class CalendarRidgeConfig(PooledConfig):
    """Settings of `forecast.calendar_ridge`."""


@register(
    "forecast",
    "calendar_ridge",
    CalendarRidgeConfig,
    testing=CalendarRidgeConfig(),
    kind="rule",
    requirements=("scipy", "holidays", "threadpoolctl"),
)
def build(config: CalendarRidgeConfig, spec: Mapping[str, Any]) -> Any:
    """values [n] → forecasts [H], in the series' own unit."""
    from strokecast.models.pooled.calendar_ridge import CalendarRidge

    return CalendarRidge(spec, **config.model_dump())
