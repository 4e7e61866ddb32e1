"""Section `quality`: the validation rules. One field per rule, plus the thresholds that the rules use."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.common.limits import LARGEST_MOVE
from strokecast.params.base import AUTO, Action, Day, Rejection, Share, Strict


class SketchQuality(Strict):
    """Rules for drawings. Each rule's action is `stop`, `quarantine` (reject the drawing, with its reason) or `warn`."""

    min_points: int = Field(2, ge=1, description="points; shorter drawings fail `too_short`")
    max_points: int = Field(1000, ge=2, description="points; longer drawings fail `too_long`")
    max_delta: float = Field(
        4000.0, gt=0, le=LARGEST_MOVE, description="source units; a larger |dx| or |dy| fails `huge_delta`"
    )
    max_imbalance: float = Field(
        20.0, ge=1, description="size of the largest class over the smallest, on train"
    )
    drift_alpha: Share = Field(0.01, description="false discovery rate of the drift tests")
    drift_distance: float = Field(
        0.2,
        ge=0,
        le=1,
        description="KS distance or Cramer's V; a larger, significant difference fails `drift`",
    )
    max_quarantined: float = Field(
        0.05, ge=0, le=1, description="share of all drawings; the pipeline stops above it"
    )
    empty: Rejection = Field("quarantine", description="a drawing without points")
    too_short: Action = Field("quarantine", description="fewer points than min_points")
    too_long: Action = Field("quarantine", description="more points than max_points")
    non_finite: Rejection = Field("quarantine", description="NaN or infinite values")
    huge_delta: Action = Field("quarantine", description="|dx| or |dy| above max_delta")
    bad_pen: Action = Field("quarantine", description="pen_lift other than 0 or 1")
    open_end: Action = Field("quarantine", description="the last point does not lift the pen")
    duplicate: Action = Field("quarantine", description="same points as an earlier drawing in the same split")
    duplicate_across: Action = Field(
        "quarantine", description="same points as a drawing in an earlier split (train, valid, test)"
    )
    unreadable: Rejection = Field(
        "quarantine", description="a line or record that cannot be read as a drawing"
    )
    duplicate_key: Rejection = Field(
        "quarantine", description="the key_id of an earlier line or file (drop_duplicates of the source)"
    )
    unknown_class: Rejection = Field("stop", description="a label that the source does not list")
    imbalance: Literal["stop", "warn"] = Field(
        "warn", description="class sizes differ by more than max_imbalance"
    )
    missing_class: Literal["stop", "warn"] = Field(
        "stop", description="a class without drawings in some split"
    )
    drift: Literal["stop", "warn"] = Field(
        "warn", description="the distribution of a feature differs between splits or from the reference"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.max_points < self.min_points:
            raise PydanticCustomError(
                "points",
                "max_points ({most}) should be at least min_points ({fewest})",
                {"most": self.max_points, "fewest": self.min_points},
            )
        return self


class SeriesQuality(Strict):
    """Rules for daily series. Each rule's action is `stop`, `quarantine` (reject the row, with its reason) or `warn`."""

    start: Day | None = Field(
        None, description="first day to use, YYYY-MM-DD; null: the first day of the data"
    )
    end: Day | None = Field(None, description="last day to use, YYYY-MM-DD; null: the last day of the data")
    today: Day | None = Field(None, description="later days fail `future_date`; null: the day of the run")
    max_gap: int = Field(
        0,
        ge=0,
        le=28,
        description="days; gaps up to this length are filled with the value of one week earlier; in the first week, later",
    )
    partial_share: Share = Field(
        0.5,
        description="share of what the weekday implies; a first or last day below it fails `partial_day`",
    )
    zero_days: int = Field(3, ge=1, description="days; a longer run of zeros fails `zero_run`")
    constant_days: int = Field(
        4, ge=1, description="days; a longer run of one nonzero value fails `constant_run`"
    )
    outlier_mads: float = Field(
        8.0, gt=0, description="scaled MADs from the same weekday's median; a larger distance fails `outlier`"
    )
    level_ratio: float = Field(
        1.25,
        gt=1,
        description="factor; a four-week median beyond it against the year before fails `level_shift`",
    )
    drift_alpha: Share = Field(0.01, description="false discovery rate of the drift tests")
    drift_distance: float = Field(
        0.3, ge=0, le=1, description="KS distance; a larger, significant difference fails `drift`"
    )
    bad_date: Rejection = Field("stop", description="a date that does not match the format")
    ambiguous_date: Literal["stop", "warn"] = Field(
        "warn",
        description="all dates are valid with day and month swapped too (with date_format auto: always stop)",
    )
    non_numeric: Rejection = Field("stop", description="a value that is not a finite number")
    thousands_mark: Rejection = Field(
        "stop", description="a number with a thousands separator other than series.csv.thousands"
    )
    exact_duplicate: Rejection = Field("quarantine", description="the same date and value as an earlier row")
    conflicting_date: Literal["stop"] = Field("stop", description="a date with two values")
    negative: Literal["auto", "stop", "quarantine", "warn"] = Field(
        AUTO, description="a value below 0; auto: stop for births and cta, which are counts, and warn for csv"
    )
    future_date: Action = Field("stop", description="a date after today")
    total_mismatch: Action = Field("stop", description="a total that differs from the sum of its parts")
    day_type: Action = Field("warn", description="a weekday that contradicts the row's day type")
    unsorted: Literal["stop", "warn"] = Field("warn", description="dates out of order (they are sorted)")
    frequency: Literal["stop"] = Field("stop", description="rows that are mostly more than one day apart")
    zero_run: Action = Field("warn", description="more than zero_days zeros in a row")
    constant_run: Action = Field(
        "warn", description="the same nonzero value on more than constant_days days in a row"
    )
    outlier: Action = Field(
        "warn", description="a value far from the median of the same weekday in the surrounding weeks"
    )
    short_day: Action = Field("warn", description="a day with fewer timestamps than expected")
    dst_day: Literal["stop", "warn"] = Field(
        "warn", description="a local day of 23 or 25 hours (timestamps with a timezone)"
    )
    partial_day: Action = Field(
        "quarantine",
        description="an incomplete first or last day: timestamps that begin late or end early, or a value far below that "
        "of its weekday",
    )
    gap: Literal["stop"] = Field("stop", description="missing days beyond max_gap")
    level_shift: Literal["stop", "warn"] = Field(
        "warn", description="the level changed by more than level_ratio"
    )
    split_shift: Literal["stop", "warn"] = Field(
        "warn", description="validation or test differ from the training days by more than level_ratio"
    )
    drift: Literal["stop", "warn"] = Field(
        "warn", description="the distribution of a feature differs between splits or from the reference"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.start is not None and self.end is not None and self.start > self.end:
            raise PydanticCustomError(
                "span",
                "start ({start}) should not be after end ({end})",
                {"start": self.start, "end": self.end},
            )
        return self

    def for_source(self, source: str) -> Self:
        """The settings with the values that `auto` stands for.

        Args:
            source: `series.source`.
        """
        if self.negative != AUTO:
            return self
        return self.model_copy(update={"negative": "warn" if source == "csv" else "stop"})


class Quality(Strict):
    """Validation rules: which rows are accepted, quarantined, or stop the pipeline."""

    sketches: SketchQuality = Field(SketchQuality(), description="rules for drawings")
    series: SeriesQuality = Field(SeriesQuality(), description="rules for series")
    reference: str | None = Field(
        None,
        min_length=1,
        description="path of an earlier report.json, or `champion` for that of the data which the promoted model was trained "
        "on; its profile is compared with the new data; null: no comparison",
    )
