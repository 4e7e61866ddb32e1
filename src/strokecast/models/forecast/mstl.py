"""MSTL: weekly and yearly season at once; the seasons repeat and exponential smoothing forecasts the trend.

Source: Bandara, Hyndman and Bergmeir, 2021 (MSTL), https://arxiv.org/abs/2107.13462; computed by statsforecast.

Shape legend: n days of history, H days ahead.
Kind: statistical forecaster. Nothing is selected; seasons and trend are estimated on the history before each origin.
When to use it: for comparison, as a forecaster with a yearly season. It needs two years of history.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import Config, Sizes
from strokecast.models.common.registry import register
from strokecast.models.statistical.statsforecast_models import Mstl


class MstlConfig(Config):
    """Settings of `forecast.mstl`."""

    seasons: Sizes = Field(
        (7, 365), min_length=1, description="season lengths in days, ascending, each 2 or more"
    )
    jump: int = Field(
        7,
        ge=1,
        le=365,
        description="days between the LOESS points of the trend; 1: every day, 3 times as slow",
    )
    max_history_days: int | None = Field(
        1461, ge=4, description="days of history used, at least twice the longest season; null: all"
    )

    @model_validator(mode="after")
    def _check_seasons(self) -> Self:
        if list(self.seasons) != sorted(set(self.seasons)) or self.seasons[0] < 2:
            raise PydanticCustomError(
                "seasons", "seasons should be ascending numbers of days, each 2 or more"
            )
        if self.max_history_days is not None and self.max_history_days < 2 * self.seasons[-1]:
            raise PydanticCustomError(
                "max_history_days", "max_history_days should be at least twice the longest season"
            )
        return self


@register(
    "forecast",
    "mstl",
    MstlConfig,
    testing=MstlConfig(seasons=(7, 28), jump=1, max_history_days=70),
    kind="rule",
    requirements=("statsforecast",),
)
def build(config: MstlConfig, spec: Mapping[str, Any]) -> Mstl:
    """values [n] → forecasts [H], in the series' own unit."""
    return Mstl(config.seasons, config.jump, config.max_history_days, bool(spec.get("counts", False)))
