"""Seasonal naive with a season of 364 days: each day repeats the same weekday 52 weeks before.

Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, section 5.2,
https://otexts.com/fpp3/simple-methods.html

Shape legend: n days of history, H days ahead.
Kind: statistical forecaster; nothing is estimated.
When to use it: always, as the baseline of a series with holidays: most holidays are near their date of last year.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.common.config import Config
from strokecast.models.common.registry import register
from strokecast.models.statistical.seasonal_naive import SeasonalNaive


class SeasonalNaive364Config(Config):
    """`forecast.seasonal_naive_364` has no settings."""


@register(
    "forecast", "seasonal_naive_364", SeasonalNaive364Config, testing=SeasonalNaive364Config(), kind="rule"
)
def build(config: SeasonalNaive364Config, spec: Mapping[str, Any]) -> SeasonalNaive:
    """values [n] → forecasts [H], in the series' own unit."""
    return SeasonalNaive(364)
