"""Parse dates and timestamps: local times, instants, and the hours of local days."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.validation.series.calendar import Days

if TYPE_CHECKING:
    import pandas as pd

HOUR = 3600  # seconds
_TIME_DIRECTIVE = re.compile("%[HIMSfpzZcX]")
_MIDNIGHT = re.compile(r"(?<=\d)[T ]00:00(?::00(?:\.0+)?)?$")
_DATE_FORMAT_KEY = "params.yaml: series.csv.date_format"

Seconds = NDArray[np.datetime64]  # datetime64[s]


def parse_timestamps(
    cells: pd.Series, date_format: str, timezone: str = ""
) -> tuple[Seconds, NDArray[np.int64]]:
    """Local times and instants of the cells; NaT if a cell does not match `date_format` in full.

    If the format has no time, a cell may end with the time of midnight, as spreadsheets write days.

    Args:
        cells: text [n].
        date_format: strptime format.
        timezone: IANA name. Times with an offset are converted to its local time. Times without
            one are local times already; in the hour that repeats in autumn, the first mention of a
            time is summer time and later mentions are winter time. "": times as the file has them,
            without offsets.

    Returns:
        Local times, datetime64[s] [n], and instants, int64 [n], in seconds without repetitions or
        jumps (0 if the time is NaT).

    Raises:
        UserError: if the format is not valid, or times have offsets and `timezone` is empty.
    """
    import pandas as pd

    try:
        if "%" not in date_format:  # pandas would infer the format from `mixed` and `ISO8601`
            raise ValueError("it has no date directive")
        has_offsets = "%z" in date_format
        text = cells.str.strip()
        times = pd.to_datetime(
            text if _TIME_DIRECTIVE.search(date_format) else strip_midnight(text),
            format=date_format,
            exact=True,
            errors="coerce",
            utc=has_offsets,
        )
        if not timezone:
            if has_offsets and times.notna().any():
                raise offset_error(text[times.notna()].iloc[0])
            if has_offsets:
                times = times.dt.tz_localize(None)
            local: Seconds = times.to_numpy().astype("datetime64[s]")
            return local, _to_seconds(local)
        if not has_offsets:
            is_first = (times.groupby(times).cumcount() == 0).to_numpy()
            times = times.dt.tz_localize(timezone, ambiguous=is_first, nonexistent="shift_forward")
        times = times.dt.tz_convert(timezone)
        local = times.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
        return local, _to_seconds(times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    except (ValueError, TypeError, AttributeError, OverflowError, re.error) as error:
        raise UserError(
            f"{date_format!r} is not valid: {error}",
            location=_DATE_FORMAT_KEY,
            allowed="a strptime format such as %Y-%m-%d or %m/%d/%Y, or auto",
        ) from None


def strip_midnight(cells: pd.Series) -> pd.Series:
    """The cells without a time of midnight at their end."""
    return cells.str.replace(_MIDNIGHT, "", regex=True)


def offset_error(cell: str) -> UserError:
    """The error for a time whose offset needs a time zone that is not configured."""
    return UserError(
        f"{cell!r} is a time with an offset from UTC, and no time zone says to which day it belongs",
        location="params.yaml: series.csv.timezone",
        fix="set it to the time zone of the days, such as Europe/Berlin, and series.csv.date_format to auto",
    )


def _to_seconds(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    seconds = times.astype("datetime64[s]")
    return np.where(np.isnat(seconds), 0, seconds.astype(np.int64))


def local_day_hours(days: Days, timezone: str) -> NDArray[np.float64]:
    """Hours of each local day, float64 [n]: 24, or 23 or 25 (or 24 ± 0.5) if the clock changes."""
    import pandas as pd

    if not timezone or not len(days):
        return np.full(len(days), 24.0)

    def midnight(days: Days) -> NDArray[np.int64]:
        times = pd.Series(days.astype("datetime64[s]"))
        is_first = np.ones(len(times), dtype=bool)
        local = times.dt.tz_localize(timezone, ambiguous=is_first, nonexistent="shift_forward")
        return _to_seconds(local.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())

    return (midnight(days + np.timedelta64(1, "D")) - midnight(days)) / HOUR


def time_step(instants: NDArray[np.int64]) -> tuple[float, bool]:
    """Median seconds between consecutive instants, and whether at least half of the steps are that long."""
    steps = np.diff(np.unique(instants))
    if not len(steps):
        return float("nan"), False
    median = float(np.median(steps))
    return median, bool(np.mean(steps == median) >= 0.5)
