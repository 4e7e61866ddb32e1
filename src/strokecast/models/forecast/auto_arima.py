"""ARIMA with a weekly season; stepwise search selects the order on the training days.

Source: Hyndman and Khandakar, 2008, https://doi.org/10.18637/jss.v027.i03; estimated by statsforecast.

Shape legend: n days of history, H days ahead.
Kind: statistical forecaster. The order is selected on the training days and stored; its parameters are estimated on
the history before each origin.
When to use it: for comparison, as the strongest of the forecasters that read only the last weeks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Config, MaxHistoryDays
from strokecast.models.common.registry import register
from strokecast.models.statistical.statsforecast_models import AutoArima


class AutoArimaConfig(Config):
    """Settings of `forecast.auto_arima`."""

    max_history_days: MaxHistoryDays = Field(1096, ge=AutoArima.min_history)


@register(
    "forecast",
    "auto_arima",
    AutoArimaConfig,
    testing=AutoArimaConfig(max_history_days=70),
    kind="rule",
    requirements=("statsforecast",),
)
def build(config: AutoArimaConfig, spec: Mapping[str, Any]) -> AutoArima:
    """values [n] → forecasts [H], in the series' own unit."""
    return AutoArima(config.max_history_days, bool(spec.get("counts", False)))
