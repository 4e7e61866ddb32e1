"""Gaps that stay in a calendar: which they are, and which settings would let the series pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from strokecast.validation.series.calendar import MAX_FILLED, Calendar, build_calendar, true_runs

_BEFORE, _AFTER, _INSIDE = "before the first value", "after the last value", ""


@dataclass(frozen=True)
class Gap:
    """Consecutive days without a value.

    Args:
        unique_id: of the series; "": the only one.
        first: its first day.
        last: its last day.
        place: where it lies if no other day of the series has a value on one of its sides.
    """

    unique_id: str
    first: np.datetime64
    last: np.datetime64
    place: str = _INSIDE

    @property
    def n_days(self) -> int:
        """Length in days."""
        return int((self.last - self.first).astype(np.int64)) + 1

    def __str__(self) -> str:
        name = f"{self.unique_id} " * bool(self.unique_id) + str(self.first)
        length = f" to {self.last}, {self.n_days:,} days" if self.n_days > 1 else ""
        return name + length + (f" {self.place}" if self.place else "")


def find_gaps(calendars: Mapping[str, Calendar]) -> list[Gap]:
    """The gaps that were not filled, series by series, in order. Days that another rule reports are none."""
    gaps = []
    for name, calendar in calendars.items():
        known = np.flatnonzero(~np.isnan(calendar.values) | calendar.explained)
        for start, end in true_runs(np.isnan(calendar.values) & ~calendar.explained):
            place = _INSIDE
            if not len(known) or end <= known[0]:
                place = _BEFORE
            elif start > known[-1]:
                place = _AFTER
            gaps.append(Gap(name, calendar.days[start], calendar.days[end - 1], place))
    return gaps


def summarize(gaps: Sequence[Gap]) -> str:
    """The longest gap, and the number of gaps if there are several; "" without gaps."""
    if not gaps:
        return ""
    longest = max(gaps, key=lambda gap: gap.n_days)
    return str(longest) if len(gaps) == 1 else f"{len(gaps):,} gaps, the longest {longest}"


def remedies(calendars: Mapping[str, Calendar], gaps: Sequence[Gap], max_gap: int) -> str:
    """Settings of `quality.series` with which the series would pass, each on its own; "" without gaps.

    Args:
        calendars: unique_id → its calendar.
        gaps: from `find_gaps`.
        max_gap: longest gap that is filled, in days.
    """
    if not gaps:
        return ""
    options = []
    inside = [gap.n_days for gap in gaps if not gap.place]
    longest = max(inside, default=0)
    if max_gap < longest <= MAX_FILLED and not find_gaps(_rebuild(calendars, longest)):
        options.append(f"max_gap to {longest} or more (at most {MAX_FILLED})")
    start, end = _passing_span(calendars, gaps, max_gap)
    bounds = [f'start to "{start}"' if start else "", f'end to "{end}"' if end else ""]
    if any(bounds):
        options.append(" and ".join(bound for bound in bounds if bound) + ", with which it has no such gap")
    fix = "set " + " or ".join(f"quality.series.{option}" for option in options) + ", or " if options else ""
    too_long = f"quality.series.max_gap is at most {MAX_FILLED}; " if longest > MAX_FILLED else ""
    return f"{too_long}{fix}add the missing days to the file"


def _passing_span(
    calendars: Mapping[str, Calendar], gaps: Sequence[Gap], max_gap: int
) -> tuple[np.datetime64 | None, np.datetime64 | None]:
    """The earliest first and the latest last day of a span without gaps; None: the present one."""
    one_day = np.timedelta64(1, "D")
    end = min((gap.first - one_day for gap in gaps if gap.place == _AFTER), default=None)
    start: np.datetime64 | None = None
    while True:
        remaining = [
            gap for gap in find_gaps(_rebuild(calendars, max_gap, start, end)) if gap.place != _AFTER
        ]
        if not remaining:
            return start, end
        start = max(gap.last for gap in remaining) + one_day


def _rebuild(
    calendars: Mapping[str, Calendar],
    max_gap: int,
    start: np.datetime64 | None = None,
    end: np.datetime64 | None = None,
) -> dict[str, Calendar]:
    """The calendars with another longest gap and, within their spans, another first and last day."""
    rebuilt = {}
    for name, calendar in calendars.items():
        first = calendar.days[:1] if start is None else np.array([start])
        last = calendar.days[-1:] if end is None else np.array([end])
        if not len(calendar.days):
            continue
        inside = (calendar.days >= first[0]) & (calendar.days <= last[0])
        own = inside & ~np.isnan(calendar.values) & ~calendar.filled
        if own.any():
            rebuilt[name] = build_calendar(
                calendar.days[own],
                calendar.values[own],
                calendar.days[inside & calendar.explained],
                max_gap,
                first[0],
                last[0],
            )
    return rebuilt
