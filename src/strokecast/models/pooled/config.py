"""Config fields of the pooled forecasters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from strokecast.models.common.config import Config

RefitEvery = Annotated[
    int,
    Field(
        ge=1,
        le=3660,
        description="days; fitted again on all earlier days each time this many have passed; below 7, validation has at "
        "most calibration_origins origins",
    ),
]


class PooledConfig(Config):
    """Settings of the calendar and the level."""

    refit_every: RefitEvery = 91
    transform: Literal["auto", "log", "log1p", "none"] = Field(
        "auto",
        description="of the values; auto: log if all are positive, log1p if some are zero, none if some are negative",
    )
    level: Literal["auto", "last_week", "mean_28", "mean_364"] = Field(
        "mean_28",
        description="mean of the last 7, 28 or 364 days, seasonally adjusted, that forecasts start from; auto: the one "
        "with the smallest error at rolling origins of the last training days",
    )
    seasons: Literal["auto"] | bool = Field(
        "auto",
        description="effects that repeat every year; auto: if they lower the error at these origins",
    )
