"""Dates and timestamps: which format a file uses, wall-clock times and instants, hours of a local day."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.validation.series.calendar import Days

if TYPE_CHECKING:
    import pandas as pd

AUTO = "auto"
KEY = "params.yaml: series.csv.date_format"
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y", "%m.%d.%Y")  # fmt: skip
_CLOCKS = ("", " %H:%M:%S", "T%H:%M:%S", " %H:%M", "T%H:%M", "T%H:%M:%S.%f", " %I:%M:%S %p", "T%H:%M:%S%z", " %H:%M:%S%z")  # fmt: skip
HOUR = 3600  # seconds

Seconds = NDArray[np.datetime64]  # datetime64[s]


def parse(cells: pd.Series, date_format: str, timezone: str = "") -> tuple[Seconds, NDArray[np.int64]]:
    """Wall-clock times and instants of the cells; NaT where a cell does not fit `date_format` as a whole.

    Args:
        cells: text.
        date_format: strptime format.
        timezone: IANA name. Times with an offset are turned into its wall clock; times without
            one are its wall clock already, where the hour that autumn repeats counts as summer
            time at its first mention and as winter time after that. "": as the file writes them.

    Returns:
        datetime64[s] [n] on the local clock, and int64 [n] seconds that never repeat or jump
        (0 where the time is NaT).

    Raises:
        UserError: if the format itself cannot be used.
    """
    import pandas as pd

    try:
        if "%" not in date_format:  # pandas would take `mixed` and `ISO8601` for leave to guess
            raise ValueError("it names no part of a date")
        offsets = "%z" in date_format
        found = pd.to_datetime(
            cells.str.strip(), format=date_format, exact=True, errors="coerce", utc=offsets and bool(timezone)
        )
        if not timezone:
            if isinstance(found.dtype, pd.DatetimeTZDtype):
                found = found.dt.tz_localize(None)
            wall: Seconds = found.to_numpy().astype("datetime64[s]")
            return wall, _seconds(wall)
        if not offsets:
            first = (found.groupby(found).cumcount() == 0).to_numpy()
            found = found.dt.tz_localize(timezone, ambiguous=first, nonexistent="shift_forward")
        found = found.dt.tz_convert(timezone)
        wall = found.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
        return wall, _seconds(found.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    except (ValueError, TypeError, AttributeError, OverflowError, re.error) as error:
        raise UserError(
            f"{date_format!r} cannot be used: {error}",
            where=KEY,
            allowed="a strptime format of days in one time zone, such as %Y-%m-%d or %m/%d/%Y, or auto",
        ) from None


def _seconds(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    whole = times.astype("datetime64[s]")
    return np.where(np.isnat(whole), 0, whole.astype(np.int64))


def choose(cells: pd.Series, date_format: str) -> tuple[str, str | None]:
    """The format of the dates, and the one with day and month swapped if that fits every row as well.

    `auto` takes the format of a fixed list that fits most rows; of two that swap day and month
    and fit equally well, the one whose days lie closer together.

    Args:
        cells: text.
        date_format: strptime format, or `auto`.

    Returns:
        The format, and None or the other one: it reads every row that the format reads, and at
        least one of them as another day.
    """
    distinct = cells.str.strip().drop_duplicates()
    if date_format != AUTO:
        return date_format, _swapped_too(distinct, date_format)
    sample = distinct.iloc[:: max(1, len(distinct) // 200)]
    formats = [day + clock for day in _DATES for clock in _CLOCKS]
    scores = {name: _fits(sample, name) for name in formats}
    best = max(scores, key=lambda name: scores[name])
    if not scores[best]:
        return "%Y-%m-%d", None  # nothing fits: every row breaks `bad_date`
    other = _swap(best)
    if other is not None and _fits(distinct, other) > _fits(distinct, best):
        best, other = other, best
    ambiguous = _swapped_too(distinct, best)
    if ambiguous is not None and _span(distinct, ambiguous) < _span(distinct, best):
        best, ambiguous = ambiguous, best
    return best, ambiguous


def _fits(cells: pd.Series, date_format: str) -> int:
    import pandas as pd

    text = cells[cells.str.fullmatch(r"[^\d]*\d.*", flags=re.ASCII)]
    if not len(text):
        return 0
    found = pd.to_datetime(text, format=date_format, exact=True, errors="coerce", utc="%z" in date_format)
    return int(found.notna().sum())


def _days(cells: pd.Series, date_format: str) -> Days:
    wall, _ = parse(cells, date_format, "UTC" if "%z" in date_format else "")
    return wall.astype("datetime64[D]")


def _span(cells: pd.Series, date_format: str) -> int:
    days = _days(cells, date_format)
    days = days[~np.isnat(days)]
    return int((days.max() - days.min()).astype(np.int64)) if len(days) else 0


def _swap(date_format: str) -> str | None:
    """The format with day and month swapped; None where the year comes first: nobody writes that."""
    year, day, month = (date_format.replace("%y", "%Y").find(part) for part in ("%Y", "%d", "%m"))
    if min(day, month) < 0 or 0 <= year < min(day, month):
        return None
    return date_format.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")


def _swapped_too(cells: pd.Series, date_format: str) -> str | None:
    other = _swap(date_format)
    if other is None or not len(cells):
        return None
    days, swapped = _days(cells, date_format), _days(cells, other)
    readable = ~np.isnat(days)
    if not readable.any() or np.isnat(swapped[readable]).any():
        return None
    return other if (days[readable] != swapped[readable]).any() else None


def day_hours(days: Days, timezone: str) -> NDArray[np.float64]:
    """Hours of each local day: 24, but where the clock is changed 23 or 25 (or 24 ± 0.5)."""
    import pandas as pd

    if not timezone or not len(days):
        return np.full(len(days), 24.0)

    def midnight(which: Days) -> NDArray[np.int64]:
        found = pd.Series(which.astype("datetime64[s]"))
        first = np.ones(len(found), dtype=bool)
        local = found.dt.tz_localize(timezone, ambiguous=first, nonexistent="shift_forward")
        return _seconds(local.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())

    return (midnight(days + np.timedelta64(1, "D")) - midnight(days)) / HOUR


def spacing(instants: NDArray[np.int64]) -> tuple[float, bool]:
    """Seconds from one time to the next (the median), and whether most steps are that long."""
    steps = np.diff(np.unique(instants))
    if not len(steps):
        return float("nan"), False
    middle = float(np.median(steps))
    return middle, bool(np.mean(steps == middle) >= 0.5)
