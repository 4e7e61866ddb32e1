"""Section `evaluation`: how the models of each task are evaluated on the test split."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import Count, Day, Share, Strict, ascending, to_tuple
from strokecast.params.draw import DrawEvaluation


class ClassifyEvaluation(Strict):
    """How classifiers are evaluated on the test split."""

    resamples: int = Field(1000, ge=100, le=1_000_000, description="bootstrap resamples for the intervals")
    level: Share = Field(0.95, description="confidence level of the intervals")
    seed: int = Field(0, ge=0, description="seed of the bootstrap")
    calibration_bins: int = Field(15, ge=2, le=1000, description="equal-width bins of the calibration error")
    length_edges: Annotated[tuple[Count, ...], BeforeValidator(to_tuple)] = Field(
        (25, 50, 75, 100), description="points; accuracy is also reported for drawings up to each edge"
    )
    baseline: str | None = Field(
        "logistic",
        description="model of the same task whose accuracy all others are compared with; null: none",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        ascending(self.length_edges, "length_edges")
        return self


class WatchEvaluation(ClassifyEvaluation):
    """How classifiers of videos are evaluated: like those of strokes, and on reordered frames."""

    seed: int = Field(0, ge=0, description="seed of the bootstrap and of the shuffled frame order")
    baseline: str | None = Field(
        "frame_average",
        description="model of the same task whose accuracy all others are compared with; null: none",
    )


class Regime(Strict):
    """A named span of first forecast days with metrics of its own."""

    name: str = Field(
        ..., pattern=r"^[A-Za-z0-9_-]+$", description="name in the reports: letters, digits, - and _"
    )
    first: Day = Field(..., description="first forecast day from, YYYY-MM-DD")
    last: Day = Field(..., description="first forecast day to, YYYY-MM-DD, inclusive")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.last < self.first:
            raise PydanticCustomError(
                "order",
                "last ({last}) should not come before first ({first})",
                {"first": self.first, "last": self.last},
            )
        return self


class ForecastEvaluation(Strict):
    """How forecasters are evaluated from rolling origins of the test split."""

    step_size: int = Field(1, ge=1, description="days from one origin to the next")
    max_origins: int | None = Field(
        40,
        ge=1,
        description="largest number of origins, evenly spaced and the same for all models; null: all",
    )
    refit_every: int | None = Field(
        None,
        ge=1,
        description="days; refit every model on all earlier days each time this many test days have passed; "
        "null: never",
    )
    baseline: str | None = Field(
        "seasonal_naive_364",
        description="model of forecast whose MAE all others are compared with; null: none",
    )
    resamples: int = Field(
        1000, ge=100, le=1_000_000, description="block bootstrap resamples for the intervals"
    )
    level: Share = Field(0.95, description="confidence level of the intervals")
    seed: int = Field(0, ge=0, description="seed of the bootstrap")
    block_days: int = Field(
        28,
        ge=1,
        description="days; length of a bootstrap block, because errors of neighbouring origins are correlated",
    )
    regimes: Annotated[tuple[Regime, ...], BeforeValidator(to_tuple)] = Field(
        (), description="named spans of first forecast days with metrics of their own"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [regime.name for regime in self.regimes]
        if "all" in names:
            raise PydanticCustomError(
                "regimes", "regimes should not be named all, as all test days together are"
            )
        for name in names:
            if names.count(name) > 1:
                raise PydanticCustomError(
                    "regimes", "regimes should have distinct names, {name} is repeated", {"name": repr(name)}
                )
        return self


class Evaluation(Strict):
    """How models are evaluated. Only evaluation opens the test split."""

    classify: ClassifyEvaluation = Field(ClassifyEvaluation(), description="for classify")
    watch: WatchEvaluation = Field(WatchEvaluation(), description="for watch")
    draw: DrawEvaluation = Field(DrawEvaluation(), description="for draw")
    forecast: ForecastEvaluation = Field(ForecastEvaluation(), description="for forecast")
