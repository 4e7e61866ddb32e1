"""The mean of the forecasts of `ridge` and `boosted_trees`, whose errors differ.

Sources: Bates and Granger, 1969 (the combination of forecasts), https://doi.org/10.1057/jors.1969.103; Claeskens et
al., 2016 (equal weights are hard to beat by estimated ones), https://doi.org/10.1016/j.ijforecast.2015.12.005

Shape legend: B windows, W days of past, C channels, F known future features, H days ahead, D targets.
Kind: estimator; `models/regression/combination.py`.
When to use it: if no single method stands out, which is the usual case. It costs as much as both members.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range
from strokecast.models.regression.config import BoostingConfig, L2Penalty


class CombinationConfig(BoostingConfig):
    """Settings of `forecast.combination`: those of `forecast.boosted_trees`, and `l2` of `forecast.ridge`."""

    l2: L2Penalty = 0.01


@register(
    "forecast",
    "combination",
    CombinationConfig,
    testing=CombinationConfig(lags=7, weeks=(2,), trees=5, depth=2),
    kind="estimator",
    search_space={
        "lags": Range(7, 28),
        "trees": Range(50, 400, log=True),
        "depth": Range(2, 6),
        "learning_rate": Range(0.01, 0.3, log=True),
        "subsample": Range(0.3, 1.0),
        "max_features": Range(0.1, 1.0),
        "l2": Range(1e-4, 10.0, log=True),
    },
)
def build(config: CombinationConfig, spec: Mapping[str, Any]) -> Any:
    """Unfitted; fitted: {"past": [B, W, C], "future": [B, H, F]} → [B, H, D], transformed and scaled."""
    from strokecast.models.regression.combination import Combination

    return Combination(spec, **config.model_dump())
