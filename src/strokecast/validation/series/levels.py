"""Where the level of a daily series moves, over time and from split to split, and how it is profiled.

Each day is held against the same weekday and season of the year before (364 days), so that weekly
and yearly patterns cancel; medians over four weeks make it robust against holidays and outliers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strokecast.validation import drift
from strokecast.validation.series.calendar import WEEK, Days, _runs

YEAR = 364  # days: whole weeks
SPAN = 28  # days that a median goes over
SURE = 7  # days whose median names the first day
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Shift:
    """A stretch of days away from the level before.

    Args:
        first: its first day.
        last: its last day.
        factor: median of its days over the same weekdays before (below 1: lower).
        against: what it was held against.
    """

    first: np.datetime64
    last: np.datetime64
    factor: float
    against: str

    @property
    def ratio(self) -> float:
        """The factor, or its inverse where that is larger: 1 or more."""
        return max(self.factor, 1.0 / self.factor)

    def __str__(self) -> str:
        return f"{self.first} to {self.last}: {self.factor:.2f} times {self.against}"


def shifts(days: Days, values: NDArray[np.float64], ratio: float) -> list[Shift]:
    """Stretches of `SPAN` days or more whose median moved by more than `ratio` or 1 / `ratio`.

    With a year and four weeks of days, each day is held against the one 364 days before, so that
    a level that stays for good ends its stretch after a year. A shorter series is held against
    the four weeks before: there a season passes for a shift.

    Args:
        days: consecutive.
        values: of these days; NaN and values below or equal to 0 are left out.
        ratio: above 1.

    Returns:
        In order. If there is none, the largest move alone, whose ratio is below `ratio`; nothing
        where the series is shorter than eight weeks, or all its values are left out.
    """
    change, against = _changes(values)
    found: list[Shift] = []
    limit = math.log(ratio)
    if not np.isfinite(change).any():
        return found
    smooth = _ahead(change, SPAN) if against.startswith("the year") else change
    for sign in (1.0, -1.0):
        begun = -1
        for start, end in _runs(np.nan_to_num(sign * smooth) > limit):
            if start <= begun:
                continue
            first, last = _edges(change, sign, limit, start, end, against)
            own = change[first : last + 1]
            found.append(Shift(days[first], days[last], math.exp(float(np.nanmedian(own))), against))
            begun = last
    if found:
        return sorted(found, key=lambda shift: (shift.first, shift.last))
    at = int(np.nanargmax(np.abs(smooth)))
    last = min(at + SPAN, len(days)) - 1
    return [Shift(days[at], days[last], math.exp(float(smooth[at])), against)]


def _changes(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """log of each day's value (or of its next four weeks' median) over what came before."""
    logs = np.log(values, out=np.full(len(values), np.nan), where=values > 0)
    change = np.full(len(values), np.nan)
    if len(values) >= YEAR + SPAN:
        change[YEAR:] = logs[YEAR:] - logs[:-YEAR]
        return change, "the year before"
    if len(values) >= 2 * SPAN:
        middle = _ahead(logs, SPAN)
        change[SPAN:] = middle[SPAN:] - middle[:-SPAN]
    return change, "the four weeks before"


def _ahead(values: NDArray[np.float64], span: int) -> NDArray[np.float64]:
    """Median of each value and the `span` - 1 after it; NaN where fewer than half are there."""
    import pandas as pd

    middle = pd.Series(values).rolling(span, min_periods=(span + 1) // 2).median()
    return np.asarray(middle.shift(1 - span).to_numpy(), dtype=np.float64)


def _edges(
    change: NDArray[np.float64], sign: float, limit: float, start: int, end: int, against: str
) -> tuple[int, int]:
    """First and last position of a stretch whose medians start at `start` to `end` (exclusive)."""
    if not against.startswith("the year"):
        peak = start + int(np.nanargmax(sign * change[start:end]))
        return peak, min(peak + SPAN, len(change)) - 1
    last = min(end - 1 + SPAN, len(change)) - 1
    beyond = np.nan_to_num(sign * change) > limit
    week = np.nan_to_num(sign * _ahead(change, SURE)) > limit
    sure = [at for at in range(start, last) if beyond[at] and week[at]]
    first = sure[0] if sure else start
    back = [at for at in range(first, last + 1) if beyond[at]]
    return first, back[-1] if back else last


# ---------------------------------------------------------------- splits


def edges(days: Days, valid_from: str | float, test_from: str | float) -> dict[str, slice]:
    """Positions of each split's days: dates, or shares of all days, as `features.forecast` has them."""

    def edge(value: str | float) -> int:
        if isinstance(value, float):
            return int(value * len(days))
        return int(np.searchsorted(days, np.datetime64(value)))

    valid, test = edge(valid_from), edge(test_from)
    bounds = ((0, valid), (valid, test), (test, len(days)))
    return {name: slice(a, b) for name, (a, b) in zip(SPLITS, bounds, strict=True) if a < b}


def split_shifts(days: Days, values: NDArray[np.float64], splits: Mapping[str, slice]) -> list[Shift]:
    """How far validation and test lie from the training days.

    Each day is held against the last training day of the same weekday and season; where training
    has no whole year, of the same weekday.
    """
    if "train" not in splits:
        return []
    stop = splits["train"].stop
    period = YEAR if stop >= YEAR else WEEK
    against = "the same days of the last year of train" if period == YEAR else "the last week of train"
    if stop < period:
        return []
    logs = np.log(values, out=np.full(len(values), np.nan), where=values > 0)
    found = []
    for name, span in splits.items():
        if name == "train":
            continue
        at = np.arange(span.start, span.stop)
        change = logs[at] - logs[stop - period + (at - stop) % period]
        if np.isfinite(change).any():
            factor = math.exp(float(np.nanmedian(change)))
            found.append(Shift(days[at[0]], days[at[-1]], factor, f"{against} ({name})"))
    return found


# ---------------------------------------------------------------- profiles


def profile(values: NDArray[np.float64]) -> drift.Profile:
    """Features of a daily series: the value, its change over a week, its log ratio over a year.

    Days of a series depend on each other; each feature counts as fewer values accordingly.
    """
    logs = np.log(values, out=np.full(len(values), np.nan), where=values > 0)
    features = {
        "value": values,
        "change over a week": values[WEEK:] - values[:-WEEK],
        "log ratio over a year": logs[YEAR:] - logs[:-YEAR] if len(values) > YEAR else np.zeros(0),
    }
    return drift.profile(features, {name: drift.independent_share(own) for name, own in features.items()})


def profiles(values: NDArray[np.float64], splits: Mapping[str, slice]) -> dict[str, drift.Profile]:
    """The profile of each split; changes are told of the days in the split, whatever they are held against."""
    found = {}
    for name, span in splits.items():
        lead = max(0, span.start - YEAR)
        own = profile(values[lead : span.stop])
        found[name] = own | drift.profile(
            {"value": values[span]}, {"value": drift.independent_share(values[span])}
        )
    return found
