"""Section `evaluation`: how the models of each task are evaluated on the test split."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import Count, Day, Share, Strict, ascending, to_tuple
from strokecast.params.combinations import DEFAULT, Combination, Ensemble
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
    ensembles: dict[str, Ensemble] = Field(
        {}, description="name → weighted mean of classifiers' probabilities, a row of its own; {}: none"
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

    step_size: Count | Literal["horizon"] = Field(
        1,
        description="days from one origin to the next; horizon: windows follow one another without overlap, and the "
        "last one ends with the last day",
    )
    max_origins: int | None = Field(
        40,
        ge=1,
        description="largest number of origins, evenly spaced and the same for all models; null: all",
    )
    mase_season: int = Field(
        7, ge=1, le=3660, description="days; period of the seasonal-naive forecast that scales MASE and RMSSE"
    )
    mase_scale: Literal["train", "history"] = Field(
        "train",
        description="days that MASE and RMSSE are scaled on: the training days, or all days before each origin",
    )
    quantile_levels: Annotated[tuple[Share, ...], BeforeValidator(to_tuple)] = Field(
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        min_length=1,
        description="levels of the mean weighted quantile loss, rising",
    )
    intervals: Literal["adaptive", "static"] = Field(
        "adaptive",
        description="forecast intervals: adaptive: they follow the errors that are known at each origin; static: only the "
        "validation days calibrate them",
    )
    refit_every: int | None = Field(
        None,
        ge=1,
        description="days; fit every model again on all days before an origin if its last fit is at least that old; "
        "null: never, except calendar_ridge and lightgbm, which refit as their own config says",
    )
    refit_every_by_model: dict[str, Count | None] = Field(
        {}, description="refit_every of single models, e.g. {boosted_trees: 150}"
    )
    refit_epochs: int | None = Field(
        2,
        ge=1,
        description="epochs of a network's refit, which starts at the weights of its last fit; null: as many as its "
        "first training needed to its best epoch, from new weights",
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
    published: str | None = Field(
        None,
        description="file of src/strokecast/evaluation/forecast/published with results that others published on the "
        "same windows, shown beside those of this run; null: none",
    )
    combinations: dict[str, Combination] = Field(
        DEFAULT,
        description="name → weighted mean of forecasters, a row of its own; {}: none",
    )
    regimes: Annotated[tuple[Regime, ...], BeforeValidator(to_tuple)] = Field(
        (), description="named spans of first forecast days with metrics of their own"
    )

    @property
    def refits(self) -> bool:
        """Whether any model is fitted again as origins move on."""
        return any(every is not None for every in (self.refit_every, *self.refit_every_by_model.values()))

    @model_validator(mode="after")
    def _check(self) -> Self:
        ascending(self.quantile_levels, "quantile_levels")
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
