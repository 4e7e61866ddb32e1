"""SARIMA (1, 0, 0)(0, 1, 1)7: a weekly difference with one autoregressive and one seasonal moving-average term.

Sources: Box, Jenkins, Reinsel and Ljung, Time Series Analysis, 5th edition, chapter 9; Géron, Hands-On Machine
Learning, 3rd edition, chapter 15 (this order); estimated by statsforecast.

Shape legend: n days of history, H days ahead.
Kind: statistical forecaster. The order is fixed; its parameters are estimated on the history before each origin.
When to use it: for comparison, and beside `auto_arima` to see what the search for an order gains.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Config, MaxHistoryDays
from strokecast.models.common.registry import register
from strokecast.models.statistical.statsforecast_models import Sarima


class SarimaConfig(Config):
    """Settings of `forecast.sarima`."""

    constant: bool = Field(False, description="include a drift: a constant weekly change")
    max_history_days: MaxHistoryDays = Field(1096, ge=Sarima.min_history)


@register(
    "forecast",
    "sarima",
    SarimaConfig,
    testing=SarimaConfig(max_history_days=70),
    kind="rule",
    requirements=("statsforecast",),
)
def build(config: SarimaConfig, spec: Mapping[str, Any]) -> Sarima:
    """values [n] → forecasts [H], in the series' own unit."""
    counts = bool(spec.get("counts", False))
    return Sarima((1, 0, 0), (0, 1, 1), config.constant, config.max_history_days, counts)
