"""The day table of a series: the value of each day, and the columns that the day rules check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from strokecast.validation.series.calendar import WEEK, Days
from strokecast.validation.series.rows import extra_columns, split_by_series, weekdays
from strokecast.validation.series.source import SeriesSource
from strokecast.validation.series.timestamps import HOUR, local_day_hours, time_step

if TYPE_CHECKING:
    import pandas as pd

_WINDOW = 13  # same weekdays around a day whose median it is compared with
_MIN_WINDOW = 5  # with fewer of the same weekday, a day is not compared
_MAD_TO_STD = 1.4826  # of a normal distribution
_MIN_SCALED_MAD = 0.02  # share of the median


def build_day_table(frame: pd.DataFrame, accepted: NDArray[np.bool_], source: SeriesSource) -> pd.DataFrame:
    """The days of the accepted rows, series by series, in order.

    Args:
        frame: from `rows.build_row_table`.
        accepted: bool [n_rows]: accepted by the row rules, and not outside.
        source: facts about the source.

    Returns:
        `unique_id` str, `day` datetime64[s], `value` float64, `rows` int64 (number of rows),
        `day_type` (if the file has it), `extra: <header>` float64 per extra column, and
        `zero_run` int64: length in days of the run of zeros around the day (0: the value is not 0),
        `constant_run` int64: length of the run of the same value (0: the value is 0),
        `weekday_median` float64: median of the same weekday in the surrounding weeks (NaN: too few),
        `deviation` float64: distance from it in scaled MADs (NaN: too few, or the median is 0),
        `timestamp_share` float64: timestamps over expected timestamps (NaN: daily, or no regular step),
        `clock_change` float64: |hours of the day - 24| (NaN: daily, or no timezone).
    """
    import pandas as pd

    use_mean = source.aggregate == "mean"
    tables = []
    for name, positions in split_by_series(frame):
        rows = frame.iloc[positions[accepted[positions]]]
        groups = rows.groupby("day", sort=True)
        values = groups["value"].mean() if use_mean else groups["value"].sum()
        table = pd.DataFrame({"day": values.index, "value": values.to_numpy(dtype=np.float64)})
        for extra in extra_columns(rows):
            table[extra] = (groups[extra].mean() if use_mean else groups[extra].sum()).to_numpy()
        table["rows"] = groups.size().to_numpy(dtype=np.int64)
        if "day_type" in rows:
            table["day_type"] = groups["day_type"].first().to_numpy()
        table.insert(0, "unique_id", name)
        days: Days = table["day"].to_numpy().astype("datetime64[D]")
        numbers = table["value"].to_numpy()
        table["zero_run"], table["constant_run"] = run_lengths(days, numbers)
        table["weekday_median"], table["deviation"] = weekday_deviations(days, numbers)
        table["timestamp_share"], table["clock_change"] = _timestamp_coverage(table, rows, days, source)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def run_lengths(days: Days, values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Length of the run of consecutive days with the same value around each day, int64 [n] each.

    Returns:
        The length for days with value 0 (0 for other days), and for other days (0 for value 0).
    """
    if not len(days):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    continues = (np.diff(days).astype(np.int64) == 1) & (values[1:] == values[:-1])
    run_ids = np.concatenate([[0], np.cumsum(~continues)])
    lengths = np.bincount(run_ids)[run_ids]
    is_zero = values == 0
    return np.where(is_zero, lengths, 0), np.where(is_zero, 0, lengths)


def weekday_deviations(
    days: Days, values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median of the same weekday in the 13 nearest weeks, and the distance from it in scaled MADs.

    Both are float64 [n]; NaN with fewer than 5 days of that weekday. A scaled MAD is at least 2 %
    of the median.
    """
    medians, deviations = np.full(len(days), np.nan), np.full(len(days), np.nan)
    weekday_of = weekdays(days)
    for weekday in range(WEEK):
        positions = np.flatnonzero(weekday_of == weekday)
        window = min(_WINDOW, len(positions))
        if window < _MIN_WINDOW:
            continue
        same_weekday = values[positions]
        start = np.clip(np.arange(len(positions)) - window // 2, 0, len(positions) - window)
        windows = same_weekday[start[:, None] + np.arange(window)]
        with np.errstate(over="ignore", invalid="ignore"):
            median = np.median(windows, axis=1)
            scaled_mad = _MAD_TO_STD * np.median(np.abs(windows - median[:, None]), axis=1)
            distance = np.abs(same_weekday - median) / np.maximum(
                scaled_mad, _MIN_SCALED_MAD * np.abs(median)
            )
        medians[positions] = median
        deviations[positions] = np.where((median != 0) & np.isfinite(distance), distance, np.nan)
    return medians, deviations


def _timestamp_coverage(
    table: pd.DataFrame, rows: pd.DataFrame, days: Days, source: SeriesSource
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`timestamp_share` and `clock_change` of `build_day_table`."""
    unknown = np.full(len(days), np.nan)
    if not source.has_timestamps or not len(days):
        return unknown, unknown.copy()
    step, is_regular = time_step(rows["instant"].to_numpy())
    if not 0 < step < 24 * HOUR:
        return unknown, unknown.copy()
    hours = local_day_hours(days, source.timezone)
    share = table["rows"].to_numpy() / np.maximum(1.0, np.round(hours * HOUR / step))
    clock_change = np.abs(hours - 24.0) if source.timezone else unknown.copy()
    return (share if is_regular else unknown), clock_change
