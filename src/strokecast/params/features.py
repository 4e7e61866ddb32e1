"""Sections `features` and `preprocess`: how records are made, and where."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import Day, Ints, Share, Strict, Words, ascending, to_tuple

CalendarKind = Literal["weekday", "month", "year", "day_type", "trend"]


class ClassifyFeatures(Strict):
    """Padded records of strokes."""

    bounds: Ints = Field(
        (32, 48, 64, 96, 200),
        min_length=1,
        description="points; a drawing is padded to the smallest bound that holds it, cropped at the last",
    )
    shard_megabytes: int = Field(
        200, ge=1, description="MB; a bucket's records are split into files of this size"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        ascending(self.bounds, "bounds")
        if self.bounds[0] < 2:
            raise PydanticCustomError("bounds", "bounds should start at 2 or more")
        return self


class DrawFeatures(ClassifyFeatures):
    """Padded records of strokes for networks that draw."""

    bounds: Ints = Field(
        (32, 48, 64, 96, 200),
        min_length=1,
        description="points; a drawing is padded to the smallest bound that holds it, left out beyond the last",
    )


class WatchFeatures(Strict):
    """Records of videos of drawings."""

    frames: int = Field(12, ge=1, le=256, description="frames of a video; the last is the finished drawing")
    height: int = Field(28, ge=8, le=256, description="pixels of a frame from top to bottom")
    width: int = Field(28, ge=8, le=256, description="pixels of a frame from left to right")
    pen: float = Field(1.5, gt=0, le=4, description="pixels; width of the drawn lines")
    by: Literal["ink", "time"] = Field(
        "ink", description="frames show equal shares of the ink, or of the time, where the source has it"
    )
    steps_per_frame: int = Field(16, ge=1, le=256, description="steps of the pen's track beside each frame")
    shard_megabytes: int = Field(200, ge=1, description="MB; records are split into files of this size")


class ForecastFeatures(Strict):
    """Windows of a daily series, split by time first."""

    window: int = Field(56, ge=1, le=3660, description="days of past that a network reads")
    horizon: int = Field(7, ge=1, le=365, description="days to forecast")
    valid_from: Day | Share = Field(
        0.8, description="first day of validation: YYYY-MM-DD, or share of the days"
    )
    test_from: Day | Share = Field(0.9, description="first day of test: YYYY-MM-DD, or share of the days")
    embargo: int = Field(
        0, ge=0, le=3660, description="days; no training window forecasts the last ones before validation"
    )
    targets: Words = Field(
        ("y",),
        min_length=1,
        description="columns to forecast; the first is judged, the others are learned with it",
    )
    covariates: Words = Field((), description="further columns of the series, read as past values alone")
    series: Literal["one", "all"] = Field(
        "one",
        description="one, or all series of a file with several: one model learns them, each scaled by itself",
    )
    series_id: bool = Field(False, description="with series: all, the model is told which series it reads")
    calendar: Annotated[tuple[CalendarKind, ...], BeforeValidator(to_tuple)] = Field(
        ("weekday", "year"),
        description="known of each day, past and to come; year: smooth terms of the time of year",
    )
    country: str | None = Field(
        "US",
        pattern=r"^[A-Z]{2,3}(-[A-Z0-9]+)?$",
        description="its public holidays are known, too, e.g. US or US-IL; null: none",
    )
    holiday_days: int = Field(
        0,
        ge=0,
        le=14,
        description="days before and after each holiday that have a flag of their own for it; 0: none",
    )
    lags: Ints = Field(
        (364,),
        description="days, horizon or more each; the first target so long before a day is known of that day",
    )
    lag_calendar: bool = Field(
        False,
        description="also known: the holidays and the day type of the days that lags and difference look back to",
    )
    transform: Literal["none", "log", "log1p", "boxcox"] = Field(
        "none", description="of targets and covariates, fitted on the training days and inverted in the end"
    )
    scale: float | None = Field(
        None,
        gt=0,
        description="what transformed values are divided by; null: they get mean 0 and std 1 on the training days",
    )
    difference: int | None = Field(
        None,
        ge=1,
        description="days, horizon or more; forecast the change against so long before; null: the value",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if type(self.valid_from) is type(self.test_from) and not self.valid_from < self.test_from:  # type: ignore[operator]
            raise PydanticCustomError("order", "valid_from should come before test_from")
        for name, days in (*(("lags", lag) for lag in self.lags), ("difference", self.difference)):
            if days is not None and days < self.horizon:
                raise PydanticCustomError(
                    "known",
                    "{name} should be at least the horizon ({horizon}): {days} days before a forecast day is not known "
                    "yet",
                    {"name": name, "horizon": self.horizon, "days": days},
                )
        if self.holiday_days and not self.country:
            raise PydanticCustomError("country", "holiday_days should be 0 where no country is named")
        if self.lag_calendar and not (self.lags or self.difference):
            raise PydanticCustomError(
                "lagged", "lag_calendar should be false where there are neither lags nor difference"
            )
        if self.lag_calendar and not (self.country or "day_type" in self.calendar):
            raise PydanticCustomError(
                "lagged", "lag_calendar should be false where neither country nor day_type is known"
            )
        if self.series_id and self.series == "one":
            raise PydanticCustomError("series_id", "series_id goes with series: all")
        named = [*self.targets, *self.covariates]
        for name, listed in (("columns", named), ("lags", self.lags), ("calendar", self.calendar)):
            if len(set(listed)) != len(listed):
                raise PydanticCustomError("twice", "{name} should be named once each", {"name": name})
        return self


class Features(Strict):
    """From accepted rows to TFRecords."""

    classify: ClassifyFeatures = Field(ClassifyFeatures(), description="for classify")
    watch: WatchFeatures = Field(WatchFeatures(), description="for watch")
    draw: DrawFeatures = Field(DrawFeatures(), description="for draw")
    forecast: ForecastFeatures = Field(ForecastFeatures(), description="for forecast")


class Preprocess(Strict):
    """Where drawings are turned into records; the result is the same everywhere."""

    runner: Literal["local", "beam"] = Field(
        "local", description="local: processes of this machine; beam: Apache Beam (extra `beam`)"
    )
    workers: int | None = Field(None, ge=1, le=1024, description="local: processes; null: one a processor")
    beam_options: Words = Field((), description="Beam's pipeline options, e.g. [--runner=FlinkRunner]")
