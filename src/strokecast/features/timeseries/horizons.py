"""The one way from the raw days of a series to what forecasters read, and back to the series' own unit.

Preprocessing, evaluation and serving all go through `Preparer`, which needs nothing but spec.json.

Shapes: T days, O origins (positions of the first forecast day), W days of window, H days of horizon, D targets,
P covariates, F features known of every day, C = D + P + F channels of the past, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.features.timeseries.calendar import Calendar
from strokecast.features.timeseries.transforms import Transform

Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]

DAY_TYPE = "day_type"


@dataclass(frozen=True)
class Prepared:
    """What networks and regressions read at O origins, transformed and scaled.

    Attributes:
        past: float32 [O, W, C]: targets, covariates, then the known features of the window's days.
        future: float32 [O, H, F], the known features of the forecast days.
        base: float64 [O, H, D], what a forecast is added to: the value `difference` days before, or 0.
    """

    past: NDArray[np.float32]
    future: NDArray[np.float32]
    base: Floats


@dataclass(frozen=True)
class History:
    """What a rule is shown: the days before an origin, and which days follow.

    Attributes:
        days: datetime64[D] [n].
        values: float64 [n], the first target in its own unit.
        columns: all columns, [n] each.
        next_days: datetime64[D] [H].
        spec: of the processed data.
    """

    days: Days
    values: Floats
    columns: Mapping[str, Any]
    next_days: Days
    spec: Mapping[str, Any]


class Preparer:
    """Prepares windows as preprocessing did, from spec.json alone.

    Args:
        spec: of the processed data; of several series `several.of` one of them.

    Attributes:
        min_history: days that must lie before an origin.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.window, self.horizon = int(spec["window"]), int(spec["horizon"])
        self.targets: list[str] = list(spec["targets"])
        self.read = [*self.targets, *spec["covariates"]]
        self.lags = [int(lag) for lag in spec["lags"]]
        self.difference = None if spec["difference"] is None else int(spec["difference"])
        told = spec["calendar"]
        self.calendar = Calendar(
            tuple(told["kinds"]),
            told["country"],
            tuple(told["names"]),
            tuple(told["day_types"]),
            told["first"],
            int(told.get("around", 0)),  # models saved before there were such flags have none
        )
        looked = [*self.lags, *([self.difference] if self.difference else [])]
        self.looked = list(dict.fromkeys(looked)) if spec.get("lag_calendar") else []
        self.transforms = {name: Transform(**told) for name, told in spec["transforms"].items()}
        self.ids: list[str] = list(spec.get("series_ids", ()))
        self.id: str = spec.get("id", "")
        self.counts = bool(spec["counts"])
        self.min_history = self.window + max([*self.lags, self.difference or 0], default=0)

    @property
    def future(self) -> list[str]:
        """Names of the F features known of every day."""
        told = self.calendar.features
        return [
            *told,
            *(f"series: {name}" for name in self.ids),
            *(f"lag_{lag}" for lag in self.lags),
            *(f"lag_{lag} {told[at]}" for lag in self.looked for at in self.calendar.special),
        ]

    def scaled(self, columns: Mapping[str, Any]) -> dict[str, Floats]:
        """Targets and covariates, transformed and scaled, float64 [T] each."""
        return {
            name: self.transforms[name].forward(np.asarray(columns[name], np.float64)) for name in self.read
        }

    def inputs(self, days: Days, columns: Mapping[str, Any], origins: NDArray[np.integer]) -> Prepared:
        """What is read at `origins`; nothing at or after an origin but the calendar of the forecast days.

        Args:
            days: datetime64[D] [T], one after the other.
            columns: targets and covariates in their own units, [T] each; `day_type` where the calendar reads it,
                of the forecast days, too.
            origins: int [O], `min_history` to T.

        Raises:
            UserError: if the day type of a forecast day is not known.
            ValueError: if an origin has too little history.
        """
        origins = np.asarray(origins, np.int64)
        if len(origins) and origins.min() < self.min_history:
            raise ValueError(f"an origin needs {self.min_history} days of history, received {origins.min()}")
        count = max(len(days), int(origins.max(initial=0)) + self.horizon)
        whole = days[0] + np.arange(count).astype("timedelta64[D]")
        values = self.scaled(columns)
        known = self.calendar.known(whole, _letters(columns))  # [T or more, F less the lags]
        if self.ids:
            flags = np.array([name == self.id for name in self.ids], np.float32)  # which series it is
            known = np.concatenate([known, np.broadcast_to(flags, (len(known), len(flags)))], axis=1)
        first = values[self.targets[0]]
        lagged = [np.concatenate([np.full(lag, np.nan), first[: count - lag]]) for lag in self.lags]
        lagged = [np.pad(lag, (0, count - len(lag)), constant_values=np.nan) for lag in lagged]
        special = known[:, self.calendar.special]
        before_them = [_shifted(special, lag) for lag in self.looked]  # the same of the days so long before
        known = np.concatenate([known, *(lag[:, None] for lag in lagged), *before_them], axis=1)
        known = known.astype(np.float32)
        read = np.stack([self._changes(values[name], name) for name in self.read], axis=1)  # [T, D + P]
        before = origins[:, None] + np.arange(-self.window, 0)
        after = origins[:, None] + np.arange(self.horizon)
        past = np.concatenate([read[before], known[before]], axis=2).astype(np.float32)
        return Prepared(past, known[after], self._base(values, after))

    def target(self, columns: Mapping[str, Any], origins: NDArray[np.integer]) -> NDArray[np.float32]:
        """What comes after the origins, transformed, scaled and less `base`: float32 [O, H, D]."""
        values = self.scaled(columns)
        after = np.asarray(origins, np.int64)[:, None] + np.arange(self.horizon)
        came = np.stack([values[name][after] for name in self.targets], axis=2)
        return (came - self._base(values, after)).astype(np.float32)

    def output(self, scaled: NDArray[np.floating], base: Floats) -> Floats:
        """Forecasts in the targets' own units; of counts never below 0.

        Args:
            scaled: float [O, H, D] or [O, H, D, Q].
            base: float64 [O, H, D], of `inputs`.
        """
        whole = scaled.astype(np.float64) + (base if scaled.ndim == 3 else base[..., None])
        own = np.stack(
            [self.transforms[name].back(whole[:, :, at]) for at, name in enumerate(self.targets)], axis=2
        )
        return np.maximum(own, 0.0) if self.counts else own

    def _changes(self, values: Floats, name: str) -> Floats:
        """A target as the change against `difference` days before; a covariate as it is."""
        if self.difference is None or name not in self.targets:
            return values
        return values - np.concatenate([np.full(self.difference, np.nan), values[: -self.difference]])

    def _base(self, values: Mapping[str, Floats], after: NDArray[np.int64]) -> Floats:
        if self.difference is None:
            return np.zeros((*after.shape, len(self.targets)))
        return np.stack([values[name][after - self.difference] for name in self.targets], axis=2)


def raw_columns(spec: Mapping[str, Any]) -> list[str]:
    """What a series must have: `ds`, targets, covariates, and `day_type` where the calendar reads it."""
    further = [DAY_TYPE] if DAY_TYPE in spec["calendar"]["kinds"] else []
    return ["ds", *spec["targets"], *spec["covariates"], *further]


def _shifted(flags: NDArray[np.float32], lag: int) -> NDArray[np.float32]:
    """What stood `lag` rows before; NaN where that is before the first."""
    return np.pad(flags, ((lag, 0), (0, 0)), constant_values=np.nan)[: len(flags)]


def _letters(columns: Mapping[str, Any]) -> Sequence[str | None] | None:
    letters = columns.get(DAY_TYPE)
    return None if letters is None else list(letters)
