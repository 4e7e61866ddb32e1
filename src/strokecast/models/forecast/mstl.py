"""Several seasons at once, a week and a year: each repeats, and the trend goes on by exponential smoothing.

Source: Bandara, Hyndman and Bergmeir, 2021 (MSTL), https://arxiv.org/abs/2107.13462; computed by statsforecast.

Shape legend: n days of history, H days ahead.
Kind: a rule; nothing is found, seasons and trend are taken apart on the history at hand.
When to use it: as a peer that knows the time of the year, where two years of history are at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import Config, Sizes
from strokecast.models.common.registry import register
from strokecast.models.statistical.classical import Mstl


class MstlConfig(Config):
    """Settings of `forecast.mstl`."""

    seasons: Sizes = Field((7, 365), min_length=1, description="days of each season, rising from 2")
    jump: int = Field(
        7, ge=1, le=365, description="days between the points of the trend's curve; 1: all, 3 times as slow"
    )
    history: int | None = Field(
        1461, ge=4, description="days it looks back, two of the longest season or more; null: all there are"
    )

    @model_validator(mode="after")
    def _check_seasons(self) -> Self:
        if list(self.seasons) != sorted(set(self.seasons)) or self.seasons[0] < 2:
            raise PydanticCustomError("seasons", "seasons should be rising numbers of days, 2 or more")
        if self.history is not None and self.history < 2 * self.seasons[-1]:
            raise PydanticCustomError("history", "history should hold two of the longest season")
        return self


@register(
    "forecast",
    "mstl",
    MstlConfig,
    testing=MstlConfig(seasons=(7, 28), jump=1, history=70),
    kind="rule",
    needs=("statsforecast",),
)
def build(config: MstlConfig, spec: Mapping[str, Any]) -> Mstl:
    """values [n] → the next days [H], in the series' own unit."""
    return Mstl(config.seasons, config.jump, config.history, bool(spec.get("counts", False)))
