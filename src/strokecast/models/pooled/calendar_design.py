"""The columns of a regression of a daily series on its calendar, in groups that share one penalty.

Every group that the length of the history allows is offered; the penalties, which are estimated from the data, decide how
much of it is used (`group_ridge`). Flags per day of the year and per day of the month learn recurring dates
without a list of holidays.

Shapes: n days, K columns of a group, N holidays.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.public_holidays import holidays
from strokecast.models.pooled.columns import Columns, Floats, Ints, dense, hat_functions, one_hot

Days = NDArray[np.datetime64]

WEEK = 7
YEAR = 365.25
SEASONS = ("year", "year x weekend", "year x weekday", "day of year")  # groups that repeat every year
UNPENALISED = "weekday"  # holds the mean of the series
TREND = "trend"  # the group that is left out of the calendar part of a forecast: the level is forecast from recent days

_SATURDAY = 5
_TREND_DAYS, _MAX_TREND_KNOTS = 60, 120  # days between the knots of the trend
_SLOW_DAYS = 730  # days between the knots of slow changes of weekdays
_HARMONICS, _WEEKEND_HARMONICS, _WEEKDAY_HARMONICS = 10, 6, 4
_FEBRUARY_29 = 59  # day of the year, from 0
_AROUND = 7  # days around each holiday that have an effect of their own
_AROUND_BY_WEEKDAY = 4  # days around each holiday with one effect per weekday


@dataclass(frozen=True)
class CalendarDesign:
    """The calendar columns of a series.

    Attributes:
        start: first day of the history.
        count: number of days of the history; the knots of trends lie within it.
        country: country or region of the holidays; None: none.
        holiday_names: the N holidays with effects of their own.
    """

    start: np.datetime64
    count: int
    country: str | None
    holiday_names: tuple[str, ...]

    def groups(self, days: Days) -> dict[str, Any]:
        """Group → `scipy.sparse.csr_matrix` [n, K].

        Args:
            days: datetime64[D] [n], consecutive.
        """
        position = (days - self.start).astype(np.float64)
        years = self.count / YEAR
        weekday_number = (days.astype(np.int64) + 3) % WEEK  # day 0 was a Thursday
        weekday = one_hot(weekday_number, WEEK)
        slow = hat_functions(position, self._knots(_SLOW_DAYS, self.count))
        columns: dict[str, Columns] = {
            "weekday": weekday,
            TREND: hat_functions(position, self._knots(_TREND_DAYS, _MAX_TREND_KNOTS)),
        }
        if years > 1.5:
            weekend = dense((weekday_number >= _SATURDAY).astype(np.float64)[:, None])
            columns["year"] = fourier(days, _HARMONICS)
            columns["year x weekend"] = weekend * fourier(days, _WEEKEND_HARMONICS)
            columns["year x weekday"] = weekday * fourier(days, _WEEKDAY_HARMONICS)
        if years > 3:
            columns["weekday x years"] = weekday * slow
        if years > 2:
            day_of_month = one_hot((days - days.astype("datetime64[M]")).astype(np.int64), 31)
            columns["day of year"] = one_hot(day_of_leap_year(days), 366)
            columns["day of month"] = day_of_month
            columns["day of month x weekday"] = weekday * day_of_month
        groups = {name: column.sparse() for name, column in columns.items()}
        return groups | (self._holiday_groups(days, weekday_number) if self.holiday_names else {})

    def _knots(self, spacing: int, max_count: int) -> Floats:
        """Equidistant knots from the first to the last day of the history."""
        segments = max(1, min(max_count, round(self.count / spacing)))
        return np.linspace(0.0, max(self.count - 1.0, 1.0), segments + 1)

    def _holiday_groups(self, days: Days, weekday: Ints) -> dict[str, Any]:
        from scipy.sparse import csr_matrix, hstack

        rows, names = holiday_positions(str(self.country), days, _AROUND)
        known = np.array([name in self.holiday_names for name in names], bool)
        number = np.array([self.holiday_names.index(name) for name in np.array(names)[known]], np.int64)
        row = rows[known][:, None] + np.arange(-_AROUND, _AROUND + 1)  # [holidays, 2 * around + 1]
        offset = np.broadcast_to(np.arange(2 * _AROUND + 1), row.shape)
        inside = (row >= 0) & (row < len(days))
        width = 2 * _AROUND + 1
        at, column = row[inside], (number[:, None] * width + offset)[inside]
        near = np.abs(offset[inside] - _AROUND) <= _AROUND_BY_WEEKDAY
        n, count = len(days), len(self.holiday_names) * width

        def flags(at: Ints, column: Ints, count: int) -> Any:
            matrix = csr_matrix((np.ones(len(at)), (at, column)), (n, count))
            matrix.data[:] = 1.0  # a day that is counted twice is one flag
            return matrix

        distance = np.abs(column % width - _AROUND)
        any_holiday = [
            flags(at[column % width == side], weekday[at[column % width == side]], WEEK)
            for side in (_AROUND - 1, _AROUND, _AROUND + 1)
        ]
        on, beside = distance == 0, distance == 1
        away = distance > 1
        return {
            "holiday": flags(at[on], column[on], count),
            "day beside a holiday": flags(at[beside], column[beside], count),
            "days around a holiday": flags(at[away], column[away], count),
            "holiday x weekday": flags(at[near], column[near] * WEEK + weekday[at[near]], count * WEEK),
            "any holiday x weekday": hstack(any_holiday).tocsr(),
        }


def fit_design(days: Days, country: str | None) -> CalendarDesign:
    """The design of a history of consecutive `days`, datetime64[D] [n]: its holidays are those that it contains."""
    names: tuple[str, ...] = ()
    if country:
        rows, all_names = holiday_positions(country, days, 0)
        names = tuple(
            sorted({name for row, name in zip(rows, all_names, strict=True) if 0 <= row < len(days)})
        )
    return CalendarDesign(days[0], len(days), country, names)


def holiday_positions(country: str, days: Days, around: int) -> tuple[Ints, list[str]]:
    """Positions in `days` of the holidays up to `around` days before and after them, and their names.

    Args:
        country: country or region.
        days: consecutive, datetime64[D] [n].
        around: days.
    """
    first, last = (int(str(day)[:4]) for day in (days[0] - around, days[-1] + around))
    dates, names = _dated_holidays(country, first, last)
    return (dates - days[0]).astype(np.int64), list(names)


@lru_cache(maxsize=64)
def _dated_holidays(country: str, first: int, last: int) -> tuple[Days, tuple[str, ...]]:
    """Days and names of the holidays from year `first` to `last`, one entry per name."""
    by_day = [(day, name) for day, names in holidays(country, first, last).items() for name in names]
    return np.array([day for day, _ in by_day], "datetime64[D]"), tuple(name for _, name in by_day)


def fourier(days: Days, harmonics: int) -> Columns:
    """Sine and cosine of the time of the year, divided by the harmonic: smooth seasons have a smaller penalty."""
    year = days.astype("datetime64[Y]")
    length = ((year + 1).astype("datetime64[D]") - year.astype("datetime64[D]")).astype(np.float64)
    share = (days - year.astype("datetime64[D]")).astype(np.float64) / length
    number = np.arange(1, harmonics + 1)
    angle = 2 * np.pi * share[:, None] * number  # [n, harmonics]
    return dense(np.concatenate([np.sin(angle) / number, np.cos(angle) / number], axis=1))


def day_of_leap_year(days: Days) -> Ints:
    """Position of the date in a leap year, 0 to 365: a date has the same number every year."""
    year = days.astype("datetime64[Y]")
    day = (days - year.astype("datetime64[D]")).astype(np.int64)
    is_leap = ((year + 1).astype("datetime64[D]") - year.astype("datetime64[D]")).astype(np.int64) == 366
    return np.where(~is_leap & (day >= _FEBRUARY_29), day + 1, day)
