"""Config fields shared by the regressions on lags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from strokecast.common.errors import UserError
from strokecast.models.common.config import Config, Weeks

L2Penalty = Annotated[
    float | None,
    Field(
        gt=0,
        le=1000,
        description="penalty on squared weights, per window; null: chosen on the validation windows",
    ),
]


WEEK = 7  # days


def check_window(input_size: int, lags: int | None, weeks: Sequence[int], location: str) -> None:
    """Check that a window holds the days that lags and means of weekdays read.

    Raises:
        UserError: if the window is shorter.
    """
    for key, days in (("lags", lags or 0), ("weeks", WEEK * max(weeks, default=0))):
        if days > input_size:
            raise UserError(
                f"needs {days} days of past, the window has {input_size}",
                location=f"{location}.{key}",
                fix="use a smaller value, or raise features.forecast.input_size",
            )


class LagRegressorConfig(Config):
    """Features of a regression on lags."""

    lags: int | None = Field(14, ge=1, description="number of last days to read; null: the whole window")
    weeks: Weeks = (4, 8)

    def check_spec(self, spec: Mapping[str, Any], location: str) -> None:
        """Check that the window (`input_size`) of the data is long enough; see `check_window`."""
        check_window(int(spec["input_size"]), self.lags, self.weeks, f"{location}.config")


class BoostingConfig(LagRegressorConfig):
    """Features and gradient boosting."""

    trees: int = Field(100, ge=1, le=10000, description="boosting stages, per day ahead")
    depth: int = Field(4, ge=1, le=8, description="maximum depth of each tree")
    learning_rate: float = Field(0.1, gt=0, le=1, description="factor of each tree's contribution")
    subsample: float = Field(0.5, gt=0, le=1, description="share of the windows that each tree is fitted on")
    max_features: float = Field(0.3, gt=0, le=1, description="share of the features considered at each split")
    loss: Literal["squared_error", "absolute_error", "huber"] = Field("huber", description="training loss")
