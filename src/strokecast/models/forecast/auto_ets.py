"""Exponential smoothing with a weekly season; the form of error, trend and season is selected automatically.

Sources: Hyndman, Koehler, Snyder and Grose, 2002, https://doi.org/10.1016/S0169-2070(01)00110-8; Hyndman and
Khandakar, 2008, https://doi.org/10.18637/jss.v027.i03; estimated by statsforecast.

Shape legend: n days of history, H days ahead.
Kind: statistical forecaster. The form is selected on the training days and stored; its parameters are estimated on
the history before each origin.
When to use it: for comparison. It follows the level and the week; it uses neither holidays nor the time of the year.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Config, MaxHistoryDays
from strokecast.models.common.registry import register
from strokecast.models.statistical.statsforecast_models import AutoEts


class AutoEtsConfig(Config):
    """Settings of `forecast.auto_ets`."""

    max_history_days: MaxHistoryDays = Field(1096, ge=AutoEts.min_history)


@register(
    "forecast",
    "auto_ets",
    AutoEtsConfig,
    testing=AutoEtsConfig(max_history_days=70),
    kind="rule",
    requirements=("statsforecast",),
)
def build(config: AutoEtsConfig, spec: Mapping[str, Any]) -> AutoEts:
    """values [n] → forecasts [H], in the series' own unit."""
    return AutoEts(config.max_history_days, bool(spec.get("counts", False)))
