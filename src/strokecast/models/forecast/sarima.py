"""SARIMA (1, 0, 0)(0, 1, 1)7, as the book fits it: the change against last week, its echo of yesterday, a smoothed week.

Sources: Box, Jenkins, Reinsel and Ljung, Time Series Analysis, 5th edition, chapter 9; Géron, Hands-On Machine
Learning, 3rd edition, chapter 15; estimated by statsforecast.

Shape legend: n days of history, H days ahead.
Kind: a rule; nothing is found, the parameters are estimated on the history at hand.
When to use it: as a peer, and beside `auto_arima` to see what the search for an order is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Config, History
from strokecast.models.common.registry import register
from strokecast.models.statistical.classical import Arima


class SarimaConfig(Config):
    """Settings of `forecast.sarima`."""

    constant: bool = Field(False, description="with a drift: the week moves by as much every week")
    history: History = Field(1096, ge=Arima.min_history)


@register(
    "forecast",
    "sarima",
    SarimaConfig,
    testing=SarimaConfig(history=70),
    kind="rule",
    needs=("statsforecast",),
)
def build(config: SarimaConfig, spec: Mapping[str, Any]) -> Arima:
    """values [n] → the next days [H], in the series' own unit."""
    return Arima((1, 0, 0), (0, 1, 1), config.constant, config.history, bool(spec.get("counts", False)))
