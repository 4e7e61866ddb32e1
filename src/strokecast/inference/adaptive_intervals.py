"""Conformal intervals that follow the errors of past forecasts, in place and in width, per level and day ahead.

A static calibration (`inference.conformal`) holds while the errors stay as they were on the validation days. Here every error
that becomes known moves the intervals:

- The shift is a moving average of the errors, less what chance explains (bias-corrected adaptive conformal inference, 2026,
  https://arxiv.org/abs/2604.13253).
- The width is a moving average of the absolute errors, times a factor per interval end. Each factor is a quantile tracker: it
  grows after a miss and shrinks after a hit, so that in the long run the share of misses is that of the level, whatever
  the errors do (Gibbs and Candes 2021, https://arxiv.org/abs/2106.00170; conformal PID control, Angelopoulos, Candes and
  Tibshirani 2023, https://arxiv.org/abs/2307.16895).

Errors of a network with quantiles are measured in the mean half-width of its own intervals for that day, and the factors
scale its own interval ends (conformalized quantile regression, Romano et al. 2019, https://arxiv.org/abs/1905.03222, with
scores relative to the width as in Sesia and Candes 2020, https://arxiv.org/abs/1909.05433). An error is known when its day
has passed. Needs only numpy.

Shapes: N calibration origins, O origins, H days of the horizon, Q quantile levels of a network, L interval levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from strokecast.features.timeseries.origins import Positions
from strokecast.inference import conformal
from strokecast.inference.validation_forecasts import ValidationForecasts

Floats = NDArray[np.float64]

# Chosen on the earlier days of four series (docs/lab-notes.md). Half-lives are in errors per day ahead.
_LEARNING_RATE = 0.04  # of the interval ends, in scales per missed error
_FAST = 0.5 ** (1 / 3)  # what one error leaves of the fast scale
_SLOW = 0.5 ** (1 / 200)  # of the slow scale
_FAST_WEIGHT = 0.6  # of the fast scale in the geometric mean of both
_BIAS = 0.5 ** (1 / 20)
_SIDE = 0.5 ** (1 / 20)
_DEAD_ZONE = 1.5  # standard errors of the bias that count as chance
_ERRORS_PER_SAMPLE = 7.0  # errors of overlapping forecasts are correlated: a week of them counts as one
_STD_PER_MEAN_ABSOLUTE = 1.25  # of a normal distribution
_MIN_SCALE = 1e-12
_MIN_SHAPE = 0.1
_ARRAYS = ("low", "high", "fast", "slow", "bias", "share_below")


@dataclass(frozen=True)
class IssuedForecasts:
    """Forecasts of one model and series before calibration.

    Attributes:
        positions: int64 [O], day of the first forecast day, rising.
        point: float64 [O, H].
        low: float64 [L, O, H], the model's own interval ends; the point if it forecasts no quantiles.
        high: float64 [L, O, H].
        actual: float64 [O, H], the values that occurred; NaN if not known yet.
    """

    positions: Positions
    point: Floats
    low: Floats
    high: Floats
    actual: Floats

    @classmethod
    def of_model(cls, forecasts: ValidationForecasts, levels: Sequence[float] = conformal.LEVELS) -> Self:
        """The outputs of a model, with its own interval ends of these `levels`."""
        low, high = conformal.raw_intervals(
            forecasts.point, forecasts.quantiles, forecasts.quantile_levels, levels
        )
        positions = forecasts.days.astype("datetime64[D]").astype(np.int64)
        return cls(positions, np.asarray(forecasts.point, np.float64), low, high, forecasts.actual)

    def merged(self, other: Self) -> tuple[Self, NDArray[np.bool_]]:
        """These and other forecasts in time order, and which of them are these, bool [O]."""
        order = np.argsort(np.concatenate([self.positions, other.positions]))
        point, actual, positions = (
            np.concatenate([getattr(self, name), getattr(other, name)])[order]
            for name in ("point", "actual", "positions")
        )
        low, high = (
            np.concatenate([getattr(self, name), getattr(other, name)], axis=1)[:, order]
            for name in ("low", "high")
        )
        return type(self)(positions, point, low, high, actual), order < len(self.positions)


@dataclass
class IntervalTracker:
    """The state of the intervals of one model and series.

    Errors are actual value minus forecast, in the unit of the series, or for quantiles in the model's own half-widths.

    Attributes:
        levels: L interval levels, rising.
        low: float64 [L, H], distance of the lower ends below the shifted forecast, in scales.
        high: float64 [L, H], of the upper ends above it.
        fast: float64 [H], moving average of the absolute errors of the last days.
        slow: float64 [H], moving average of the absolute errors of the last months.
        bias: float64 [H], moving average of the errors.
        share_below: float64 [H], moving share of values below the point forecast.
    """

    levels: tuple[float, ...]
    low: Floats
    high: Floats
    fast: Floats
    slow: Floats
    bias: Floats
    share_below: Floats

    @classmethod
    def fit(cls, issued: IssuedForecasts, levels: Sequence[float] = conformal.LEVELS) -> Self:
        """Start from forecasts at origins that the model was not fitted on.

        Args:
            issued: their actual values are all known.
            levels: of the intervals, rising.

        Raises:
            ValueError: if there is no origin.
        """
        count, horizon = issued.point.shape
        if not count:
            raise ValueError("there is no origin to calibrate on")
        width, low_shape, high_shape = _widths(issued.point, issued.low, issued.high)
        errors = (issued.actual - issued.point) / width
        scale = np.maximum(np.abs(errors).mean(axis=0), _MIN_SCALE)
        share_below = np.asarray((errors < 0).mean(axis=0))
        low, high = np.zeros((2, len(levels), horizon))
        tracker = cls(tuple(levels), low, high, scale, scale.copy(), np.zeros(horizon), share_below)
        scores = np.empty_like(errors)
        for row, error in enumerate(errors):
            scores[row] = (error - tracker.shift) / tracker.scale
            tracker._follow(error, np.ones(horizon, bool))
        for row, level in enumerate(levels):
            share = min((1 + level) / 2 * (count + 1) / count, 1.0)
            tracker.low[row] = np.quantile(-scores / low_shape[row], share, axis=0)
            tracker.high[row] = np.quantile(scores / high_shape[row], share, axis=0)
        return tracker

    @property
    def scale(self) -> Floats:
        """Size of the errors to expect, float64 [H]: between those of the last days and of the last months."""
        return np.asarray(self.fast**_FAST_WEIGHT * self.slow ** (1 - _FAST_WEIGHT))

    @property
    def shift(self) -> Floats:
        """Shift of the intervals, float64 [H]: the bias, less the part that chance explains."""
        samples = (1 + _BIAS) / (1 - _BIAS) / _ERRORS_PER_SAMPLE
        chance = _DEAD_ZONE * _STD_PER_MEAN_ABSOLUTE * self.scale / np.sqrt(samples)
        return np.asarray(np.sign(self.bias) * np.maximum(np.abs(self.bias) - chance, 0.0))

    def update(self, actual: Floats, point: Floats, low: Floats, high: Floats) -> None:
        """Learn errors that have become known, at most one per day ahead.

        Args:
            actual: float64 [H]; NaN where no error became known.
            point: float64 [H], the forecasts of these days.
            low: float64 [L, H], the model's own interval ends.
            high: float64 [L, H].
        """
        known = np.isfinite(actual)
        width, low_shape, high_shape = _widths(point, low, high)
        error = np.where(known, actual - point, 0.0) / width
        score, scale, step = error - self.shift, self.scale, known * 2 * _LEARNING_RATE
        # An interval holds the point forecast. If nearly all values are on one side of it, they miss the interval on
        # that side only, and the end there gets the misses of both.
        tails = (1 - np.asarray(self.levels)[:, None]) / 2
        low_tail = 2 * tails - np.minimum(tails, 1 - self.share_below)
        high_tail = 2 * tails - np.minimum(tails, self.share_below)
        self.low = self.low + step * ((-score > self.low * scale * low_shape) - low_tail)
        self.high = self.high + step * ((score > self.high * scale * high_shape) - high_tail)
        self._follow(error, known)

    def _follow(self, error: Floats, known: NDArray[np.bool_]) -> None:
        """Update the moving averages by the known errors, float64 [H]."""
        size = np.maximum(np.abs(error - self.shift), _MIN_SCALE)
        self.fast = np.where(known, _FAST * self.fast + (1 - _FAST) * size, self.fast)
        self.slow = np.where(known, _SLOW * self.slow + (1 - _SLOW) * size, self.slow)
        self.bias = np.where(known, _BIAS * self.bias + (1 - _BIAS) * error, self.bias)
        self.share_below = np.where(
            known, _SIDE * self.share_below + (1 - _SIDE) * (error < 0), self.share_below
        )

    def ends(self, point: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        """Interval ends float64 [L, H] of the next forecast; not nested yet, see `conformal.enforce_nesting`.

        Args:
            point: float64 [H].
            low: float64 [L, H], the model's own interval ends.
            high: float64 [L, H].
        """
        width, low_shape, high_shape = _widths(point, low, high)
        shift, scale = self.shift, self.scale
        return (
            point + width * (shift - self.low * scale * low_shape),
            point + width * (shift + self.high * scale * high_shape),
        )

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {"levels": list(self.levels)} | {name: getattr(self, name).tolist() for name in _ARRAYS}

    @classmethod
    def from_dict(cls, contents: Mapping[str, Any], horizon: int) -> Self:
        """The tracker stored as `to_dict`.

        Raises:
            KeyError, TypeError, ValueError: if it is not a tracker of this horizon.
        """
        levels = tuple(float(level) for level in contents["levels"])
        arrays = {name: np.asarray(contents[name], np.float64) for name in _ARRAYS}
        for name, values in arrays.items():
            shape = (len(levels), horizon) if name in ("low", "high") else (horizon,)
            if values.shape != shape or not np.isfinite(values).all():
                raise ValueError(f"{name} is not {list(shape)} finite numbers")
        if not (arrays["fast"] > 0).all() or not (arrays["slow"] > 0).all():
            raise ValueError("fast and slow are not above 0")
        return cls(levels, **arrays)


def track(
    tracker: IntervalTracker, issued: IssuedForecasts, wanted: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Interval ends at some of the origins, from the errors that are known there.

    The error of a forecast day is known at the origins after that day.

    Args:
        tracker: its state before the first of `issued`; it is updated.
        issued: forecasts whose errors are learned.
        wanted: bool [O], the origins whose intervals are returned; at least one.

    Returns:
        Lower and upper ends, float64 [L, wanted origins, H], not nested yet.
    """
    ahead = np.arange(issued.point.shape[1])
    first, rows = int(issued.positions[0]), np.flatnonzero(wanted)
    row_of = np.full(int(issued.positions[rows[-1]]) - first + 1, -1)
    earlier = np.flatnonzero(issued.positions <= issued.positions[rows[-1]])
    row_of[issued.positions[earlier] - first] = earlier
    ends, next_day = [], 0
    for row in rows:
        day = int(issued.positions[row]) - first
        for passed in range(next_day, day):
            back = passed - ahead
            at = np.where(back >= 0, row_of[np.maximum(back, 0)], -1)
            if (at >= 0).any():
                tracker.update(
                    np.where(at >= 0, issued.actual[at, ahead], np.nan),
                    issued.point[at, ahead],
                    issued.low[:, at, ahead],
                    issued.high[:, at, ahead],
                )
        next_day = day
        ends.append(tracker.ends(issued.point[row], issued.low[:, row], issued.high[:, row]))
    low, high = zip(*ends, strict=True)
    return np.stack(low, axis=1), np.stack(high, axis=1)


def _widths(point: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
    """The mean half-width of a model's own intervals, and the distance of each end from the point in half-widths.

    Shapes as `point` [...] and `low`, `high` [L, ...]. All are 1 for a point forecast. No distance is below a tenth of the
    half-width, so that a factor can widen every interval.
    """
    lower, upper = point - low, high - point
    width = np.asarray((lower + upper).mean(axis=0) / 2)
    has_width = width > 0
    unit = np.where(has_width, width, 1.0)
    low_shape, high_shape = (
        np.where(has_width, np.maximum(end / unit, _MIN_SHAPE), 1.0) for end in (lower, upper)
    )
    return unit, low_shape, high_shape
