"""Infer the date format of a file, and whether day and month are ambiguous."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from strokecast.validation.series.calendar import Days
from strokecast.validation.series.timestamps import offset_error, parse_timestamps, strip_midnight

if TYPE_CHECKING:
    import pandas as pd

AUTO = "auto"
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y", "%m.%d.%Y")  # fmt: skip
_TIMES = ("", " %H:%M:%S", "T%H:%M:%S", " %H:%M", "T%H:%M", "T%H:%M:%S.%f", " %I:%M:%S %p", "T%H:%M:%S%z", " %H:%M:%S%z", "T%H:%M%z", " %H:%M%z", "T%H:%M:%S.%f%z", " %H:%M:%S.%f%z")  # fmt: skip


_ISO_WITH_OFFSET = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?(?:\d\d)?)"


def choose_date_format(cells: pd.Series, date_format: str) -> tuple[str, str | None]:
    """The date format, and the format with day and month swapped if that matches every row too.

    `auto` takes the format of a fixed list that matches most rows. If two formats that differ in
    the order of day and month match equally many, it takes the one with the shorter time span.

    Args:
        cells: text.
        date_format: strptime format, or `auto`.

    Returns:
        The format, and the swapped format or None. The swapped format matches every row that the
        format matches, and reads at least one of them as a different day.

    Raises:
        UserError: if times have an offset from UTC and `date_format` has none.
    """
    distinct = cells.str.strip().drop_duplicates()
    if date_format != AUTO:
        with_offset = distinct[distinct.str.fullmatch(_ISO_WITH_OFFSET)]
        if len(with_offset) and "%z" not in date_format and not _count_matches(with_offset, date_format):
            raise offset_error(with_offset.iloc[0])
        return date_format, _ambiguous_format(distinct, date_format)
    days = strip_midnight(distinct)
    if (days == distinct).any() and not days.str.contains(":", regex=False).any():
        distinct = days.drop_duplicates()  # some days have a time of midnight
    sample = distinct.iloc[:: max(1, len(distinct) // 200)]
    formats = [date + time for date in _DATES for time in _TIMES]
    matches = {candidate: _count_matches(sample, candidate) for candidate in formats}
    best = max(matches, key=lambda candidate: matches[candidate])
    if not matches[best]:
        return "%Y-%m-%d", None  # no format matches: every row fails `bad_date`
    swapped = _swap_day_and_month(best)
    if swapped is not None and _count_matches(distinct, swapped) > _count_matches(distinct, best):
        best, swapped = swapped, best
    ambiguous = _ambiguous_format(distinct, best)
    if ambiguous is not None and _span_days(distinct, ambiguous) < _span_days(distinct, best):
        best, ambiguous = ambiguous, best
    return best, ambiguous


def _count_matches(cells: pd.Series, date_format: str) -> int:
    import pandas as pd

    text = cells[cells.str.fullmatch(r"[^\d]*\d.*", flags=re.ASCII)]
    if not len(text):
        return 0
    dates = pd.to_datetime(text, format=date_format, exact=True, errors="coerce", utc="%z" in date_format)
    return int(dates.notna().sum())


def _parse_days(cells: pd.Series, date_format: str) -> Days:
    local, _ = parse_timestamps(cells, date_format, "UTC" if "%z" in date_format else "")
    return local.astype("datetime64[D]")


def _span_days(cells: pd.Series, date_format: str) -> int:
    days = _parse_days(cells, date_format)
    days = days[~np.isnat(days)]
    return int((days.max() - days.min()).astype(np.int64)) if len(days) else 0


def _swap_day_and_month(date_format: str) -> str | None:
    """The format with day and month swapped; None if the year comes first, which is never swapped."""
    year, day, month = (date_format.replace("%y", "%Y").find(directive) for directive in ("%Y", "%d", "%m"))
    if min(day, month) < 0 or 0 <= year < min(day, month):
        return None
    return date_format.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")


def _ambiguous_format(cells: pd.Series, date_format: str) -> str | None:
    swapped = _swap_day_and_month(date_format)
    if swapped is None or not len(cells):
        return None
    days, swapped_days = _parse_days(cells, date_format), _parse_days(cells, swapped)
    readable = ~np.isnat(days)
    if not readable.any() or np.isnat(swapped_days[readable]).any():
        return None
    return swapped if (days[readable] != swapped_days[readable]).any() else None
