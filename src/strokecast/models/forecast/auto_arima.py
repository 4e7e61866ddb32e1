"""ARIMA with a week's season, its order found on the training days by stepwise search.

Source: Hyndman and Khandakar, 2008, https://doi.org/10.18637/jss.v027.i03; estimated by statsforecast.

Shape legend: n days of history, H days ahead.
Kind: a rule; the order found is stored, its parameters are estimated on the history at hand.
When to use it: as a peer, the strongest of those that look at the last weeks alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Config, History
from strokecast.models.common.registry import register
from strokecast.models.statistical.classical import AutoArima


class AutoArimaConfig(Config):
    """Settings of `forecast.auto_arima`."""

    history: History = Field(1096, ge=AutoArima.min_history)


@register(
    "forecast",
    "auto_arima",
    AutoArimaConfig,
    testing=AutoArimaConfig(history=70),
    kind="rule",
    needs=("statsforecast",),
)
def build(config: AutoArimaConfig, spec: Mapping[str, Any]) -> AutoArima:
    """values [n] → the next days [H], in the series' own unit."""
    return AutoArima(config.history, bool(spec.get("counts", False)))
