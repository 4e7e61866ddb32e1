"""Changes of level in a daily series, over time and between splits.

Each day is compared with the same weekday and season one year (364 days) earlier, so weekly and
yearly patterns cancel. Medians over four weeks make it robust to holidays and outliers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strokecast.validation.series.calendar import WEEK, Days, true_runs

YEAR = 364  # days: whole weeks
SPLITS = ("train", "valid", "test")
_MEDIAN_DAYS = 28  # days per median
_ONSET_DAYS = 7  # days of the median that locates the first day of a shift
_BASELINE_YEAR = "the year before"
_BASELINE_WEEKS = "the four weeks before"


@dataclass(frozen=True)
class LevelShift:
    """A period whose level differs from the baseline.

    Args:
        first: its first day.
        last: its last day.
        factor: its median over the baseline; below 1: the level fell.
        baseline: what it is compared with.
    """

    first: np.datetime64
    last: np.datetime64
    factor: float
    baseline: str

    @property
    def ratio(self) -> float:
        """The larger of the factor and its inverse: at least 1."""
        return max(self.factor, 1.0 / self.factor)

    def __str__(self) -> str:
        return f"{self.first} to {self.last}: {self.factor:.2f} times {self.baseline}"


def level_shifts(days: Days, values: NDArray[np.float64], ratio: float) -> list[LevelShift]:
    """Periods of at least four weeks whose median changes by more than `ratio` or 1 / `ratio`.

    With at least a year and four weeks of data, each day is compared with the day 364 days
    earlier, so a permanent shift ends after a year. A shorter series is compared with the four
    weeks before; there a season counts as a shift.

    Args:
        days: consecutive.
        values: of these days; NaN and values <= 0 are ignored.
        ratio: above 1.

    Returns:
        The shifts in order. If there is none, only the largest change, whose ratio is below
        `ratio`; nothing if the series is shorter than eight weeks or all values are ignored.
    """
    change, baseline = _log_changes(values)
    if not np.isfinite(change).any():
        return []
    limit = math.log(ratio)
    smooth = _forward_median(change, _MEDIAN_DAYS) if baseline == _BASELINE_YEAR else change
    shifts: list[LevelShift] = []
    for sign in (1.0, -1.0):
        previous_last = -1
        for start, end in true_runs(np.nan_to_num(sign * smooth) > limit):
            if start <= previous_last:
                continue
            first, last = _locate_shift(sign * change, limit, start, end, baseline)
            factor = math.exp(float(np.nanmedian(change[first : last + 1])))
            shifts.append(LevelShift(days[first], days[last], factor, baseline))
            previous_last = last
    if shifts:
        return sorted(shifts, key=lambda shift: (shift.first, shift.last))
    first = int(np.nanargmax(np.abs(smooth)))
    last = min(first + _MEDIAN_DAYS, len(days)) - 1
    return [LevelShift(days[first], days[last], math.exp(float(smooth[first])), baseline)]


def _log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural logarithm; NaN for NaN and values <= 0."""
    return np.log(values, out=np.full(len(values), np.nan), where=values > 0)


def _log_changes(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Log ratio of each day's value (or median of four weeks) to the baseline, and the baseline."""
    logs = _log(values)
    change = np.full(len(values), np.nan)
    if len(values) >= YEAR + _MEDIAN_DAYS:
        change[YEAR:] = logs[YEAR:] - logs[:-YEAR]
        return change, _BASELINE_YEAR
    if len(values) >= 2 * _MEDIAN_DAYS:
        medians = _forward_median(logs, _MEDIAN_DAYS)
        change[_MEDIAN_DAYS:] = medians[_MEDIAN_DAYS:] - medians[:-_MEDIAN_DAYS]
    return change, _BASELINE_WEEKS


def _forward_median(values: NDArray[np.float64], n_days: int) -> NDArray[np.float64]:
    """Median of each value and the `n_days` - 1 values after it; NaN if fewer than half are known."""
    import pandas as pd

    medians = pd.Series(values).rolling(n_days, min_periods=(n_days + 1) // 2).median()
    return np.asarray(medians.shift(1 - n_days).to_numpy(), dtype=np.float64)


def _locate_shift(
    change: NDArray[np.float64], limit: float, start: int, end: int, baseline: str
) -> tuple[int, int]:
    """First and last position of an upward shift whose medians start at `start` to `end` (exclusive)."""
    if baseline != _BASELINE_YEAR:
        peak = start + int(np.nanargmax(change[start:end]))
        return peak, min(peak + _MEDIAN_DAYS, len(change)) - 1
    last = min(end - 1 + _MEDIAN_DAYS, len(change)) - 1
    beyond = np.nan_to_num(change) > limit
    week_beyond = np.nan_to_num(_forward_median(change, _ONSET_DAYS)) > limit
    onsets = [day for day in range(start, last) if beyond[day] and week_beyond[day]]
    first = onsets[0] if onsets else start
    inside = [day for day in range(first, last + 1) if beyond[day]]
    return first, inside[-1] if inside else last


def split_slices(days: Days, valid_from: str | float, test_from: str | float) -> dict[str, slice]:
    """Split → slice of its days; empty splits are left out.

    Args:
        days: ascending.
        valid_from: first validation day, as a date or as a share of all days.
        test_from: first test day, likewise.
    """

    def position(value: str | float) -> int:
        if isinstance(value, float):
            return int(value * len(days))
        return int(np.searchsorted(days, np.datetime64(value)))

    valid, test = position(valid_from), position(test_from)
    bounds = ((0, valid), (valid, test), (test, len(days)))
    return {
        name: slice(start, stop) for name, (start, stop) in zip(SPLITS, bounds, strict=True) if start < stop
    }


def split_shifts(days: Days, values: NDArray[np.float64], splits: Mapping[str, slice]) -> list[LevelShift]:
    """Level of validation and test relative to the training days.

    Each day is compared with the last training day of the same weekday and season. If training
    covers less than a year, it is compared with the last training day of the same weekday.

    Args:
        days: consecutive.
        values: of these days; NaN and values <= 0 are ignored.
        splits: from `split_slices`.
    """
    if "train" not in splits:
        return []
    stop = splits["train"].stop
    period = YEAR if stop >= YEAR else WEEK
    baseline = "the same days of the last year of train" if period == YEAR else "the last week of train"
    if stop < period:
        return []
    logs = _log(values)
    shifts = []
    for name, span in splits.items():
        if name == "train":
            continue
        positions = np.arange(span.start, span.stop)
        change = logs[positions] - logs[stop - period + (positions - stop) % period]
        if np.isfinite(change).any():
            factor = math.exp(float(np.nanmedian(change)))
            shifts.append(LevelShift(days[positions[0]], days[positions[-1]], factor, f"{baseline} ({name})"))
    return shifts
