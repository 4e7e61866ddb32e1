"""Ridge regression on the last days and the calendar of the forecast day, one regression per day ahead.

Source: Hoerl and Kennard, 1970, https://doi.org/10.1080/00401706.1970.10488634; fitted by scikit-learn.

Shape legend: B windows, W days of past, C channels, F known future features, H days ahead, D targets.
Kind: estimator; `models/regression/ridge.py`.
When to use it: before any network. With the same calendar features it is hard to beat, and it is fitted in a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range
from strokecast.models.regression.config import L2Penalty, LagRegressorConfig


class RidgeConfig(LagRegressorConfig):
    """Settings of `forecast.ridge`."""

    l2: L2Penalty = 0.01


@register(
    "forecast",
    "ridge",
    RidgeConfig,
    testing=RidgeConfig(lags=7, weeks=(2,)),
    kind="estimator",
    search_space={
        "lags": Range(7, 28),
        "l2": Range(1e-4, 10.0, log=True),
    },
)
def build(config: RidgeConfig, spec: Mapping[str, Any]) -> Any:
    """Unfitted; fitted: {"past": [B, W, C], "future": [B, H, F]} → [B, H, D], transformed and scaled."""
    from strokecast.models.regression.ridge import RidgeRegressor

    return RidgeRegressor(spec, config.lags, config.weeks, config.l2)
