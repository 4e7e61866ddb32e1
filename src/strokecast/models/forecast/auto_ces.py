"""Complex exponential smoothing with a weekly season; the form of the season is selected automatically.

Source: Svetunkov, Kourentzes and Ord, 2022, https://doi.org/10.1002/nav.22074; estimated by statsforecast.

Shape legend: n days of history, H days ahead.
Kind: statistical forecaster. The form (no season, simple, partial, full) is selected on the training days and stored; its
parameters are estimated on the history before each origin.
When to use it: beside `auto_ets`, for series that have no clear boundary between level and trend. It uses neither holidays nor
the time of the year.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Config, MaxHistoryDays
from strokecast.models.common.registry import register
from strokecast.models.statistical.theta_and_ces import AutoCes


class AutoCesConfig(Config):
    """Settings of `forecast.auto_ces`."""

    max_history_days: MaxHistoryDays = Field(1096, ge=AutoCes.min_history)


@register(
    "forecast",
    "auto_ces",
    AutoCesConfig,
    testing=AutoCesConfig(max_history_days=70),
    kind="rule",
    requirements=("statsforecast",),
)
def build(config: AutoCesConfig, spec: Mapping[str, Any]) -> AutoCes:
    """values [n] → forecasts [H], in the series' own unit."""
    return AutoCes(config.max_history_days, bool(spec.get("counts", False)))
