"""The calendar of each series of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING

import numpy as np

from strokecast.params import SeriesQuality
from strokecast.validation.series import edges
from strokecast.validation.series.calendar import Calendar, Days, build_calendar, days_of_unreadable_rows
from strokecast.validation.series.rejections import DayKey
from strokecast.validation.series.rows import split_by_series

if TYPE_CHECKING:
    import pandas as pd

_MIN_STEPS = 3  # steps between days that the frequency is inferred from


def build_calendars(
    frame: pd.DataFrame,
    accepted_days: pd.DataFrame,
    reasons: Mapping[int, Sequence[str]],
    settings: SeriesQuality,
    partial: Sequence[edges.PartialDay],
) -> dict[str, Calendar]:
    """unique_id → calendar of its accepted days. Days that stop by another rule are not gaps."""
    calendars = {}
    left_out = {(one.unique_id, one.day) for one in partial if settings.partial_day == "quarantine"}
    stops = np.zeros(len(frame), dtype=bool)
    for position, names in reasons.items():
        stops[position] = any(getattr(settings, name) == "stop" for name in names)
    row_days: Days = frame["day"].to_numpy().astype("datetime64[D]").copy()
    row_days[(frame["in_future"] == 1).to_numpy() & stops] = np.datetime64("NaT")
    for name, rows in split_by_series(frame):
        days, stopped = row_days[rows], stops[rows]
        stopped_days = days[stopped & ~np.isnat(days)]
        unreadable_days = days_of_unreadable_rows(days, stopped & np.isnat(days))
        own_days = accepted_days[accepted_days["unique_id"] == name]
        calendar = build_calendar(
            own_days["day"].to_numpy().astype("datetime64[D]"),
            own_days["value"].to_numpy(),
            np.unique(np.concatenate([stopped_days, unreadable_days])),
            settings.max_gap,
            _bound(settings.start, name, left_out, 1),
            _bound(settings.end, name, left_out, -1),
        )
        if median_step(days[frame["outside"].to_numpy()[rows] == 0]) > 1:  # `frequency` reports it
            calendar.explained[np.isnan(calendar.values)] = True
        calendars[name] = calendar
    return calendars


def _bound(date: str | None, name: str, left_out: Set[DayKey], step: int) -> np.datetime64 | None:
    """`quality.series.start` or `end` as a bound of a series, without the days that are left out there."""
    if date is None:
        return None
    bound = np.datetime64(date)
    while (name, bound) in left_out:
        bound += np.timedelta64(step, "D")
    return bound


def median_step(days: Days) -> float:
    """Median days between consecutive days; NaN with fewer than 3 steps."""
    steps = np.diff(np.unique(days[~np.isnat(days)])).astype(np.int64)
    return float(np.median(steps)) if len(steps) >= _MIN_STEPS else float("nan")
