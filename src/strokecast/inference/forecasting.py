"""Forecasts of raw daily series by a trained model of any kind or a combination, with its calibrated intervals.

The model is run as in evaluation (`inference.backtest`), at one origin: the day after the last row.

Shapes: T days of history, H days of the horizon, L interval levels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries import series_spec
from strokecast.features.timeseries.window_transformer import DAY_TYPE, WindowTransformer, raw_columns
from strokecast.inference import backtest, conformal
from strokecast.inference.series_table import (
    ID,
    Days,
    check_columns,
    check_counts,
    check_ids,
    format_cell,
    parse_days,
    parse_numbers,
    series_ids,
)
from strokecast.models.common import model_folder, registry

Floats = NDArray[np.float64]
IntervalFn = Callable[[str, str, Days, Floats, Floats, Floats, Floats], tuple[Floats, Floats]]
"""`inference.interval_state.IntervalState.intervals`, which MLflow models do not contain: they have no state."""


class SeriesForecaster:
    """Forecasts the next days of daily series.

    Args:
        folder: a trained model's folder: config.json, spec.json, calibration.json, the model; or that of a combination.
        spec: contents of its spec.json.
        combination: the loaded combination (`inference.stored_combination`) if `folder` holds one.

    Attributes:
        horizon: maximum number of days to forecast.
        min_history: number of days of history that it needs.
        columns: the columns that it reads.

    Raises:
        UserError: if a file is missing or cannot be read.
    """

    def __init__(
        self, folder: Path, spec: ForecastSpec, combination: backtest.LoadedForecaster | None = None
    ) -> None:
        self.horizon = int(spec["horizon"])
        self.columns = raw_columns(spec)
        self._spec = spec
        self._names = series_spec.names(spec)
        self._transformers = {
            name: WindowTransformer(series_spec.for_series(spec, name)) for name in self._names
        }
        forecaster = combination or _load(folder, spec)
        self.min_history, self._forecast_fn = forecaster.min_history, forecaster.forecast
        self._transforms_values = forecaster.transforms_values
        self._calibrations = {name: conformal.load(folder, name) for name in self._names}
        for calibration in self._calibrations.values():
            conformal.check_horizon(calibration, self.horizon, folder)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Forecast the full horizon after the last row.

        Args:
            frame: as for `forecast`. For a model that reads day types, rows of the forecast days follow, with `day_type`
                and no other value.

        Returns:
            As `forecast`.

        Raises:
            UserError: as `forecast`.
        """
        future = None
        values = [name for name in self.columns if name not in ("ds", DAY_TYPE)]
        if DAY_TYPE in self.columns:
            check_columns(frame, self.columns, "input")
            ids = frame[ID] if ID in frame.columns else pd.Series(0, frame.index)
            empty = frame[values].isna().all(axis=1)
            is_future = empty[::-1].groupby(ids[::-1]).cummin()[::-1].to_numpy(dtype=bool)
            frame, future = frame[~is_future], frame[is_future]
        return self.forecast(frame, future)

    def forecast(
        self,
        frame: pd.DataFrame,
        future: pd.DataFrame | None = None,
        horizon: int | None = None,
        location: str = "input",
        intervals: IntervalFn | None = None,
    ) -> pd.DataFrame:
        """Forecast the days after the last row of each series.

        Args:
            frame: at least `min_history` rows per series with the columns `ds` (consecutive days, ascending), the columns
                the model was trained with (finite numbers in their own units), `day_type` if the model reads it, and
                `unique_id` if there are several series. Each series is forecast on its own.
            future: for a model that reads day types: `ds` and `day_type` of the forecast days, and `unique_id` if they
                differ between series.
            horizon: days, at most the model's horizon; None: the model's horizon.
            location: how errors name the input.
            intervals: moves the intervals by the errors of earlier calls (`interval_state.IntervalState.intervals`); None:
                the intervals of the training's calibration.

        Returns:
            For each series `horizon` rows of `ds` (datetime64), `unique_id` (of the input, else the name of the training
            series), `mean` or, for a model of quantiles, `median`, and the interval ends (`lo-80`, `hi-80`, ...), float64:
            of the first target, in its own unit.

        Raises:
            UserError: if a column is missing, there are too few rows, the horizon is too long, or a row is not valid;
                names the first such date.
        """
        days_ahead = self.horizon if horizon is None else horizon
        if not 1 <= days_ahead <= self.horizon:
            raise UserError(
                f"a horizon of {days_ahead} days is not valid",
                location="--horizon",
                allowed=f"1 to {self.horizon}, which the model was trained for",
                fix="for more, set features.forecast.horizon and train the model again",
            )
        check_columns(frame, self.columns, location)
        if len(frame) == 0:
            raise UserError("has no row", location=location, allowed=f"at least {self.min_history} days")
        check_ids(frame, future)
        forecasts = [
            self._forecast_series(
                name,
                rows,
                _future_of(future, series_id),
                days_ahead,
                location if series_id is None else f"{location} ({name})",
                intervals,
            )
            for name, series_id, rows in self._series(frame, location)
        ]
        return pd.concat(forecasts, ignore_index=True)

    def _series(self, frame: pd.DataFrame, location: str) -> Iterator[tuple[str, Any, pd.DataFrame]]:
        """Name, `unique_id` as text (None without that column) and rows of each series, in order."""
        is_global = series_spec.SINGLE not in self._names
        if ID not in frame.columns and is_global:
            raise UserError(
                f"has no column {ID!r}, and the model was trained on {len(self._names)} series",
                location=location,
                allowed=self._names,
            )
        if ID not in frame.columns:
            yield self._spec["name"], None, frame
            return
        missing = frame[ID].isna().to_numpy()
        if missing.any():
            date = format_cell(frame["ds"].iloc[int(np.argmax(missing))])
            raise UserError(
                f"no {ID} on {date}", location=location, allowed="a name in every row, or no such column"
            )
        ids = series_ids(frame).to_numpy()
        distinct = list(dict.fromkeys(ids))
        if not is_global and len(distinct) > 1:
            raise UserError(
                f"has {len(distinct):,} series ({', '.join(distinct[:3])}{', ...' * (len(distinct) > 3)}), the model was "
                "trained on one",
                location=location,
                allowed=f"one {ID}: the scaling and the intervals are those of its training series",
                fix="give one series per call, or train on all of them (features.forecast.series: all)",
            )
        unknown = [name for name in distinct if name not in self._names] if is_global else []
        if unknown:
            raise UserError(
                f"{ID} {unknown[0]!r} is not a series of the model", location=location, allowed=self._names
            )
        for name, rows in frame.groupby(ids, sort=False):
            yield str(name), name, rows

    def _forecast_series(
        self,
        name: str,
        rows: pd.DataFrame,
        future: pd.DataFrame | None,
        days_ahead: int,
        location: str,
        intervals: IntervalFn | None,
    ) -> pd.DataFrame:
        # A model of one series scales every series as its training series.
        series = series_spec.SINGLE if series_spec.SINGLE in self._names else name
        calibration = self._calibrations[series]
        days = parse_days(rows["ds"], location)
        count = len(days)
        columns: dict[str, Any] = {
            column: parse_numbers(rows[column], days, location)
            for column in self.columns
            if column not in ("ds", DAY_TYPE)
        }
        if count < self.min_history:
            raise UserError(
                f"{count} rows ({days[0]} to {days[-1]}) are too few",
                location=location,
                allowed=f"at least {self.min_history} days",
            )
        counts = bool(series_spec.for_series(self._spec, series)["counts"])
        for column in self._spec["targets"] if counts else ():
            check_counts(columns[column], days, f"{location} column {column}")
        if self._transforms_values:
            _check_domain(self._transformers[series], columns, days, location)
        all_days = days[0] + np.arange(count + self.horizon).astype("timedelta64[D]")
        if DAY_TYPE in self.columns:
            columns[DAY_TYPE] = self._day_types(rows[DAY_TYPE], future, all_days, days_ahead, location)
        with np.errstate(all="ignore"):  # huge values; the forecast is checked below
            forecast = self._forecast_fn(backtest.Series(all_days, columns, {}, series), np.array([count]))
            point = forecast.point[..., 0]  # [1, H]
            low, high = conformal.apply(
                calibration, point, forecast.quantiles, forecast.quantile_levels, counts
            )
        if not all(np.isfinite(values).all() for values in (point, low, high)):
            raise UserError(f"the forecast of {all_days[count]} is not a finite number", location=location)
        if intervals is not None:
            raw_low, raw_high = conformal.raw_intervals(
                point, forecast.quantiles, forecast.quantile_levels, calibration.levels
            )
            history = np.asarray(columns[self._spec["targets"][0]][:count], np.float64)
            own_low, own_high = intervals(
                name, series, days, history, point[0], raw_low[:, 0], raw_high[:, 0]
            )
            low, high = conformal.enforce_nesting(own_low[:, None], own_high[:, None], point, counts)
        ends = [end for pair in zip(low, high, strict=True) for end in pair]
        end_columns = {
            column: values[0, :days_ahead]
            for column, values in zip(conformal.interval_columns(calibration.levels), ends, strict=True)
        }
        return pd.DataFrame(
            {
                "ds": pd.to_datetime(all_days[count : count + days_ahead]),
                ID: name,
                conformal.point_column(forecast.quantiles is not None): point[0, :days_ahead],
                **end_columns,
            }
        )

    def _day_types(
        self, past: pd.Series, future: pd.DataFrame | None, days: Days, days_ahead: int, location: str
    ) -> list[str]:
        """The day type of each of `days`; any valid one beyond `days_ahead`, where it has no effect."""
        valid = self._spec["calendar"]["day_types"]
        count = len(past)
        day_types: list[Any] = past.tolist()
        future_types: dict[np.datetime64, Any] = {}
        if future is not None:
            check_columns(future, ("ds", DAY_TYPE), "future")
            future_types = dict(zip(parse_days(future["ds"], "future"), future[DAY_TYPE], strict=True))
        for day in days[count : count + days_ahead]:
            if day not in future_types:
                raise UserError(
                    f"the {DAY_TYPE} of {day} is not known",
                    location=location,
                    fix="give the day types of the forecast days (--future: columns ds, day_type)",
                )
            day_types.append(future_types[day])
        for day, day_type in zip(days, day_types, strict=False):
            if day_type not in valid:
                raise UserError(
                    f"{DAY_TYPE} {format_cell(day_type)} on {day}", location=location, allowed=valid
                )
        return day_types + [valid[0]] * (self.horizon - days_ahead)


def _load(folder: Path, spec: ForecastSpec) -> backtest.LoadedForecaster:
    """The trained model in `folder`."""
    kind = registry.get("forecast", model_folder.read(folder, "config.json", ("name",))["name"]).kind
    min_history = backtest.min_history(folder, spec)
    forecast = backtest.load_forecaster(kind, folder, spec, str(folder))
    return backtest.LoadedForecaster(forecast, min_history, kind != "rule")


def _future_of(future: pd.DataFrame | None, series_id: Any) -> pd.DataFrame | None:
    """The rows of `future` of one series."""
    if future is None or series_id is None or ID not in future.columns:
        return future
    return future[(series_ids(future) == series_id).to_numpy()]


def _check_domain(
    transformer: WindowTransformer, columns: Mapping[str, Any], days: Days, location: str
) -> None:
    """Check that every value can be transformed.

    Raises:
        UserError: names the first date whose value cannot.
    """
    with np.errstate(all="ignore"):
        scaled = transformer.scale_columns(columns)
    for column, values in scaled.items():
        invalid = ~np.isfinite(values)
        if invalid.any():
            position, kind = int(np.argmax(invalid)), transformer.transforms[column].kind
            raise UserError(
                f"the model's transform {kind} is not defined for {columns[column][position]:g} on {days[position]}",
                location=f"{location} column {column}",
                allowed="values of 0 and more" if kind == "log1p" else "values above 0",
            )
