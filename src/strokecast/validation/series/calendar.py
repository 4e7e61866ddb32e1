"""A calendar without missing days: find gaps and fill short ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.datetime64]  # datetime64[D]
WEEK = 7  # days
MAX_FILLED = 28  # days: the longest gap that quality.series.max_gap can fill


@dataclass(frozen=True)
class Calendar:
    """Every day of a span.

    Args:
        days: datetime64[D] [n_days], consecutive.
        values: float64 [n_days]; NaN if a day has no value.
        filled: bool [n_days]: the value is that of another day, as a rule of one week earlier.
        origins: int64 [n_days]: position of the day whose value a filled day has; -1 if it is not filled.
        explained: bool [n_days]: the day has no value because its row stops the pipeline by
            another rule.
    """

    days: Days
    values: NDArray[np.float64]
    filled: NDArray[np.bool_]
    origins: NDArray[np.int64]
    explained: NDArray[np.bool_]


def build_calendar(
    days: Days,
    values: NDArray[np.float64],
    explained: Days,
    max_gap: int,
    first: np.datetime64 | None = None,
    last: np.datetime64 | None = None,
) -> Calendar:
    """Put accepted days on a calendar and fill gaps of up to `max_gap` days.

    A missing day gets the value of one week earlier, which may itself be filled. If there is none,
    as in the first week or after a longer gap, it gets that of the nearest earlier week, or else of
    the nearest later week, up to four weeks away. Days before the first and after the last day with
    a value are never filled.

    Args:
        days: distinct days that have a value, in any order.
        values: their values.
        explained: days whose missing value is reported by another rule.
        max_gap: longest gap that is filled, in days.
        first: first day of the span; None: the first of `days` and `explained`.
        last: last day of the span; None: the last of `days` and `explained`.
    """
    present = np.concatenate([days, explained])
    if not len(present):
        empty = np.zeros(0, dtype=bool)
        return Calendar(present, np.zeros(0), empty, np.zeros(0, dtype=np.int64), empty)
    low = present.min() if first is None else min(first, present.min())
    high = present.max() if last is None else max(last, present.max())
    span: Days = np.arange(low, high + np.timedelta64(1, "D"))
    span_values = np.full(len(span), np.nan)
    span_values[(days - low).astype(np.int64)] = values
    is_explained = np.zeros(len(span), dtype=bool)
    is_explained[(explained - low).astype(np.int64)] = True
    is_explained &= np.isnan(span_values)
    missing = np.isnan(span_values) & ~is_explained
    origins = np.full(len(span), -1, dtype=np.int64)
    for start, end in true_runs(missing):
        inside = start > 0 and end < len(span)
        if not inside or end - start > max_gap:
            continue
        for day in range(start, end):
            origin = _origin(day, ~np.isnan(span_values) | is_explained)
            if origin is None:
                continue
            span_values[day], is_explained[day] = span_values[origin], is_explained[origin]
            if not np.isnan(span_values[day]):
                origins[day] = origin
    return Calendar(span, span_values, origins >= 0, origins, is_explained)


def _origin(day: int, known: NDArray[np.bool_]) -> int | None:
    """Position of the nearest known day of the same weekday, an earlier one if there is one; None: there is none."""
    weeks = range(WEEK, MAX_FILLED + 1, WEEK)
    positions = (*(day - week for week in weeks), *(day + week for week in weeks))
    return next((position for position in positions if 0 <= position < len(known) and known[position]), None)


def fill_column(values: NDArray[np.float64], calendar: Calendar) -> NDArray[np.float64]:
    """Fill another column of the days of `calendar` on the days that `calendar` fills."""
    filled = values.astype(np.float64, copy=True)
    for day in np.flatnonzero(calendar.filled).tolist():
        filled[day] = filled[calendar.origins[day]]
    return filled


def days_of_unreadable_rows(days: Days, unreadable: NDArray[np.bool_]) -> Days:
    """Days that rows without a readable date probably stand for.

    A block of such rows between two rows of the file explains the first missing days between the
    dates of those rows, one day per row.
    """
    explained: list[Days] = []
    for start, end in true_runs(unreadable):
        if start == 0 or end == len(days):
            continue
        before, after = days[start - 1], days[end]
        count = min(end - start, int((after - before).astype(np.int64)) - 1)
        if count > 0:
            explained.append(before + np.arange(1, count + 1).astype("timedelta64[D]"))
    return np.concatenate(explained) if explained else np.zeros(0, dtype="datetime64[D]")


def true_runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open (start, end) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
