"""Section `evaluation`: how models are judged."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import Day, Ints, Share, Strict, ascending, to_tuple
from strokecast.params.draw import DrawEvaluation


class ClassifyEvaluation(Strict):
    """How classifiers are judged on the test split."""

    resamples: int = Field(1000, ge=100, description="bootstrap resamples for the intervals")
    level: Share = Field(0.95, description="level of the intervals")
    seed: int = Field(0, ge=0, description="seed of the bootstrap")
    calibration_bins: int = Field(15, ge=2, description="equal-width bins of the calibration error")
    length_edges: Ints = Field((25, 50, 75, 100), description="points; edges of the groups by length")
    baseline: str | None = Field(
        "logistic",
        description="a model of the same task whose accuracy all others are compared with; null: none",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        ascending(self.length_edges, "length_edges")
        return self


class WatchEvaluation(ClassifyEvaluation):
    """How classifiers of videos are judged: as those of strokes, and on frames in another order."""

    seed: int = Field(0, ge=0, description="seed of the bootstrap and of the frames' shuffled order")
    baseline: str | None = Field(
        "frame_average",
        description="a model of the same task whose accuracy all others are compared with; null: none",
    )


class Regime(Strict):
    """A named span of first forecast days, reported apart."""

    name: str = Field(..., pattern=r"^[A-Za-z0-9_-]+$", description="name in the reports")
    first: Day = Field(..., description="first forecast day from, YYYY-MM-DD")
    last: Day = Field(..., description="first forecast day to, YYYY-MM-DD, inclusive")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.last < self.first:
            raise PydanticCustomError("order", "last should not come before first")
        return self


class ForecastEvaluation(Strict):
    """How forecasters are judged on the test split, from rolling origins."""

    step: int = Field(1, ge=1, description="days from one origin to the next")
    origins: int | None = Field(
        40,
        ge=1,
        description="at most so many of these origins, evenly spaced, the same for all; null: every one",
    )
    refit_every: int | None = Field(
        None,
        ge=1,
        description="days; all models are trained again every so many test days, on all days before; null: never",
    )
    baseline: str | None = Field(
        "seasonal_naive_364",
        description="a model of forecast whose MAE all others are compared with; null: none",
    )
    resamples: int = Field(1000, ge=100, description="block bootstrap resamples for the intervals")
    level: Share = Field(0.95, description="level of the intervals")
    seed: int = Field(0, ge=0, description="seed of the bootstrap")
    block: int = Field(
        28, ge=1, description="days; length of a bootstrap block, since neighbouring origins err alike"
    )
    regimes: Annotated[tuple[Regime, ...], BeforeValidator(to_tuple)] = Field(
        (), description="spans of first forecast days that are also reported apart"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [regime.name for regime in self.regimes]
        if len(set(names)) != len(names):
            raise PydanticCustomError("regimes", "regimes should have distinct names")
        return self


class Evaluation(Strict):
    """How models are judged; the test split is opened here and nowhere else."""

    classify: ClassifyEvaluation = Field(ClassifyEvaluation(), description="for classify")
    watch: WatchEvaluation = Field(WatchEvaluation(), description="for watch")
    draw: DrawEvaluation = Field(DrawEvaluation(), description="for draw")
    forecast: ForecastEvaluation = Field(ForecastEvaluation(), description="for forecast")
