"""One row a day: the value of each day of a series, and what the day rules look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.validation.series import times
from strokecast.validation.series.calendar import WEEK, Days
from strokecast.validation.series.rows import aggregates, extras, several, weekdays

if TYPE_CHECKING:
    import pandas as pd

AROUND = 13  # same weekdays that an outlier is held against: six weeks before, six after
ENOUGH = 5  # same weekdays that it takes to judge one
MAD_TO_STD = 1.4826  # of a normal distribution
FLOOR = 0.02  # share of the median; a scaled MAD is never taken to be smaller


def days_table(frame: pd.DataFrame, good: NDArray[np.bool_], source: Mapping[str, Any]) -> pd.DataFrame:
    """The days that accepted rows give, series by series, in order.

    Args:
        frame: from `series_rows.rows_table`.
        good: bool [n_rows]: accepted by the row rules, and not outside.
        source: contents of `source.json`: `aggregate`, `timezone`.

    Returns:
        `unique_id` str, `day` datetime64[s], `value` float64, `rows` int64 (rows behind it),
        `day_type` (where told), `extra: <header>` float64 for each further column, and
        `zero_run`: length in days of the run of zeros that the day is in (0: it is not zero),
        `constant_run`: length of the run of this very value (0: it is zero),
        `usual` float64: the same weekday's median of the weeks around (NaN: too few),
        `deviation` float64: scaled MADs from it (NaN: too few, or `usual` is 0),
        `share` float64: timestamps there, of those that should be (NaN: daily, or no steady step),
        `clock_change` float64: |hours of the day - 24| (NaN: daily, or no timezone).

    Raises:
        UserError: if a day's values add up to no finite number.
    """
    import pandas as pd

    tables = []
    for name, at in several(frame):
        rows = frame.iloc[at[good[at]]]
        groups = rows.groupby("day", sort=True)
        value = groups["value"]
        with np.errstate(over="ignore"):
            summed = value.mean() if source.get("aggregate") == "mean" else value.sum()
        table = pd.DataFrame({"day": summed.index, "value": summed.to_numpy(dtype=np.float64)})
        if not np.isfinite(table["value"]).all():
            day = table["day"][~np.isfinite(table["value"])].iloc[0].date()
            raise UserError(f"the values of {day} add up to no finite number", where="series.csv")
        for further in extras(rows):
            own = groups[further]
            table[further] = (own.mean() if source.get("aggregate") == "mean" else own.sum()).to_numpy()
        table["rows"] = groups.size().to_numpy(dtype=np.int64)
        if "day_type" in rows:
            table["day_type"] = groups["day_type"].first().to_numpy()
        table.insert(0, "unique_id", name)
        days: Days = table["day"].to_numpy().astype("datetime64[D]")
        numbers = table["value"].to_numpy()
        table["zero_run"], table["constant_run"] = runs(days, numbers)
        table["usual"], table["deviation"] = deviations(days, numbers)
        table["share"], table["clock_change"] = _clock(table, rows, days, source)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def runs(days: Days, values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lengths of the runs of consecutive days with one value that each day is in: of zeros, of others."""
    if not len(days):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    goes_on = (np.diff(days).astype(np.int64) == 1) & (values[1:] == values[:-1])
    number = np.concatenate([[0], np.cumsum(~goes_on)])
    length = np.bincount(number)[number]
    zero = values == 0
    return np.where(zero, length, 0), np.where(zero, 0, length)


def deviations(days: Days, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same weekday's median of the `AROUND` nearest weeks, and the distance from it in scaled MADs."""
    usual, score = np.full(len(days), np.nan), np.full(len(days), np.nan)
    weekday = weekdays(days)
    for which in range(WEEK):
        at = np.flatnonzero(weekday == which)
        size = min(AROUND, len(at))
        if size < ENOUGH:
            continue
        own = values[at]
        start = np.clip(np.arange(len(at)) - size // 2, 0, len(at) - size)
        near = own[start[:, None] + np.arange(size)]
        with np.errstate(over="ignore", invalid="ignore"):
            middle = np.median(near, axis=1)
            spread = MAD_TO_STD * np.median(np.abs(near - middle[:, None]), axis=1)
            away = np.abs(own - middle) / np.maximum(spread, FLOOR * np.abs(middle))
        usual[at] = middle
        score[at] = np.where((middle != 0) & np.isfinite(away), away, np.nan)
    return usual, score


def _clock(
    table: pd.DataFrame, rows: pd.DataFrame, days: Days, source: Mapping[str, Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nothing = np.full(len(days), np.nan)
    if not aggregates(source) or not len(days):
        return nothing, nothing.copy()
    step, steady = times.spacing(rows["instant"].to_numpy())
    if not 0 < step < 24 * times.HOUR:
        return nothing, nothing.copy()
    hours = times.day_hours(days, source.get("timezone", ""))
    share = table["rows"].to_numpy() / np.maximum(1.0, np.round(hours * times.HOUR / step))
    change = np.abs(hours - 24.0) if source.get("timezone") else nothing.copy()
    return (share if steady else nothing), change
