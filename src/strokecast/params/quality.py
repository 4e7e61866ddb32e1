"""Section `quality`: what is accepted. One field a rule, and the numbers that rules go by."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import Action, Day, Rejection, Share, Strict


class SketchQuality(Strict):
    """Rules for drawings. An action is `stop`, `quarantine` (the row is set aside) or `warn`."""

    min_points: int = Field(2, ge=1, description="points; shorter drawings break `too_short`")
    max_points: int = Field(1000, ge=2, description="points; longer drawings break `too_long`")
    max_delta: float = Field(
        4000.0, gt=0, description="source units; a larger |dx| or |dy| breaks `huge_delta`"
    )
    max_imbalance: float = Field(20.0, ge=1, description="largest class over smallest, on train")
    drift_alpha: Share = Field(0.01, description="false discovery rate of the drift tests")
    drift_distance: float = Field(
        0.2, ge=0, le=1, description="KS distance or Cramer's V; significant and beyond it breaks `drift`"
    )
    max_quarantined: float = Field(
        0.05, ge=0, le=1, description="share of all drawings; above it the pipeline stops"
    )
    empty: Rejection = Field("quarantine", description="a drawing without a point")
    too_short: Action = Field("quarantine", description="fewer than min_points")
    too_long: Action = Field("quarantine", description="more than max_points")
    non_finite: Rejection = Field("quarantine", description="NaN or infinite values")
    huge_delta: Action = Field("quarantine", description="|dx| or |dy| above max_delta")
    bad_pen: Action = Field("quarantine", description="pen_lift other than 0 or 1")
    open_end: Action = Field("quarantine", description="the last point lifts no pen")
    duplicate: Action = Field("quarantine", description="same points as an earlier drawing of its split")
    duplicate_across: Action = Field(
        "quarantine", description="same points as a drawing of an earlier split (train, valid, test)"
    )
    unreadable: Rejection = Field("quarantine", description="a line or record that gives no drawing")
    duplicate_key: Rejection = Field(
        "quarantine", description="a key_id that stood further up (drop_duplicates of the source)"
    )
    unknown_class: Rejection = Field("stop", description="a label that the source does not name")
    imbalance: Literal["stop", "warn"] = Field(
        "warn", description="classes out of balance beyond max_imbalance"
    )
    missing_class: Literal["stop", "warn"] = Field(
        "stop", description="a class without a drawing in some split"
    )
    drift: Literal["stop", "warn"] = Field("warn", description="a feature's distribution moved")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.max_points < self.min_points:
            raise PydanticCustomError("points", "max_points should be min_points or more")
        return self


class SeriesQuality(Strict):
    """Rules for daily series. An action is `stop`, `quarantine` (the row is set aside) or `warn`."""

    start: Day | None = Field(None, description="first day to use, YYYY-MM-DD; null: the first one there is")
    end: Day | None = Field(None, description="last day to use, YYYY-MM-DD; null: the last one there is")
    today: Day | None = Field(None, description="later days break `future_date`; null: the day it runs on")
    max_gap: int = Field(0, ge=0, le=28, description="days; gaps up to this are filled from the same weekday")
    zero_days: int = Field(3, ge=1, description="days; a longer run of zeros breaks `zero_run`")
    constant_days: int = Field(
        4, ge=1, description="days; a longer run of one value, not 0, breaks `constant_run`"
    )
    outlier_mads: float = Field(
        8.0, gt=0, description="scaled MADs from the same weekday's median; further breaks `outlier`"
    )
    level_ratio: float = Field(
        1.25, gt=1, description="factor; four weeks beyond it against the year before break `level_shift`"
    )
    drift_alpha: Share = Field(0.01, description="false discovery rate of the drift tests")
    drift_distance: float = Field(
        0.3, ge=0, le=1, description="KS distance; significant and beyond it breaks `drift`"
    )
    bad_date: Rejection = Field("stop", description="a date that does not fit the format")
    ambiguous_date: Literal["stop", "warn"] = Field(
        "warn", description="day and month could be swapped in all rows (date_format auto: always stops)"
    )
    non_numeric: Rejection = Field("stop", description="a value that is no finite number")
    thousands_mark: Rejection = Field(
        "stop", description="a value that is a number with a thousands mark that is not configured"
    )
    exact_duplicate: Rejection = Field("quarantine", description="the same date and value again")
    conflicting_date: Literal["stop"] = Field("stop", description="one date with two values")
    negative: Action = Field("stop", description="a value below 0")
    future_date: Action = Field("stop", description="a date after today")
    total_mismatch: Action = Field("stop", description="a total that is not the sum of its parts")
    day_type: Action = Field("warn", description="a weekday that contradicts the row's day type")
    unsorted: Literal["stop", "warn"] = Field("warn", description="dates out of order (they are sorted)")
    frequency: Literal["stop"] = Field("stop", description="days mostly more than one day apart")
    zero_run: Action = Field("warn", description="more than zero_days zeros in a row")
    constant_run: Action = Field("warn", description="one value on more than constant_days days in a row")
    outlier: Action = Field("warn", description="far from the same weekday's median of the weeks around")
    short_day: Action = Field("warn", description="a day with fewer timestamps than it should have")
    dst_day: Literal["stop", "warn"] = Field(
        "warn", description="a day of 23 or 25 hours (timestamps with a timezone)"
    )
    gap: Literal["stop"] = Field("stop", description="missing days beyond max_gap")
    level_shift: Literal["stop", "warn"] = Field("warn", description="the level moved beyond level_ratio")
    split_shift: Literal["stop", "warn"] = Field(
        "warn", description="validation or test lie beyond level_ratio from the training days"
    )
    drift: Literal["stop", "warn"] = Field("warn", description="a feature's distribution moved")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.start is not None and self.end is not None and self.start > self.end:
            raise PydanticCustomError("span", "start should not come after end")
        return self


class Quality(Strict):
    """What is accepted, set aside, or stops the pipeline."""

    sketches: SketchQuality = Field(SketchQuality(), description="rules for drawings")
    series: SeriesQuality = Field(SeriesQuality(), description="rules for series")
    reference: str | None = Field(
        None, min_length=1, description="an earlier report.json to compare new data with; null: none"
    )
