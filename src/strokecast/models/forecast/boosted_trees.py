"""Gradient-boosted trees on the last days and the calendar of the forecast day, one ensemble per day ahead.

Source: Friedman, 2002 (stochastic gradient boosting), https://doi.org/10.1016/S0167-9473(01)00065-2; fitted by
scikit-learn.

Shape legend: B windows, W days of past, C channels, F known future features, H days ahead, D targets.
Kind: estimator; `models/regression/boosted_trees.py`.
When to use it: beside `ridge`, if calendar and level interact: a holiday on a Monday, in a summer of growth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range
from strokecast.models.regression.config import BoostingConfig


class BoostedTreesConfig(BoostingConfig):
    """Settings of `forecast.boosted_trees`."""


@register(
    "forecast",
    "boosted_trees",
    BoostedTreesConfig,
    testing=BoostedTreesConfig(lags=7, weeks=(2,), trees=5, depth=2),
    kind="estimator",
    search_space={
        "lags": Range(7, 28),
        "trees": Range(50, 400, log=True),
        "depth": Range(2, 6),
        "learning_rate": Range(0.01, 0.3, log=True),
        "subsample": Range(0.3, 1.0),
        "max_features": Range(0.1, 1.0),
    },
)
def build(config: BoostedTreesConfig, spec: Mapping[str, Any]) -> Any:
    """Unfitted; fitted: {"past": [B, W, C], "future": [B, H, F]} → [B, H, D], transformed and scaled."""
    from strokecast.models.regression.boosted_trees import BoostedTrees

    return BoostedTrees(spec, **config.model_dump())
