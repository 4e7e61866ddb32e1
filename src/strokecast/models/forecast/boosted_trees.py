"""Gradient-boosted trees on the last days and the calendar of the forecast day, one ensemble a day ahead.

Source: Friedman, 2002 (stochastic gradient boosting), https://doi.org/10.1016/S0167-9473(01)00065-2; fitted by
scikit-learn.

Shape legend: B windows, W days of past, C channels, F features known of the days to come, H days ahead, D targets.
Kind: estimator; `models/peers/trees.py`.
When to use it: beside `ridge`, where calendar and level act together: a holiday on a Monday, in a summer of growth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import Config, Weeks
from strokecast.models.common.registry import register


class BoostedTreesConfig(Config):
    """Settings of `forecast.boosted_trees`."""

    lags: int | None = Field(14, ge=1, description="last days it reads; null: the whole window")
    weeks: Weeks = (4, 8)
    trees: int = Field(100, ge=1, le=10000, description="on top of each other, a day ahead")
    depth: int = Field(4, ge=1, le=8, description="questions from a tree's root to a leaf")
    learning_rate: float = Field(0.1, gt=0, le=1, description="share of each tree that counts")
    subsample: float = Field(0.5, gt=0, le=1, description="share of the windows that each tree sees")
    max_features: float = Field(0.3, gt=0, le=1, description="share of the features a split chooses among")
    loss: Literal["squared_error", "absolute_error", "huber"] = Field(
        "huber", description="what is made small"
    )


@register(
    "forecast",
    "boosted_trees",
    BoostedTreesConfig,
    testing=BoostedTreesConfig(lags=7, weeks=(2,), trees=5, depth=2),
    kind="estimator",
)
def build(config: BoostedTreesConfig, spec: Mapping[str, Any]) -> Any:
    """Unfitted; once fitted {"past": [B, W, C], "future": [B, H, F]} → [B, H, D], transformed and scaled."""
    from strokecast.models.peers.trees import BoostedTrees

    return BoostedTrees(spec, **config.model_dump())
