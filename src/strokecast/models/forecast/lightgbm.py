"""LightGBM over all days ahead at once, on the calendar and the recent level, refitted before a forecast.

It starts from the forecasts of `calendar_ridge` and learns what these leave: one model of all days ahead, with the day
ahead, weekday, date, distance to holidays and the days before as features. Targets are relative to the level of the last days,
so that forecasts follow it where trees have seen no such values. `models/pooled/lightgbm_forecaster.py`.

Source: Ke et al., 2017, "LightGBM: a highly efficient gradient boosting decision tree",
https://papers.nips.cc/paper/6907-lightgbm-a-highly-efficient-gradient-boosting-decision-tree

Shape legend: n days of history, H days ahead.
Kind: statistical forecaster. Penalties are selected on the training days and stored; the trees are grown on the history
before each origin.
When to use it: beside `calendar_ridge`, where effects depend on each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Quantiles
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range
from strokecast.models.pooled.config import PooledConfig, RefitEvery


class LightgbmConfig(PooledConfig):
    """Settings of `forecast.lightgbm`."""

    refit_every: RefitEvery = 182
    trees: int = Field(60, ge=1, le=10_000, description="boosting stages")
    learning_rate: float = Field(0.03, gt=0, le=1, description="factor of each tree's contribution")
    leaves: int = Field(31, ge=2, le=1024, description="maximum leaves of a tree")
    rows: int = Field(
        12_000,
        ge=1000,
        le=10_000_000,
        description="largest number of rows, one per origin and day ahead; origins are evenly spaced",
    )
    quantiles: Quantiles = ()
    pool_series: bool = Field(
        False,
        description="with several series (features.forecast.series: all), one model of all, learned on the training days, with "
        "the series as a category; false: one model per series, refitted",
    )


@register(
    "forecast",
    "lightgbm",
    LightgbmConfig,
    testing=LightgbmConfig(trees=5, leaves=7, rows=1000),
    kind="rule",
    requirements=("lightgbm", "scipy", "holidays", "threadpoolctl"),
    search_space={
        "trees": Range(30, 240, log=True),
        "learning_rate": Range(0.01, 0.3, log=True),
        "leaves": Range(7, 63, log=True),
    },
)
def build(config: LightgbmConfig, spec: Mapping[str, Any]) -> Any:
    """values [n] → forecasts [H], in the series' own unit."""
    from strokecast.models.pooled.lightgbm_forecaster import LightGbm, import_lightgbm

    import_lightgbm()
    return LightGbm(spec, **config.model_dump())
