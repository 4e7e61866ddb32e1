"""What is known of every day, past and to come: weekday, month, time of year, public holidays, day type, trend.

Source of the smooth terms of the year: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition,
section 7.4, https://otexts.com/fpp3/useful-predictors.html

Shapes: n days, F features.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError

Days = NDArray[np.datetime64]
Floats = NDArray[np.float32]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_YEAR = 365.25
_HARMONICS = 4
_WHERE = "params.yaml: features.forecast"


@dataclass(frozen=True)
class Calendar:
    """What is read of a day, all settled on the training days.

    Attributes:
        kinds: of `weekday`, `month`, `year`, `day_type` and `trend`.
        country: whose holidays are flags, e.g. `US` or `US-IL`; None: none.
        names: the holidays that have a flag of their own.
        day_types: the letters that have a flag.
        first: the first training day: where the trend starts.
        around: days before and after each of `names` that have a flag of their own for it.
    """

    kinds: tuple[str, ...]
    country: str | None
    names: tuple[str, ...]
    day_types: tuple[str, ...]
    first: str
    around: int = 0

    @property
    def features(self) -> list[str]:
        """Names of the F features, in order."""
        found: list[str] = []
        for kind in self.kinds:
            found += {
                "weekday": [f"weekday_{name}" for name in WEEKDAYS],
                "month": [f"month_{number}" for number in range(1, 13)],
                "year": [f"year_{term}_{k}" for k in range(1, _HARMONICS + 1) for term in ("sin", "cos")],
                "day_type": [f"day_type_{letter}" for letter in self.day_types],
                "trend": ["trend"],
            }[kind]
        if self.country:
            found += [
                "holiday",
                "holiday_before",
                "holiday_after",
                *(f"holiday: {name}" for name in self.names),
                *(f"holiday: {name} {off:+d}" for name in self.names for off in self._offsets),
            ]
        return found

    @property
    def special(self) -> list[int]:
        """Which features tell of holidays and day types: what makes a day unlike its neighbours."""
        return [at for at, name in enumerate(self.features) if name.startswith(("holiday", "day_type_"))]

    @property
    def _offsets(self) -> list[int]:
        """Days from a holiday to those that have a flag for it, the day itself left out."""
        return [off for off in range(-self.around, self.around + 1) if off]

    def known(self, days: Days, day_types: Sequence[str | None] | None = None) -> Floats:
        """The features of `days` [n], float32 [n, F].

        Args:
            days: datetime64[D] [n].
            day_types: the letter of each day; needed where `kinds` has day_type.

        Raises:
            UserError: if a day's letter is missing; names the first such day.
        """
        parts = [self._kind(kind, days, day_types) for kind in self.kinds]
        if self.country:
            parts.append(self._holidays(days))
        if not parts:
            return np.zeros((len(days), 0), np.float32)
        return np.concatenate(parts, axis=1).astype(np.float32)

    def _kind(self, kind: str, days: Days, day_types: Sequence[str | None] | None) -> NDArray[Any]:
        numbers = days.astype("datetime64[D]").astype(np.int64)  # since a Thursday
        if kind == "weekday":
            return np.eye(7)[(numbers + 3) % 7]
        if kind == "month":
            return np.eye(12)[days.astype("datetime64[M]").astype(np.int64) % 12]
        if kind == "year":
            into = (days - days.astype("datetime64[Y]")).astype("timedelta64[D]").astype(np.int64)
            angle = 2 * np.pi * into[:, None] * np.arange(1, _HARMONICS + 1) / _YEAR  # [n, harmonics]
            return np.stack([np.sin(angle), np.cos(angle)], axis=2).reshape(len(days), 2 * _HARMONICS)
        if kind == "trend":
            return (numbers - np.datetime64(self.first).astype(np.int64))[:, None] / (10 * _YEAR)
        if day_types is None or len(day_types) < len(days):
            there = 0 if day_types is None else len(day_types)
            raise UserError(
                f"no day_type is known of {days[there]}",
                where="input",
                fix="give the day types of the days to come",
            )
        flags = np.zeros((len(days), len(self.day_types)))
        for row, letter in enumerate(day_types[: len(days)]):
            if letter not in self.day_types:
                raise UserError(
                    f"day_type {letter!r} on {days[row]}", where="input", allowed=", ".join(self.day_types)
                )
            flags[row, self.day_types.index(letter)] = 1
        return flags

    def _holidays(self, days: Days) -> NDArray[Any]:
        offsets, own = self._offsets, 3 + len(self.names)
        flags = np.zeros((len(days), own + len(self.names) * len(offsets)))
        if len(days) == 0:
            return flags
        named = holidays(str(self.country), int(str(days[0])[:4]) - 1, int(str(days[-1])[:4]) + 1)
        one = datetime.timedelta(days=1)
        for row, day in enumerate(days.astype("datetime64[D]").tolist()):
            flags[row, 0] = day in named
            flags[row, 1] = day + one in named
            flags[row, 2] = day - one in named
            for name in named.get(day, ()):
                if name in self.names:
                    flags[row, 3 + self.names.index(name)] = 1
            for place, off in enumerate(offsets):
                for name in named.get(day - off * one, ()):
                    if name in self.names:
                        flags[row, own + self.names.index(name) * len(offsets) + place] = 1
        return flags


def settle(
    kinds: Sequence[str],
    country: str | None,
    days: Days,
    day_types: Sequence[str | None] | None,
    around: int = 0,
) -> Calendar:
    """The calendar of the training days.

    Args:
        kinds: of the settings.
        country: of the settings.
        days: datetime64[D] [n], the training days.
        day_types: their letters, where the series has them.
        around: of the settings (`holiday_days`).

    Raises:
        UserError: if the country is not known, or day types are asked for and there are none.
    """
    letters: tuple[str, ...] = ()
    if "day_type" in kinds:
        if day_types is None:
            raise UserError(
                "the series has no day types",
                where=f"{_WHERE}.calendar",
                fix="leave day_type out, or name the column (series.csv.day_type_column; cta has it)",
            )
        letters = tuple(sorted({letter for letter in day_types if letter}))
    names: tuple[str, ...] = ()
    if country:
        first, last = (int(str(day)[:4]) for day in (days[0], days[-1]))
        within = holidays(country, first, last)
        start, stop = days[0].astype(datetime.date), days[-1].astype(datetime.date)
        seen = {name for day, listed in within.items() if start <= day <= stop for name in listed}
        names = tuple(sorted(seen))
    return Calendar(tuple(kinds), country, names, letters, str(days[0]), around)


def joined(each: Sequence[Calendar]) -> Calendar:
    """One calendar for several series: all that any of them has; the trend starts with the earliest."""
    return replace(
        each[0],
        names=tuple(sorted({name for one in each for name in one.names})),
        day_types=tuple(sorted({letter for one in each for letter in one.day_types})),
        first=min(one.first for one in each),
    )


def holidays(country: str, first: int, last: int) -> dict[datetime.date, tuple[str, ...]]:
    """The public holidays of a country (`US`) or a part of it (`US-IL`) from year `first` to `last`.

    Observed days count as the holiday they stand for.

    Raises:
        UserError: if the package `holidays` does not know the country or the part.
    """
    import holidays as package

    code, _, part = country.partition("-")
    try:
        found = package.country_holidays(code, subdiv=part or None, years=range(first, last + 1))
    except NotImplementedError:
        known = package.list_supported_countries().get(code)
        allowed = (
            f"{code} alone, or with one of {', '.join(known[:12])} ..."
            if known
            else "an ISO code as US or US-IL"
        )
        raise UserError(
            f"no holidays are known of {country!r}", where=f"{_WHERE}.country", allowed=allowed
        ) from None
    return {
        day: tuple(name.removesuffix(" (observed)") for name in found.get_list(day)) for day in sorted(found)
    }
