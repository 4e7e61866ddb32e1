"""Days that rules reject, and the rows that they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

DayKey = tuple[str, np.datetime64]  # unique_id and day


def _day_keys(days: pd.DataFrame) -> list[DayKey]:
    """The series and date of each day of the day table."""
    return list(zip(days["unique_id"].tolist(), days["day"].to_numpy().astype("datetime64[D]"), strict=True))


def reasons_by_day(days: pd.DataFrame, rejected: Mapping[int, Sequence[str]]) -> dict[DayKey, list[str]]:
    """Position → reasons as (series, date) → reasons."""
    keys = _day_keys(days.iloc[list(rejected)])
    return {key: list(reasons) for key, reasons in zip(keys, rejected.values(), strict=True)}


def without_days(days: pd.DataFrame, rejected_days: Mapping[DayKey, Sequence[str]]) -> pd.DataFrame:
    """The day table without rejected days."""
    kept = np.array([key not in rejected_days for key in _day_keys(days)], dtype=bool)
    return days[kept].reset_index(drop=True)


def rows_of_days(
    frame: pd.DataFrame, mask: NDArray[np.bool_], reasons_of_day: Mapping[DayKey, Sequence[str]]
) -> dict[int, list[str]]:
    """Positions of the rows in `mask` of rejected days → reasons of the day."""
    if not reasons_of_day:
        return {}
    positions = np.flatnonzero(mask)
    if "unique_id" in frame:
        series = frame["unique_id"].to_numpy()[positions]
    else:
        series = np.full(len(positions), "", dtype=object)
    days = frame["day"].to_numpy()[positions].astype("datetime64[D]")
    keys = zip(series.tolist(), days, strict=True)
    return {
        int(position): list(reasons_of_day[key])
        for position, key in zip(positions, keys, strict=True)
        if key in reasons_of_day
    }
