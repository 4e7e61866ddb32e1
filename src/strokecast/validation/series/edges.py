"""Incomplete first and last days of a series: a day whose count began late or ended early.

Timestamps show it directly. Of daily values, a day counts as incomplete if it is far below what its weekday implies
while its neighbours are not, and no other year of the series has such a low day on that date or weekday, as a holiday would be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from strokecast.validation.series.calendar import WEEK, Days
from strokecast.validation.series.rows import split_by_series

if TYPE_CHECKING:
    import pandas as pd

_MAX_DAYS = 3  # incomplete days per end; more low days than that are a change of level
_MIN_NEIGHBOURS = 4  # of the seven days beside a day that must be known
_MIN_OF_HOLIDAY = (
    0.25  # of the value of the same holiday in another year, each relative to its weekday's median
)
_MIN_DEVIATION = 3.0  # scaled MADs below the weekday's median
_YEAR_DAYS = 365.25


@dataclass(frozen=True)
class PartialDay:
    """An incomplete first or last day.

    Args:
        unique_id: of its series; "": the only one.
        day: the day.
        reason: how it is known to be incomplete.
    """

    unique_id: str
    day: np.datetime64
    reason: str

    def __str__(self) -> str:
        return f"{self.unique_id} " * bool(self.unique_id) + f"{self.day}: {self.reason}"


def find_partial_days(frame: pd.DataFrame, days: pd.DataFrame, share: float) -> list[PartialDay]:
    """The incomplete first and last days of all series, in order.

    Args:
        frame: from `rows.build_row_table`; its column `partial` has the days that timestamps do not cover.
        days: from `days.build_day_table`.
        share: of what the weekday implies; a first or last day below it is incomplete.
    """
    found = {(partial.unique_id, partial.day): partial for partial in _by_value(days, share)}
    found |= {(partial.unique_id, partial.day): partial for partial in _by_timestamps(frame)}
    return [found[key] for key in sorted(found)]


def _by_timestamps(frame: pd.DataFrame) -> Iterator[PartialDay]:
    is_partial = (frame["partial"] == 1).to_numpy()
    if not is_partial.any():
        return
    local = frame["local"].to_numpy()
    for name, rows in split_by_series(frame):
        times = np.sort(local[rows[is_partial[rows]]])
        days = times.astype("datetime64[D]")
        for day in np.unique(days):
            own = times[days == day]
            yield PartialDay(name, day, f"timestamps from {str(own[0])[11:16]} to {str(own[-1])[11:16]}")


def _by_value(days: pd.DataFrame, share: float) -> Iterator[PartialDay]:
    for name, own in days.groupby("unique_id", sort=False):
        dates: Days = own["day"].to_numpy().astype("datetime64[D]")
        values, medians = own["value"].to_numpy(), own["weekday_median"].to_numpy()
        for position in partial_positions(dates, values, medians, own["deviation"].to_numpy(), share):
            percent = 100 * values[position] / medians[position]
            reason = (
                f"{values[position]:.10g}, {percent:.0f} % of its weekday's median {medians[position]:.10g}"
            )
            yield PartialDay(str(name), dates[position], reason)


def partial_positions(
    days: Days,
    values: NDArray[np.float64],
    medians: NDArray[np.float64],
    deviations: NDArray[np.float64],
    share: float,
) -> list[int]:
    """Positions of the incomplete days at both ends, ascending; at most three per end.

    Args:
        days: datetime64[D] [n], ascending.
        values: float64 [n].
        medians: float64 [n]: of the same weekday in the surrounding weeks; NaN: not known.
        deviations: float64 [n]: distance from it in scaled MADs.
        share: see `find_partial_days`.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(medians > 0, values / medians, np.nan)
    n_days = len(days)
    positions: list[int] = []
    for edge in (range(n_days), range(n_days - 1, -1, -1)):
        low: list[int] = []
        for position in edge:
            inner = _inner_neighbours(position, edge, n_days)
            if not _is_low(position, inner, relative, deviations, share):
                break
            low.append(position)
        if len(low) <= _MAX_DAYS:
            positions += [position for position in low if not _recurs(position, days, relative, share)]
    return sorted(set(positions))


def _inner_neighbours(position: int, edge: Sequence[int], n_days: int) -> slice:
    """The seven days beside a day, on the side of the middle of the series."""
    if edge[0] == 0:
        return slice(position + 1, min(position + 1 + WEEK, n_days))
    return slice(max(0, position - WEEK), position)


def _is_low(
    position: int,
    neighbours: slice,
    relative: NDArray[np.float64],
    deviations: NDArray[np.float64],
    share: float,
) -> bool:
    """Whether a day is below `share` of what its weekday and the level of its neighbours imply."""
    beside = relative[neighbours]
    beside = beside[np.isfinite(beside)]
    if len(beside) < _MIN_NEIGHBOURS or not np.isfinite(relative[position]):
        return False
    return bool(0 <= relative[position] < share * np.median(beside) and deviations[position] > _MIN_DEVIATION)


def _recurs(position: int, days: Days, relative: NDArray[np.float64], share: float) -> bool:
    """Whether another year has a low day on the same date, or on the same weekday at most a week from it.

    A holiday is not as low on every weekday: half as far below its weekday's median as `share` is enough. But a day far
    below any such holiday is incomplete.
    """
    distance = np.abs((days - days[position]).astype(np.int64))
    years = np.round(distance / _YEAR_DAYS)
    shift = np.abs(distance - years * _YEAR_DAYS)
    same_date = shift <= 1
    same_weekday = (distance % WEEK == 0) & (shift <= WEEK)
    is_alike = (relative < (1 + share) / 2) & (_MIN_OF_HOLIDAY * relative <= relative[position])
    return bool(np.any((years >= 1) & (same_date | same_weekday) & is_alike))
