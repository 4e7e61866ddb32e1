"""The mean of what `ridge` and `boosted_trees` forecast: a line and a set of rules err in different places.

Source: Bates and Granger, 1969 (the combination of forecasts), https://doi.org/10.1057/jors.1969.103; that plain means
are hard to beat by fitted weights: Claeskens et al., 2016, https://doi.org/10.1016/j.ijforecast.2015.12.005

Shape legend: B windows, W days of past, C channels, F features known of the days to come, H days ahead, D targets.
Kind: estimator; `models/peers/combined.py`.
When to use it: where no single method stands out, which is mostly. It costs what its two members cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.common.registry import register
from strokecast.models.regression.settings import Boosting, Penalty


class CombinationConfig(Boosting):
    """Settings of `forecast.combination`: those of `forecast.boosted_trees`, and the penalty of `forecast.ridge`."""

    l2: Penalty = 0.01


@register(
    "forecast",
    "combination",
    CombinationConfig,
    testing=CombinationConfig(lags=7, weeks=(2,), trees=5, depth=2),
    kind="estimator",
)
def build(config: CombinationConfig, spec: Mapping[str, Any]) -> Any:
    """Unfitted; once fitted {"past": [B, W, C], "future": [B, H, F]} → [B, H, D], transformed and scaled."""
    from strokecast.models.regression.combined import Combined

    return Combined(spec, **config.model_dump())
