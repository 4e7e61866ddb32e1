"""Time-ordered splits of a daily series, and the windows whose whole target lies in one of them.

Shapes: W days of past, H days of horizon. The origin of a window is its first forecast day: its
past ends the day before, its target starts on it.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.params import ForecastFeatures


@dataclass(frozen=True)
class Split:
    """Days `start` to `stop` (exclusive) of the series, and the origins of its windows (positions of days)."""

    name: str
    start: int
    stop: int
    origins: NDArray[np.int64]

    @property
    def days(self) -> int:
        """How many days the split holds."""
        return self.stop - self.start


def _edge(value: str | float, days: Sequence[datetime.date], key: str) -> int:
    """Position of the first day at or after a date, or at a share of all days."""
    if isinstance(value, float):
        return int(value * len(days))
    day = datetime.date.fromisoformat(value)
    if not days[0] < day <= days[-1]:
        raise UserError(
            f"{value} lies outside the series",
            where=f"params.yaml: features.forecast.{key}",
            allowed=f"after {days[0]}, up to {days[-1]}",
        )
    return (day - days[0]).days


def split(days: Sequence[datetime.date], settings: ForecastFeatures, history: int) -> list[Split]:
    """Cut consecutive `days` into train, valid and test, in that order.

    A window belongs to the split that holds its whole target. Its past may reach back into
    earlier splits, never forward; targets that cross an edge belong to no split. The last `embargo` training
    days are in no target.

    Args:
        days: of the series.
        settings: where the splits begin, window and horizon.
        history: days that must lie before an origin: the window, and what lags and differences reach back.

    Raises:
        UserError: if the series is shorter than window + horizon, or a split has no window; it
            names the split, the days it has, the days it needs and what to change.
    """
    window, horizon = settings.window, settings.horizon
    if len(days) < history + horizon:
        reach = f"window ({window}) + lags ({history - window})" if history > window else f"window ({window})"
        raise UserError(
            f"the series has {len(days)} days, {reach} + horizon ({horizon}) need {history + horizon}",
            where="params.yaml: features.forecast",
            fix="shorten window, lags or horizon, or give a longer series",
        )
    valid = _edge(settings.valid_from, days, "valid_from")
    test = _edge(settings.test_from, days, "test_from")
    if valid >= test:
        raise UserError(
            f"validation would start on {days[valid]}, test on {days[min(test, len(days) - 1)]}",
            where="params.yaml: features.forecast",
            allowed="valid_from before test_from",
        )
    edges = {"train": (0, valid), "valid": (valid, test), "test": (test, len(days))}
    held = {"train": settings.embargo}
    return [
        _windows(name, start, stop, history, horizon, window, held.get(name, 0))
        for name, (start, stop) in edges.items()
    ]


def _windows(
    name: str, start: int, stop: int, history: int, horizon: int, window: int, embargo: int
) -> Split:
    first = max(start, history)
    origins = np.arange(first, stop - embargo - horizon + 1, dtype=np.int64)
    if len(origins) == 0:
        need = first - start + horizon + embargo
        fix = {
            "train": "move valid_from later",
            "valid": "move valid_from earlier or test_from later",
            "test": "move test_from earlier",
        }[name]
        lags = f", lags {history - window}" if history > window else ""
        lags += f", embargo {embargo}" if embargo else ""
        raise UserError(
            f"{name} has {stop - start} days, a window there needs {need} (window {window}{lags}, horizon {horizon})",
            where="params.yaml: features.forecast",
            fix=f"{fix}, or shorten window, lags or horizon, or give a longer series",
        )
    return Split(name, start, stop, origins)
