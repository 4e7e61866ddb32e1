"""Sections `features` and `preprocess` of `params.yaml`: how TFRecords are made, and on which runner."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import AUTO, Day, Ints, Names, Share, Strict, Words, ascending, to_tuple

_COUNTRIES = {"births": "US", "cta": "US"}  # source of a series → country of its public holidays
CalendarKind = Literal["weekday", "month", "year", "day_type", "trend"]
_MAX_BUCKETS = 64  # each has files of its own in every split, and a graph of its own in every network
_MAX_POINTS = 100_000  # of a padded drawing: 1.2 MB per drawing in every batch
Boundaries = Annotated[
    tuple[Annotated[int, Field(ge=2, le=_MAX_POINTS)], ...],
    BeforeValidator(to_tuple),
    Field(min_length=1),
]


class ClassifyFeatures(Strict):
    """TFRecords of strokes for classifiers, padded by length bucket."""

    bucket_boundaries: Literal["auto"] | Boundaries = Field(
        "auto",
        description="points, rising, or auto: about five, chosen from the training lengths to pad least; a drawing is "
        "padded to the smallest boundary that holds it and cropped at the last one",
    )
    shard_megabytes: int = Field(
        200, ge=1, description="MB; the records of a bucket are split into files of at most this size"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.bucket_boundaries != "auto":
            ascending(self.bucket_boundaries, "bucket_boundaries")
            if (count := len(self.bucket_boundaries)) > _MAX_BUCKETS:
                raise PydanticCustomError(
                    "buckets",
                    "bucket_boundaries should be at most {most} numbers, not {count}",
                    {"most": _MAX_BUCKETS, "count": count},
                )
        return self


class DrawFeatures(ClassifyFeatures):
    """TFRecords of strokes for generators, padded by length bucket."""

    bucket_boundaries: Literal["auto"] | Boundaries = Field(
        "auto",
        description="points, rising, or auto: about five, chosen from the training lengths to pad least; a drawing is "
        "padded to the smallest boundary that holds it and left out if it is longer than the last one",
    )


class WatchFeatures(Strict):
    """TFRecords of drawings rendered as videos."""

    frames: int = Field(8, ge=1, le=256, description="frames per video; the last is the finished drawing")
    height: int = Field(28, ge=8, le=256, description="height of a frame in pixels")
    width: int = Field(28, ge=8, le=256, description="width of a frame in pixels")
    pen: float = Field(1.5, gt=0, le=4, description="width of the drawn lines in pixels")
    by: Literal["ink", "time"] = Field(
        "ink", description="what frames divide equally: the ink, or the drawing time if the source records it"
    )
    steps_per_frame: int = Field(16, ge=1, le=256, description="steps of the pen track per frame")
    shard_megabytes: int = Field(
        200, ge=1, description="MB; records are split into files of at most this size"
    )


class ForecastFeatures(Strict):
    """Windows of a daily series, split by time first."""

    input_size: int = Field(56, ge=1, le=3660, description="days of the past that a network reads")
    horizon: int = Field(7, ge=1, le=365, description="days to forecast")
    valid_from: Day | Share = Field(
        0.8, description="first validation day: YYYY-MM-DD, or a share of the days"
    )
    test_from: Day | Share = Field(0.9, description="first test day: YYYY-MM-DD, or a share of the days")
    embargo: int = Field(
        0,
        ge=0,
        le=3660,
        description="gap in days between the last training target and the first validation day",
    )
    targets: Names = Field(
        ("y",),
        min_length=1,
        description="columns to forecast; metrics are computed on the first, the others are learned with it",
    )
    past_covariates: Names = Field((), description="further columns, read as past values only")
    series: Literal["one", "all"] = Field(
        "one",
        description="one series, or all series of a file: one global model, each series with its own scaling",
    )
    series_id: bool = Field(
        False, description="with series: all, the model reads which series a window is from"
    )
    calendar: Annotated[tuple[CalendarKind, ...], BeforeValidator(to_tuple)] = Field(
        ("weekday", "year"),
        description="calendar features of past and future days; year: Fourier terms of the day of the year",
    )
    holiday_country: str | None = Field(
        "auto",
        pattern=r"^(auto|[A-Z]{2,3}(-[A-Z0-9]+)?)$",
        description="country or region whose public holidays are features, e.g. US or US-IL; auto: US with the sources "
        "births and cta, none with csv; null: no holidays",
    )
    holiday_window: Literal["auto"] | Annotated[int, Field(ge=0, le=14)] = Field(
        "auto",
        description="days before and after each holiday that have a flag of their own; 0: none; auto: see lags",
    )
    bridge_days: Literal["auto"] | bool = Field(
        "auto",
        description="working days between a holiday and a weekend have a flag; auto: see lags",
    )
    lags: Literal["auto"] | Ints = Field(
        "auto",
        description="days, each at least the horizon; the first target that many days earlier is a feature; auto: 364 "
        "days with births and cta, with csv chosen on the training days, as levels, holiday_window and bridge_days are",
    )
    levels: (
        Literal["auto"]
        | Annotated[tuple[Annotated[int, Field(ge=2, le=3660)], ...], BeforeValidator(to_tuple)]
    ) = Field(
        "auto",
        description="days; the mean of the first target over that many days, up to a horizon before each day, is a "
        "feature; auto: none with births and cta, with csv see lags",
    )
    lag_calendar: bool = Field(
        False,
        description="holidays and day types of the days that lags and difference refer to are features as well",
    )
    transform: Literal["none", "log", "log1p", "boxcox"] = Field(
        "none",
        description="applied to targets and past_covariates, fitted on the training days, inverted on forecasts",
    )
    scale: float | None = Field(
        None,
        ge=1e-9,
        le=1e100,
        description="transformed values are divided by it; null: standardized with mean and std of the training days",
    )
    difference: int | None = Field(
        None,
        ge=1,
        description="days, at least the horizon: forecast the change since that many days earlier; null: the value",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if type(self.valid_from) is type(self.test_from) and not self.valid_from < self.test_from:  # type: ignore[operator]
            raise PydanticCustomError(
                "order",
                "valid_from ({valid_from}) should come before test_from ({test_from})",
                {"valid_from": self.valid_from, "test_from": self.test_from},
            )
        lags = () if isinstance(self.lags, str) else self.lags
        for name, days in (*(("lags", lag) for lag in lags), ("difference", self.difference)):
            if days is not None and days < self.horizon:
                raise PydanticCustomError(
                    "unknown_lag",
                    "{name} should be at least the horizon ({horizon}): the value {days} days before a forecast day "
                    "is not known yet",
                    {"name": name, "horizon": self.horizon, "days": days},
                )
        if self.holiday_window not in (0, AUTO) and not self.holiday_country:
            raise PydanticCustomError(
                "holiday_window", "holiday_window should be 0 without a holiday_country"
            )
        if self.bridge_days is True and not self.holiday_country:
            raise PydanticCustomError("bridge_days", "bridge_days should be false without a holiday_country")
        if self.lag_calendar and not (self.lags or self.difference):
            raise PydanticCustomError(
                "lag_calendar", "lag_calendar should be false without lags and difference"
            )
        if self.lag_calendar and not (self.holiday_country or "day_type" in self.calendar):
            raise PydanticCustomError(
                "lag_calendar", "lag_calendar should be false without holiday_country and day_type"
            )
        if self.series_id and self.series == "one":
            raise PydanticCustomError("series_id", "series_id should be false with series: one")
        columns = [*self.targets, *self.past_covariates]
        for name, values in (("columns", columns), ("lags", lags), ("calendar", self.calendar)):
            repeated = [value for value in values if list(values).count(value) > 1]
            if repeated:
                listed = "targets and past_covariates" if name == "columns" else name
                raise PydanticCustomError(
                    "duplicate",
                    "{name} should be distinct, {value} is repeated",
                    {"name": listed, "value": repr(repeated[0])},
                )
        return self

    @property
    def reach(self) -> int:
        """Days before the window that lags, levels and differences refer to; `auto` refers to none."""
        lags = () if isinstance(self.lags, str) else self.lags
        levels = () if isinstance(self.levels, str) else self.levels
        days = [*lags, *(n_days + self.horizon - 1 for n_days in levels), self.difference or 0]
        return max(days, default=0)

    def for_source(self, source: str) -> Self:
        """The settings with the values that `auto` stands for, except those that are chosen on the training days.

        Args:
            source: `series.source`.
        """
        values: dict[str, Any] = {"holiday_country": _COUNTRIES.get(source)}
        if source in _COUNTRIES:
            values |= {"lags": (364,), "levels": (), "holiday_window": 0, "bridge_days": False}
        known = {key: value for key, value in values.items() if getattr(self, key) == AUTO}
        settings = self.model_copy(update=known)
        if settings.holiday_country:
            return settings
        none = {"holiday_window": 0, "bridge_days": False}
        return settings.model_copy(
            update={key: value for key, value in none.items() if getattr(settings, key) == AUTO}
        )


class Features(Strict):
    """From accepted rows to TFRecords."""

    classify: ClassifyFeatures = Field(ClassifyFeatures(), description="for classify")
    watch: WatchFeatures = Field(WatchFeatures(), description="for watch")
    draw: DrawFeatures = Field(DrawFeatures(), description="for draw")
    forecast: ForecastFeatures = Field(ForecastFeatures(), description="for forecast")


class Preprocess(Strict):
    """Where drawings are encoded; every runner writes the same bytes."""

    runner: Literal["local", "beam"] = Field(
        "local", description="local: processes on this machine; beam: Apache Beam (extra `beam`)"
    )
    workers: int | None = Field(
        None, ge=1, le=1024, description="number of processes of the local runner; null: one per CPU"
    )
    beam_options: Words = Field((), description="pipeline options for Beam, e.g. [--runner=FlinkRunner]")
