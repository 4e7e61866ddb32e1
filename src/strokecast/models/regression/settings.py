"""Keys that the configs of regressions on the last days share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from strokecast.models.common.config import Config, Weeks

Penalty = Annotated[
    float | None,
    Field(gt=0, le=1000, description="penalty on squared weights, a window; null: chosen on validation"),
]


class Regression(Config):
    """What each reads."""

    lags: int | None = Field(14, ge=1, description="last days it reads; null: the whole window")
    weeks: Weeks = (4, 8)


class Boosting(Regression):
    """How trees are grown."""

    trees: int = Field(100, ge=1, le=10000, description="on top of each other, a day ahead")
    depth: int = Field(4, ge=1, le=8, description="questions from a tree's root to a leaf")
    learning_rate: float = Field(0.1, gt=0, le=1, description="share of each tree that counts")
    subsample: float = Field(0.5, gt=0, le=1, description="share of the windows that each tree sees")
    max_features: float = Field(0.3, gt=0, le=1, description="share of the features a split chooses among")
    loss: Literal["squared_error", "absolute_error", "huber"] = Field(
        "huber", description="what is made small"
    )
