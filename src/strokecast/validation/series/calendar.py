"""Cells to days and numbers, and days to a calendar without gaps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

Days = NDArray[np.datetime64]  # datetime64[D]
WEEK = 7  # days


def parse_dates(cells: pd.Series, date_format: str) -> Days:
    """Days of the cells, datetime64[D]; NaT where a cell does not fit `date_format` as a whole.

    Raises:
        UserError: if the format itself cannot be used.
    """
    import pandas as pd

    try:
        if "%" not in date_format:  # pandas would take `mixed` and `ISO8601` for leave to guess
            raise ValueError("it names no part of a date")
        found = pd.to_datetime(cells.str.strip(), format=date_format, exact=True, errors="coerce")
        if isinstance(found.dtype, pd.DatetimeTZDtype):
            found = found.dt.tz_localize(None)
        days: Days = found.to_numpy().astype("datetime64[D]")
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"{date_format!r} cannot be used: {error}",
            where="params.yaml: series.csv.date_format",
            allowed="a strptime format of days in one time zone, such as %Y-%m-%d or %m/%d/%Y",
        ) from None
    return days


def parse_values(cells: pd.Series, thousands: str) -> NDArray[np.float64]:
    """Numbers of the cells; NaN where a cell is no finite number.

    A thousands mark must stand before each group of three digits or nowhere; with `.` as the
    mark the decimal sign is a comma. `nan`, `inf`, `1_000` and empty cells are no numbers.
    """
    import pandas as pd

    mark = r"[ \u00a0\u202f]" if thousands == " " else re.escape(thousands)
    decimal = "," if thousands == "." else "."
    whole = rf"(?:\d+|\d{{1,3}}(?:{mark}\d{{3}})+)" if thousands else r"\d+"
    point = re.escape(decimal)
    pattern = rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"
    text = cells.fillna("").str.strip()
    fits = text.str.fullmatch(pattern, flags=re.ASCII).to_numpy(dtype=bool)
    if thousands:
        text = text.str.replace(mark, "", regex=True)
    if decimal == ",":
        text = text.str.replace(",", ".", regex=False)
    values = np.full(len(text), np.nan)
    values[fits] = pd.to_numeric(text[fits]).to_numpy(dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


@dataclass(frozen=True)
class Calendar:
    """Every day of a span.

    Args:
        days: datetime64[D] [n_days], no day left out.
        values: float64 [n_days]; NaN where a day has none.
        filled: bool [n_days]: the value comes from the same weekday of the week before.
        explained: bool [n_days]: the day has no value because of a row that another rule stops at.
    """

    days: Days
    values: NDArray[np.float64]
    filled: NDArray[np.bool_]
    explained: NDArray[np.bool_]


def fill(
    days: Days,
    values: NDArray[np.float64],
    explained: Days,
    max_gap: int,
    first: np.datetime64 | None = None,
    last: np.datetime64 | None = None,
) -> Calendar:
    """Lay accepted days out on a calendar and fill gaps of up to `max_gap` days.

    A missing day takes the value of the same weekday of the week before, which may be a filled
    one. Days before the first and after the last known day are never filled.

    Args:
        days: distinct days that have a value, in any order.
        values: their values.
        explained: days whose value is missing for a reason that is reported elsewhere.
        max_gap: days.
        first: first day of the span; None: of `days` and `explained`.
        last: last day of the span; None: likewise.
    """
    present = np.concatenate([days, explained])
    if not len(present):
        none = np.zeros(0, dtype=bool)
        return Calendar(present, np.zeros(0), none, none)
    low = present.min() if first is None else min(first, present.min())
    high = present.max() if last is None else max(last, present.max())
    span: Days = np.arange(low, high + np.timedelta64(1, "D"))
    laid = np.full(len(span), np.nan)
    laid[(days - low).astype(np.int64)] = values
    excused = np.zeros(len(span), dtype=bool)
    excused[(explained - low).astype(np.int64)] = True
    excused &= np.isnan(laid)
    known = ~np.isnan(laid) | excused
    filled = np.zeros(len(span), dtype=bool)
    for start, end in _runs(~known):
        inside = start > 0 and end < len(span)
        if not inside or end - start > max_gap or start < WEEK:
            continue
        for day in range(start, end):
            laid[day] = laid[day - WEEK]
            excused[day] = excused[day - WEEK]
            filled[day] = not np.isnan(laid[day])
    return Calendar(span, laid, filled, excused)


def filled(values: NDArray[np.float64], calendar: Calendar) -> NDArray[np.float64]:
    """A further column of the days of `calendar`, filled where that is filled, and as that is."""
    whole = values.astype(np.float64, copy=True)
    for day in np.flatnonzero(calendar.filled).tolist():
        whole[day] = whole[day - WEEK]
    return whole


def between_neighbours(days: Days, unreadable: NDArray[np.bool_]) -> Days:
    """Days that rows without a readable date can stand for.

    A block of such rows between two rows of the file explains the first missing days between
    those rows' dates, one a row.
    """
    parts: list[Days] = []
    for start, end in _runs(unreadable):
        if start == 0 or end == len(days):
            continue
        before, after = days[start - 1], days[end]
        count = min(end - start, int((after - before).astype(np.int64)) - 1)
        if count > 0:
            parts.append(before + np.arange(1, count + 1).astype("timedelta64[D]"))
    return np.concatenate(parts) if parts else np.zeros(0, dtype="datetime64[D]")


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open (start, end) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
