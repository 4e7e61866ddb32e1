"""MSTL: weekly and yearly season at once; the seasons repeat and exponential smoothing forecasts the trend.

Source: Bandara, Hyndman and Bergmeir, 2021 (MSTL), https://arxiv.org/abs/2107.13462; computed by statsforecast.

Shape legend: n days of history, H days ahead.
Kind: statistical forecaster. Nothing is selected; seasons and trend are estimated on the history before each origin.
When to use it: for comparison, as a forecaster with a yearly season, which needs two years of history.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import Config, Sizes
from strokecast.models.common.registry import register
from strokecast.models.statistical.statsforecast_models import Mstl

_WEEK_AND_YEAR = (7, 365)


class MstlConfig(Config):
    """Settings of `forecast.mstl`."""

    seasons: Literal["auto"] | Annotated[Sizes, Field(min_length=1)] = Field(
        "auto",
        description="season lengths in days, ascending, each 2 or more; auto: 7 and 365, or 7 alone if the training split or "
        "max_history_days has less than two years",
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
        seasons = _WEEK_AND_YEAR[:1] if self.seasons == "auto" else self.seasons
        if list(seasons) != sorted(set(seasons)) or seasons[0] < 2:
            raise PydanticCustomError(
                "seasons", "seasons should be ascending numbers of days, each 2 or more"
            )
        if self.max_history_days is not None and self.max_history_days < 2 * seasons[-1]:
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
    counts = bool(spec.get("counts", False))
    if config.seasons != "auto":
        return Mstl(config.seasons, config.jump, config.max_history_days, counts)
    days = min(one["splits"]["train"]["days"] for one in spec.get("series", {"": spec}).values())
    if config.max_history_days is not None and config.max_history_days < 2 * _WEEK_AND_YEAR[-1]:
        return Mstl(_WEEK_AND_YEAR[:1], config.jump, config.max_history_days, counts)
    if days >= 2 * _WEEK_AND_YEAR[-1]:
        return Mstl(_WEEK_AND_YEAR, config.jump, config.max_history_days, counts)
    weekly = Mstl(_WEEK_AND_YEAR[:1], config.jump, config.max_history_days, counts)
    weekly.remark = f"without a yearly season: {days} training days are less than two years"
    return weekly
