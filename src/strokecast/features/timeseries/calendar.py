"""Features known of every day, past and future: weekday, month, time of year, public holidays, day type, trend.

Source of the Fourier terms of the year: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition,
section 7.4, https://otexts.com/fpp3/useful-predictors.html

Shapes: n days, F features.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.common.public_holidays import holidays

Days = NDArray[np.datetime64]
Floats = NDArray[np.float32]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_YEAR = 365.25
_HARMONICS = 4
_KEY = "params.yaml: features.forecast"


@dataclass(frozen=True)
class Calendar:
    """The calendar features of a series; everything that depends on data is fitted on the training days.

    Attributes:
        kinds: of `weekday`, `month`, `year`, `day_type` and `trend`.
        holiday_country: country or region whose holidays are flags, e.g. `US` or `US-IL`; None: no holidays.
        holiday_names: the holidays that have a flag of their own.
        day_types: the day types that have a flag.
        trend_start: the first training day, where the trend is 0.
        holiday_window: days before and after each of `holiday_names` that have a flag of their own.
        bridge_days: whether working days between a holiday and a weekend have a flag.
    """

    kinds: tuple[str, ...]
    holiday_country: str | None
    holiday_names: tuple[str, ...]
    day_types: tuple[str, ...]
    trend_start: str
    holiday_window: int = 0
    bridge_days: bool = False

    @property
    def feature_names(self) -> list[str]:
        """Names of the F features, in order."""
        names: list[str] = []
        for kind in self.kinds:
            names += {
                "weekday": [f"weekday_{name}" for name in WEEKDAYS],
                "month": [f"month_{number}" for number in range(1, 13)],
                "year": [f"year_{term}_{k}" for k in range(1, _HARMONICS + 1) for term in ("sin", "cos")],
                "day_type": [f"day_type_{day_type}" for day_type in self.day_types],
                "trend": ["trend"],
            }[kind]
        if self.holiday_country:
            names += [
                "holiday",
                "holiday_before",
                "holiday_after",
                *(f"holiday: {name}" for name in self.holiday_names),
                *(f"holiday: {name} {offset:+d}" for name in self.holiday_names for offset in self._offsets),
                *(["holiday_bridge"] if self.bridge_days else []),
            ]
        return names

    @property
    def special_day_indices(self) -> list[int]:
        """Positions of the features of holidays and day types, which distinguish a day from its neighbours."""
        return [
            index
            for index, name in enumerate(self.feature_names)
            if name.startswith(("holiday", "day_type_"))
        ]

    @property
    def _offsets(self) -> list[int]:
        """Days from a holiday to the days around it that have a flag."""
        return [offset for offset in range(-self.holiday_window, self.holiday_window + 1) if offset]

    def transform(self, days: Days, day_types: Sequence[str | None] | None = None) -> Floats:
        """The features of `days`, float32 [n, F].

        Args:
            days: datetime64[D], shape [n].
            day_types: the day type of each day; needed if `kinds` has `day_type`.

        Raises:
            UserError: if a day type is missing or unknown; names the first such day.
        """
        columns = [self._kind(kind, days, day_types) for kind in self.kinds]
        if self.holiday_country:
            columns.append(self._holidays(days))
        if not columns:
            return np.zeros((len(days), 0), np.float32)
        return np.concatenate(columns, axis=1).astype(np.float32)

    def _kind(self, kind: str, days: Days, day_types: Sequence[str | None] | None) -> NDArray[Any]:
        numbers = days.astype("datetime64[D]").astype(np.int64)  # day 0 was a Thursday
        if kind == "weekday":
            return np.eye(7)[(numbers + 3) % 7]
        if kind == "month":
            return np.eye(12)[days.astype("datetime64[M]").astype(np.int64) % 12]
        if kind == "year":
            day_of_year = (days - days.astype("datetime64[Y]")).astype("timedelta64[D]").astype(np.int64)
            angle = 2 * np.pi * day_of_year[:, None] * np.arange(1, _HARMONICS + 1) / _YEAR  # [n, harmonics]
            return np.stack([np.sin(angle), np.cos(angle)], axis=2).reshape(len(days), 2 * _HARMONICS)
        if kind == "trend":
            return (numbers - np.datetime64(self.trend_start).astype(np.int64))[:, None] / (10 * _YEAR)
        if day_types is None or len(day_types) < len(days):
            count = 0 if day_types is None else len(day_types)
            raise UserError(
                f"the day_type of {days[count]} is not known",
                location="input",
                fix="give the day types of the forecast days",
            )
        flags = np.zeros((len(days), len(self.day_types)))
        for row, day_type in enumerate(day_types[: len(days)]):
            if day_type not in self.day_types:
                raise UserError(
                    f"day_type {day_type!r} on {days[row]}", location="input", allowed=self.day_types
                )
            flags[row, self.day_types.index(day_type)] = 1
        return flags

    def _holidays(self, days: Days) -> NDArray[Any]:
        offsets, first_offset = self._offsets, 3 + len(self.holiday_names)
        bridge = first_offset + len(self.holiday_names) * len(offsets)
        flags = np.zeros((len(days), bridge + self.bridge_days))
        if len(days) == 0:
            return flags
        by_day = holidays(str(self.holiday_country), int(str(days[0])[:4]) - 1, int(str(days[-1])[:4]) + 1)
        one_day = datetime.timedelta(days=1)
        for row, day in enumerate(days.astype("datetime64[D]").tolist()):
            flags[row, 0] = day in by_day
            flags[row, 1] = day + one_day in by_day
            flags[row, 2] = day - one_day in by_day
            if self.bridge_days:
                flags[row, bridge] = _is_bridge(day, by_day)
            for name in by_day.get(day, ()):
                if name in self.holiday_names:
                    flags[row, 3 + self.holiday_names.index(name)] = 1
            for column, offset in enumerate(offsets):
                for name in by_day.get(day - offset * one_day, ()):
                    if name in self.holiday_names:
                        first = first_offset + self.holiday_names.index(name) * len(offsets)
                        flags[row, first + column] = 1
        return flags


def fit_calendar(
    kinds: Sequence[str],
    holiday_country: str | None,
    days: Days,
    day_types: Sequence[str | None] | None,
    holiday_window: int = 0,
    *,
    bridge_days: bool = False,
) -> Calendar:
    """The calendar of a series, fitted on its training days.

    Args:
        kinds: `calendar` of the settings.
        holiday_country: as in the settings.
        days: the training days, datetime64[D], shape [n].
        day_types: their day types; None if the series has none.
        holiday_window: as in the settings.
        bridge_days: as in the settings.

    Raises:
        UserError: if the country is not known, or if `kinds` has `day_type` and the series has no day types.
    """
    seen_types: tuple[str, ...] = ()
    if "day_type" in kinds:
        if day_types is None:
            raise UserError(
                "the series has no day types",
                location=f"{_KEY}.calendar",
                fix="remove day_type, or name its column (series.csv.day_type_column; the source cta has one)",
            )
        seen_types = tuple(sorted({day_type for day_type in day_types if day_type}))
    names: tuple[str, ...] = ()
    if holiday_country:
        first, last = (int(str(day)[:4]) for day in (days[0], days[-1]))
        by_day = holidays(holiday_country, first, last)
        start, stop = days[0].astype(datetime.date), days[-1].astype(datetime.date)
        names = tuple(
            sorted({name for day, day_names in by_day.items() if start <= day <= stop for name in day_names})
        )
    return Calendar(
        tuple(kinds), holiday_country, names, seen_types, str(days[0]), holiday_window, bridge_days
    )


def _is_bridge(day: datetime.date, by_day: Mapping[datetime.date, tuple[str, ...]]) -> bool:
    """Whether a working day lies between a holiday and a weekend: a Friday after one, or a Monday before one."""
    one_day = datetime.timedelta(days=1)
    if day in by_day or day.weekday() not in (0, 4):
        return False
    return (day - one_day if day.weekday() == 4 else day + one_day) in by_day


def merge_calendars(calendars: Sequence[Calendar]) -> Calendar:
    """One calendar for several series: the union of their holidays and day types, and the earliest trend start."""
    return replace(
        calendars[0],
        holiday_names=tuple(sorted({name for one in calendars for name in one.holiday_names})),
        day_types=tuple(sorted({day_type for one in calendars for day_type in one.day_types})),
        trend_start=min(one.trend_start for one in calendars),
    )
