"""Raw days of a series → what forecasters read, and back to the series' own unit.

Preprocessing, evaluation and serving all use `WindowTransformer`, which is built from spec.json alone.

Shapes: T days, O origins (positions of the first forecast day), W days of the past, H days of the horizon, D targets,
P past covariates, F features known of every day, C = D + P + F channels of the past, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries.calendar import Calendar
from strokecast.features.timeseries.rolling import rolling_mean
from strokecast.features.timeseries.transforms import Transform

Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]

DAY_TYPE = "day_type"


@dataclass(frozen=True)
class WindowInputs:
    """What networks and regressions read at O origins, transformed and scaled.

    Attributes:
        past: float32 [O, W, C]: targets, past covariates, then the known features of the past days.
        future: float32 [O, H, F], the known features of the forecast days.
        base: float64 [O, H, D], added to a forecast: the scaled value `difference` days before, or 0.
    """

    past: NDArray[np.float32]
    future: NDArray[np.float32]
    base: Floats


@dataclass(frozen=True)
class History:
    """What a statistical forecaster reads: the n days before an origin, and the dates of the forecast days.

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
    spec: ForecastSpec


class WindowTransformer:
    """Transforms raw days into windows exactly as preprocessing did.

    Args:
        spec: of the processed data; for a global model the `series_spec.for_series` of one series.

    Attributes:
        min_history: number of days that must precede an origin.
    """

    def __init__(self, spec: ForecastSpec) -> None:
        self.input_size, self.horizon = int(spec["input_size"]), int(spec["horizon"])
        self.targets: list[str] = list(spec["targets"])
        self.past_columns = [*self.targets, *spec["past_covariates"]]
        self.lags = [int(lag) for lag in spec["lags"]]
        self.levels = [int(days) for days in spec.get("levels", ())]
        self.difference = None if spec["difference"] is None else int(spec["difference"])
        calendar = spec["calendar"]
        self.calendar = Calendar(
            tuple(calendar["kinds"]),
            calendar["holiday_country"],
            tuple(calendar["holiday_names"]),
            tuple(calendar["day_types"]),
            calendar["trend_start"],
            int(calendar.get("holiday_window", 0)),  # missing in specs from before there were such flags
            bool(calendar.get("bridge_days", False)),
        )
        offsets = [*self.lags, *([self.difference] if self.difference else [])]
        self.calendar_lags = list(dict.fromkeys(offsets)) if spec.get("lag_calendar") else []
        self.transforms = {name: Transform(**fields) for name, fields in spec["transforms"].items()}
        self.series_ids: list[str] = list(spec.get("series_ids", ()))
        self.series_id: str = spec.get("id", "")
        self.nonnegative = bool(spec["counts"])
        levels = [days + self.horizon - 1 for days in self.levels]
        self.min_history = self.input_size + max([*self.lags, *levels, self.difference or 0], default=0)

    @property
    def future(self) -> list[str]:
        """Names of the F features known of every day."""
        calendar = self.calendar.feature_names
        return [
            *calendar,
            *(f"series: {name}" for name in self.series_ids),
            *(f"lag_{lag}" for lag in self.lags),
            *(f"level_{days}" for days in self.levels),
            *(
                f"lag_{lag} {calendar[index]}"
                for lag in self.calendar_lags
                for index in self.calendar.special_day_indices
            ),
        ]

    def scale_columns(self, columns: Mapping[str, Any]) -> dict[str, Floats]:
        """Targets and past covariates, transformed and scaled, float64 [T] each."""
        return {
            name: self.transforms[name].transform(np.asarray(columns[name], np.float64))
            for name in self.past_columns
        }

    def transform(
        self,
        days: Days,
        columns: Mapping[str, Any],
        origins: NDArray[np.integer],
        *,
        known_past: bool = True,
    ) -> WindowInputs:
        """The inputs at `origins`; from an origin on, only the calendar of the forecast days is read.

        Args:
            days: datetime64[D] [T], consecutive.
            columns: targets and past covariates in their own units, [T] each; `day_type` if the calendar reads it,
                including the forecast days.
            origins: int [O], `min_history` to T.
            known_past: False leaves the known features out of `past`, which then has D + P channels.

        Raises:
            UserError: if the day type of a forecast day is missing.
            ValueError: if an origin has too little history.
        """
        origins = np.asarray(origins, np.int64)
        if len(origins) and origins.min() < self.min_history:
            raise ValueError(f"an origin needs {self.min_history} days of history, received {origins.min()}")
        count = max(len(days), int(origins.max(initial=0)) + self.horizon)
        all_days = days[0] + np.arange(count).astype("timedelta64[D]")
        values = self.scale_columns(columns)
        known = self.calendar.transform(all_days, _day_types(columns))  # [T or more, F without lags]
        if self.series_ids:
            flags = np.array([name == self.series_id for name in self.series_ids], np.float32)
            known = np.concatenate([known, np.broadcast_to(flags, (len(known), len(flags)))], axis=1)
        first = values[self.targets[0]]
        lagged = [np.concatenate([np.full(lag, np.nan), first[: count - lag]]) for lag in self.lags]
        lagged = [np.pad(lag, (0, count - len(lag)), constant_values=np.nan) for lag in lagged]
        lagged += [rolling_mean(first, n_days, self.horizon, count) for n_days in self.levels]
        special = known[:, self.calendar.special_day_indices]
        lagged_special = [_shift(special, lag) for lag in self.calendar_lags]
        known = np.concatenate([known, *(lag[:, None] for lag in lagged), *lagged_special], axis=1)
        known = known.astype(np.float32)
        read = np.stack(
            [self._differences(values[name], name) for name in self.past_columns], axis=1
        )  # [T, D + P]
        past_days = origins[:, None] + np.arange(-self.input_size, 0)
        forecast_days = origins[:, None] + np.arange(self.horizon)
        past = read[past_days].astype(np.float32)
        if known_past:
            past = np.concatenate([past, known[past_days]], axis=2)
        return WindowInputs(past, known[forecast_days], self._base(values, forecast_days))

    def transform_target(
        self, columns: Mapping[str, Any], origins: NDArray[np.integer]
    ) -> NDArray[np.float32]:
        """The targets from the origins on, transformed, scaled and less `base`: float32 [O, H, D]."""
        values = self.scale_columns(columns)
        forecast_days = np.asarray(origins, np.int64)[:, None] + np.arange(self.horizon)
        target = np.stack([values[name][forecast_days] for name in self.targets], axis=2)
        return (target - self._base(values, forecast_days)).astype(np.float32)

    def inverse_transform(self, scaled: NDArray[np.floating], base: Floats) -> Floats:
        """Forecasts in the targets' own units; clipped at 0 if no training value is negative.

        Args:
            scaled: float [O, H, D] or [O, H, D, Q].
            base: float64 [O, H, D], of `WindowInputs`.

        Returns:
            float64 of the shape of `scaled`.
        """
        values = scaled.astype(np.float64) + (base if scaled.ndim == 3 else base[..., None])
        forecasts = np.stack(
            [
                self.transforms[name].inverse_transform(values[:, :, index])
                for index, name in enumerate(self.targets)
            ],
            axis=2,
        )
        return np.maximum(forecasts, 0.0) if self.nonnegative else forecasts

    def _differences(self, values: Floats, name: str) -> Floats:
        """A target as the change against `difference` days before; past covariates unchanged."""
        if self.difference is None or name not in self.targets:
            return values
        return values - np.concatenate([np.full(self.difference, np.nan), values[: -self.difference]])

    def _base(self, values: Mapping[str, Floats], forecast_days: NDArray[np.int64]) -> Floats:
        if self.difference is None:
            return np.zeros((*forecast_days.shape, len(self.targets)))
        return np.stack([values[name][forecast_days - self.difference] for name in self.targets], axis=2)


def raw_columns(spec: ForecastSpec) -> list[str]:
    """The columns a series must have: `ds`, targets, past covariates, and `day_type` if the calendar reads it."""
    day_type = [DAY_TYPE] if DAY_TYPE in spec["calendar"]["kinds"] else []
    return ["ds", *spec["targets"], *spec["past_covariates"], *day_type]


def _shift(flags: NDArray[np.float32], lag: int) -> NDArray[np.float32]:
    """Each row's flags `lag` rows earlier; NaN before the first row."""
    return np.pad(flags, ((lag, 0), (0, 0)), constant_values=np.nan)[: len(flags)]


def _day_types(columns: Mapping[str, Any]) -> Sequence[str | None] | None:
    day_types = columns.get(DAY_TYPE)
    return None if day_types is None else list(day_types)
