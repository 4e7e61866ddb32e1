"""Exponential smoothing with a week's season; which error, trend and season is found on the training days.

Sources: Hyndman, Koehler, Snyder and Grose, 2002, https://doi.org/10.1016/S0169-2070(01)00110-8; Hyndman and
Khandakar, 2008, https://doi.org/10.18637/jss.v027.i03; estimated by statsforecast.

Shape legend: n days of history, H days ahead.
Kind: a rule; the form found is stored, its parameters are estimated on the history at hand.
When to use it: as a peer. It follows level and week, and knows neither holidays nor the time of the year.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Config, History
from strokecast.models.common.registry import register
from strokecast.models.statistical.classical import Ets


class AutoEtsConfig(Config):
    """Settings of `forecast.auto_ets`."""

    history: History = Field(1096, ge=Ets.min_history)


@register(
    "forecast",
    "auto_ets",
    AutoEtsConfig,
    testing=AutoEtsConfig(history=70),
    kind="rule",
    needs=("statsforecast",),
)
def build(config: AutoEtsConfig, spec: Mapping[str, Any]) -> Ets:
    """values [n] → the next days [H], in the series' own unit."""
    return Ets(config.history, bool(spec.get("counts", False)))
