"""Ridge regression on the last days and the calendar of the forecast day, one a day ahead.

Source: Hoerl and Kennard, 1970, https://doi.org/10.1080/00401706.1970.10488634; fitted by scikit-learn.

Shape legend: B windows, W days of past, C channels, F features known of the days to come, H days ahead, D targets.
Kind: estimator; `models/peers/lagged.py`.
When to use it: before any network. Given the same calendar it is hard to beat, and it is fitted in a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.common.registry import register
from strokecast.models.regression.settings import Penalty, Regression


class RidgeConfig(Regression):
    """Settings of `forecast.ridge`."""

    l2: Penalty = 0.01


@register("forecast", "ridge", RidgeConfig, testing=RidgeConfig(lags=7, weeks=(2,)), kind="estimator")
def build(config: RidgeConfig, spec: Mapping[str, Any]) -> Any:
    """Unfitted; once fitted {"past": [B, W, C], "future": [B, H, F]} → [B, H, D], transformed and scaled."""
    from strokecast.models.regression.lagged import Ridge

    return Ridge(spec, config.lags, config.weeks, config.l2)
