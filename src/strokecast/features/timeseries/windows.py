"""Time-ordered splits of a daily series, and the origins of the windows whose target lies in one split.

The origin of a window is its first forecast day: its past ends the day before, its target starts on it.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.params import ForecastFeatures

_MAX_DAYS = 200_000  # of a series that messages propose


@dataclass(frozen=True)
class Split:
    """One split of the series.

    Attributes:
        name: "train", "valid" or "test".
        start: position of its first day.
        stop: position after its last day.
        origins: int64 [n], the origins of its windows.
    """

    name: str
    start: int
    stop: int
    origins: NDArray[np.int64]

    @property
    def days(self) -> int:
        """Number of days."""
        return self.stop - self.start


def _edge(value: str | float, days: Sequence[datetime.date], key: str) -> int:
    """Position of the first day at or after a date, or at a share of all days."""
    if isinstance(value, float):
        return int(value * len(days))
    day = datetime.date.fromisoformat(value)
    if not days[0] < day <= days[-1]:
        raise UserError(
            f"{value} lies outside the series",
            location=f"params.yaml: features.forecast.{key}",
            allowed=f"after {days[0]}, up to {days[-1]}",
        )
    return (day - days[0]).days


def train_stop(days: Sequence[datetime.date], settings: ForecastFeatures) -> int:
    """Position after the last training day.

    Raises:
        UserError: if `valid_from` lies outside the series.
    """
    return _edge(settings.valid_from, days, "valid_from")


def split_by_time(days: Sequence[datetime.date], settings: ForecastFeatures, history: int) -> list[Split]:
    """Cut consecutive `days` into train, valid and test, in that order.

    A window belongs to the split that holds its whole target. Its past may reach back into earlier splits. Windows whose
    target crosses an edge belong to no split. The last `embargo` training days are in no target.

    Args:
        days: the days of the series.
        settings: `features.forecast` of params.yaml.
        history: days that must precede an origin: `input_size` plus the reach of lags and differences.

    Raises:
        UserError: if the series is shorter than history + horizon, or if a split has no window; names the split, the days
            it has, the days it needs and what to change.
    """
    input_size, horizon = settings.input_size, settings.horizon
    enough = _days_for_all_splits(len(days), settings, history)
    if len(days) < history + horizon:
        needed = f"input_size ({input_size})" + (
            f" + lags ({history - input_size})" if history > input_size else ""
        )
        raise UserError(
            f"the series has {len(days)} days, {needed} + horizon ({horizon}) need {history + horizon}",
            location="params.yaml: features.forecast",
            fix="reduce input_size, lags or horizon, or use a longer series"
            + (f" ({enough:,} days are enough for all splits)" if enough else ""),
        )
    valid = _edge(settings.valid_from, days, "valid_from")
    test = _edge(settings.test_from, days, "test_from")
    if valid >= test:
        raise UserError(
            f"validation would start on {days[valid]}, test on {days[min(test, len(days) - 1)]}",
            location="params.yaml: features.forecast",
            allowed="valid_from before test_from",
        )
    edges = {"train": (0, valid), "valid": (valid, test), "test": (test, len(days))}
    return [_split(name, start, stop, history, settings, enough) for name, (start, stop) in edges.items()]


def _days_for_all_splits(n_days: int, settings: ForecastFeatures, history: int) -> int | None:
    """The smallest number of days with a window in each split if these are shares of the days; None: they are dates."""
    valid_from, test_from = settings.valid_from, settings.test_from
    if isinstance(valid_from, str) or isinstance(test_from, str):
        return None
    train_days = history + settings.horizon + settings.embargo
    for days in range(n_days, _MAX_DAYS):
        valid, test = int(valid_from * days), int(test_from * days)
        if valid >= train_days and min(test - valid, days - test) >= settings.horizon:
            return days
    return None


def _split(
    name: str, start: int, stop: int, history: int, settings: ForecastFeatures, enough: int | None
) -> Split:
    first, horizon, input_size = max(start, history), settings.horizon, settings.input_size
    embargo = settings.embargo if name == "train" else 0
    origins = np.arange(first, stop - embargo - horizon + 1, dtype=np.int64)
    if len(origins) == 0:
        needed = first - start + horizon + embargo
        fix = {
            "train": "move valid_from later",
            "valid": "move valid_from earlier or test_from later",
            "test": "move test_from earlier",
        }[name]
        lags = f", lags {history - input_size}" if history > input_size else ""
        lags += f", embargo {embargo}" if embargo else ""
        raise UserError(
            f"{name} has {stop - start} days, a window in it needs {needed} "
            f"(input_size {input_size}{lags}, horizon {horizon})",
            location="params.yaml: features.forecast",
            fix=f"{fix}, or reduce input_size, lags or horizon, or use a longer series"
            + (f" ({enough:,} days are enough for all splits)" if enough else ""),
        )
    return Split(name, start, stop, origins)
