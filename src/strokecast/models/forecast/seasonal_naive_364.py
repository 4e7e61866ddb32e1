"""Seasonal naive, season 364: each day repeats the same weekday 52 weeks before, close to the same day of last year.

Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, section 5.2,
https://otexts.com/fpp3/simple-methods.html

Shape legend: n days of history, H days ahead.
Kind: a rule; nothing is trained.
When to use it: always, as the floor of a series with holidays, which lie near their place of last year.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.common.config import Config
from strokecast.models.common.registry import register
from strokecast.models.statistical.rules import SeasonalNaive


class SeasonalNaive364Config(Config):
    """`forecast.seasonal_naive_364` has no settings."""


@register(
    "forecast", "seasonal_naive_364", SeasonalNaive364Config, testing=SeasonalNaive364Config(), kind="rule"
)
def build(config: SeasonalNaive364Config, spec: Mapping[str, Any]) -> SeasonalNaive:
    """The rule with a season of 364 days."""
    return SeasonalNaive(364)
