"""The row table of a series: the columns that the row rules check."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from strokecast.params import SeriesQuality
from strokecast.validation.series.numbers import has_other_separator, parse_numbers
from strokecast.validation.series.source import SeriesSource
from strokecast.validation.series.timestamps import parse_timestamps, time_step

if TYPE_CHECKING:
    import pandas as pd

EXTRA_PREFIX = "extra: "  # precedes the header of an extra column of numbers
_PART_PREFIX = "part: "
_DAY = 86_400  # seconds
_SATURDAY = 5


def split_by_series(frame: pd.DataFrame) -> list[tuple[str, NDArray[np.int64]]]:
    """(unique_id, positions) of each series, sorted by name; ("", all) without a column `unique_id`."""
    if "unique_id" not in frame:
        return [("", np.arange(len(frame)))]
    groups = {str(name): rows for name, rows in frame.groupby("unique_id", sort=False).indices.items()}
    return [(name, np.sort(groups[name])) for name in sorted(groups)]


def extra_columns(frame: pd.DataFrame) -> list[str]:
    """Names of the extra columns of numbers in a table: `extra: <header>`."""
    return [str(name) for name in frame if str(name).startswith(EXTRA_PREFIX)]


def weekdays(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Weekday of each day: 0 Monday to 6 Sunday; -1 for NaT."""
    numbers = (days.astype("datetime64[D]").astype(np.int64) + 3) % 7
    return np.where(np.isnat(days), -1, numbers)


def build_row_table(
    cells: pd.DataFrame, source: SeriesSource, settings: SeriesQuality, date_format: str
) -> pd.DataFrame:
    """One row per row of the files.

    Args:
        cells: from `sources.tables.read_series`.
        source: facts about the source.
        settings: `quality.series` of params.yaml.
        date_format: the strptime format of the dates.

    Returns:
        `row`, `ds`, `y` (and `unique_id`, `file`, `day_type`) of `cells`, and
        `value` float64: the number in `y` (NaN: not a number),
        `other_separator` int8: 1 if `y` is a number with another thousands separator,
        `number` float64: `value`, or 0 if only the separator is wrong; NaN if `y` or an extra column
        is not a number,
        `extra: <name>` float64 per extra column (NaN: not a number),
        `day` datetime64[s] (NaT: not readable), `instant` int64 in seconds,
        `local` datetime64[s]: local time,
        `outside` int8: 1 if no rule checks the row: before `start`, after `end`, or `partial` and left out,
        `partial` int8: 1 in a first or last day that the timestamps cover only in part,
        `in_future` int8: 1 after `today`,
        `earlier_copies` int64: earlier rows with the same time, values and day type,
        `conflicts` int8: 1 if an earlier row has the same time and other values or day type, and no earlier row
        has the same values,
        `first_position` int64: position of the first row with the same time (-1: this one),
        `days_since_previous` float64: days since the previous row of the series and file, without
        duplicates, conflicts and future rows,
        `day_type_mismatch` float64: 1 if the weekday contradicts the day type (NaN: not known),
        `total_error` float64: |total - sum of its parts| (NaN: not known).
    """
    frame = cells[["row"]].copy()
    for name in ("ds", "y"):
        frame[name] = cells[name].fillna("").astype(str)
    for name in ("unique_id", "file", "day_type"):
        if name in cells:
            frame[name] = cells[name].fillna("").astype(str).str.strip()
    _add_numbers(frame, cells, source)
    local = np.full(len(frame), np.datetime64("NaT"), dtype="datetime64[s]")
    instants = np.zeros(len(frame), dtype=np.int64)
    partial = np.zeros(len(frame), dtype=bool)
    for _, rows in split_by_series(frame):
        local[rows], instants[rows] = parse_timestamps(frame["ds"].iloc[rows], date_format, source.timezone)
        if source.has_timestamps:
            partial[rows] = _in_partial_days(local[rows], instants[rows])
    days = local.astype("datetime64[D]")
    frame["day"], frame["local"], frame["instant"] = days.astype("datetime64[s]"), local, instants
    outside = partial & (settings.partial_day != "warn")
    if settings.start:
        outside |= days < np.datetime64(settings.start)
    if settings.end:
        outside |= days > np.datetime64(settings.end)
    frame["outside"], frame["partial"] = outside.astype(np.int8), partial.astype(np.int8)
    today = np.datetime64(settings.today or datetime.date.today().isoformat())
    frame["in_future"] = (~outside & (days > today)).astype(np.int8)
    time_keys = instants if source.has_timestamps else days.astype(np.int64)
    has_numbers = (frame["value"].notna() & frame["number"].notna()).to_numpy()
    _add_comparisons(frame, time_keys, ~outside & ~np.isnat(days) & has_numbers)
    frame["day_type_mismatch"] = _day_type_mismatch(frame, days, outside)
    frame["total_error"] = _total_error(cells, frame, source, outside)
    return frame


def _add_numbers(frame: pd.DataFrame, cells: pd.DataFrame, source: SeriesSource) -> None:
    marks = (source.thousands, source.decimal)
    frame["value"] = parse_numbers(frame["y"], *marks)
    other_separator = has_other_separator(frame["y"], frame["value"].to_numpy(), *marks)
    frame["other_separator"] = other_separator.astype(np.int8)
    frame["number"] = np.where(other_separator, 0.0, frame["value"])
    for name in extra_columns(cells):
        frame[name] = parse_numbers(cells[name].fillna("").astype(str), *marks)
        frame.loc[frame[name].isna(), "number"] = np.nan


def _add_comparisons(
    frame: pd.DataFrame, time_keys: NDArray[np.int64], comparable: NDArray[np.bool_]
) -> None:
    """Add the columns that compare rows of the same time, and consecutive rows."""
    import pandas as pd

    n_rows = len(frame)
    series = frame["unique_id"] if "unique_id" in frame else pd.Series("", index=frame.index)
    keys = pd.DataFrame({"id": series, "time": time_keys, "position": np.arange(n_rows)})
    value_columns = ["value", *extra_columns(frame), *(["day_type"] if "day_type" in frame else [])]
    rows = keys.join(frame[value_columns])[comparable]
    copies = np.zeros(n_rows, dtype=np.int64)
    copies[comparable] = rows.groupby(["id", "time", *value_columns]).cumcount().to_numpy()
    first = np.full(n_rows, -1, dtype=np.int64)
    first[comparable] = rows.groupby(["id", "time"])["position"].transform("first").to_numpy()
    conflicts = comparable & (copies == 0) & (first != np.arange(n_rows))
    frame["earlier_copies"], frame["conflicts"] = copies, conflicts.astype(np.int8)
    frame["first_position"] = np.where(first == np.arange(n_rows), -1, first)
    readable = (frame["outside"] == 0) & frame["day"].notna() & (frame["in_future"] == 0)
    ordered = readable.to_numpy() & (copies == 0) & ~conflicts
    days_since_previous = np.full(n_rows, np.nan)
    for positions in _consecutive_rows(frame, ordered):
        days_since_previous[positions[1:]] = np.diff(frame["instant"].to_numpy()[positions]) / _DAY
    frame["days_since_previous"] = days_since_previous


def _consecutive_rows(frame: pd.DataFrame, mask: NDArray[np.bool_]) -> Iterator[NDArray[np.int64]]:
    """Positions of the rows in `mask`, per series and file, in the order of the file."""
    import pandas as pd

    positions = np.flatnonzero(mask)
    names = [name for name in ("unique_id", "file") if name in frame]
    if not names:
        yield positions
        return
    keys = [frame[name].to_numpy()[positions] for name in names]
    for _, group in pd.Series(positions).groupby(keys, sort=True):
        yield group.to_numpy()


def _in_partial_days(local: NDArray[np.datetime64], instants: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows of the first and last day if the timestamps do not cover that day from midnight to midnight."""
    readable = ~np.isnat(local)
    partial = np.zeros(len(local), dtype=bool)
    if not readable.any():
        return partial
    step, _ = time_step(instants[readable])
    if not 0 < step < _DAY:
        return partial
    days = local.astype("datetime64[D]")
    first, last = local[readable].min(), local[readable].max()
    first_day, last_day = first.astype("datetime64[D]"), last.astype("datetime64[D]")
    since_midnight = (first - first_day.astype("datetime64[s]")).astype(np.int64)
    until_midnight = _DAY - (last - last_day.astype("datetime64[s]")).astype(np.int64)
    if since_midnight >= step:
        partial |= days == first_day
    if until_midnight > step:
        partial |= days == last_day
    return partial


def _day_type_mismatch(
    frame: pd.DataFrame, days: NDArray[np.datetime64], outside: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """1 unless the day type is U (Sunday or holiday), A on a Saturday, or W on a weekday."""
    mismatch = np.full(len(frame), np.nan)
    if "day_type" not in frame:
        return mismatch
    checked = ~outside & ~np.isnat(days)
    day_type, weekday = frame["day_type"].to_numpy(), weekdays(days)
    matches = (day_type == "U") | ((day_type == "A") & (weekday == _SATURDAY))
    matches |= (day_type == "W") & (weekday < _SATURDAY)
    mismatch[checked] = (~matches[checked]).astype(np.float64)
    return mismatch


def _total_error(
    cells: pd.DataFrame, frame: pd.DataFrame, source: SeriesSource, outside: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """|total - sum of the parts|. Cells that are not numbers count as 0; rows without a value give NaN."""
    part_names = [str(name) for name in cells if str(name).startswith(_PART_PREFIX)]
    if "total" not in cells or not part_names:
        return np.full(len(frame), np.nan)

    def numbers(name: str) -> NDArray[np.float64]:
        text = cells[name].fillna("").astype(str)
        return np.nan_to_num(parse_numbers(text, source.thousands, source.decimal))

    total = numbers("total")
    tolerance = 1e-9 * np.maximum(1.0, np.abs(total))
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(total - np.sum([numbers(name) for name in part_names], axis=0))
    error[error <= tolerance] = 0.0
    error[outside | frame["value"].isna().to_numpy()] = np.nan
    return error
