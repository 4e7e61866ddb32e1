"""Config fields shared by the regressions on lags."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from strokecast.models.common.config import Config, Weeks

L2Penalty = Annotated[
    float | None,
    Field(
        gt=0,
        le=1000,
        description="penalty on squared weights, per window; null: chosen on the validation windows",
    ),
]


class LagRegressorConfig(Config):
    """Features of a regression on lags."""

    lags: int | None = Field(14, ge=1, description="number of last days to read; null: the whole window")
    weeks: Weeks = (4, 8)


class BoostingConfig(LagRegressorConfig):
    """Features and gradient boosting."""

    trees: int = Field(100, ge=1, le=10000, description="boosting stages, per day ahead")
    depth: int = Field(4, ge=1, le=8, description="maximum depth of each tree")
    learning_rate: float = Field(0.1, gt=0, le=1, description="factor of each tree's contribution")
    subsample: float = Field(0.5, gt=0, le=1, description="share of the windows that each tree is fitted on")
    max_features: float = Field(0.3, gt=0, le=1, description="share of the features considered at each split")
    loss: Literal["squared_error", "absolute_error", "huber"] = Field("huber", description="training loss")
