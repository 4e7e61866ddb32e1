"""Section `promotion`: what a model must reach before it becomes the champion of its task (`strokecast promote`)."""

from __future__ import annotations

from pydantic import Field

from strokecast.params.base import Count, Strict, with_default


class LabelPromotion(Strict):
    """Limits for classifiers."""

    min_accuracy: float = Field(
        0.5, ge=0, le=1, description="share of correct test drawings; a candidate below it is refused"
    )
    max_slice_drop: float = Field(
        0.1,
        ge=0,
        le=1,
        description="largest loss of accuracy against the champion on one class or one group of lengths",
    )
    max_latency_ms: float = Field(
        1000.0, gt=0, description="ms; median time for one drawing, measured on this machine"
    )


class DrawPromotion(Strict):
    """Limits for networks that draw."""

    min_recognised: float = Field(
        0.2,
        ge=0,
        le=1,
        description="share of generated drawings that the judge recognises; a candidate below it is refused",
    )
    max_slice_drop: float = with_default(LabelPromotion, "max_slice_drop", 0.25)
    max_latency_ms: float = with_default(LabelPromotion, "max_latency_ms", 10_000.0)


class ForecastPromotion(Strict):
    """Limits for forecasters."""

    max_mase: float = Field(
        1.0,
        gt=0,
        description="MASE on the test days; a candidate above it is refused. 1: the seasonal-naive forecast",
    )
    max_slice_rise: float = Field(
        0.2,
        ge=0,
        description="largest rise of the MAE against the champion on one weekday, day ahead, regime or series, as a "
        "share of the champion's MAE",
    )
    max_latency_ms: float = Field(
        5000.0, gt=0, description="ms; median time for one forecast, measured on this machine"
    )


class Promotion(Strict):
    """What a model must reach to become the champion of its task. No stage reads these keys."""

    min_slice_examples: Count = Field(
        20, description="test examples; the limits of slices apply from this size on"
    )
    classify: LabelPromotion = Field(LabelPromotion(), description="for classify")
    watch: LabelPromotion = Field(LabelPromotion(), description="for watch")
    draw: DrawPromotion = Field(DrawPromotion(), description="for draw")
    forecast: ForecastPromotion = Field(ForecastPromotion(), description="for forecast")
