"""Forecasts of raw daily series by a trained model of any kind or a combination, with its calibrated intervals.

The model is run as in evaluation (`inference.backtest`), at one origin: the day after the last row.

Shapes: T days of history, H days of the horizon, L interval levels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries import series_spec
from strokecast.features.timeseries.window_transformer import DAY_TYPE, raw_columns
from strokecast.inference import backtest, conformal
from strokecast.inference.series_input import SeriesChecker, SeriesInput, future_of
from strokecast.inference.series_table import ID, Days, check_columns, check_ids, format_cell, series_ids
from strokecast.models.common import model_folder, registry

Floats = NDArray[np.float64]
IntervalFn = Callable[[str, str, Days, Floats, Floats, Floats, Floats], tuple[Floats, Floats]]
"""`inference.interval_state.IntervalState.intervals`, which MLflow models do not contain: they have no state."""


@dataclass(frozen=True)
class OwnForecast:
    """The forecast of a model for one series, before its intervals.

    Attributes:
        name: of the series.
        series: the series of the model whose scaling and calibration it has; "" for a model of one series.
        days: datetime64[D] [T], the history.
        values: float64 [T], the first target.
        point: float64 [1, H].
        quantiles: float64 [1, H, Q]; None for a point forecast.
        quantile_levels: the Q levels, rising; () for a point forecast.
    """

    name: str
    series: str
    days: Days
    values: Floats
    point: Floats
    quantiles: Floats | None
    quantile_levels: Sequence[float]


@dataclass(frozen=True)
class InvalidSeries:
    """A series that cannot be forecast.

    Attributes:
        name: of the series.
        error: why.
    """

    name: str
    error: UserError


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
        forecaster = combination or _load(folder, spec)
        self.min_history, self._forecast_fn = forecaster.min_history, forecaster.forecast
        self._checker = SeriesChecker(
            spec,
            self.columns,
            forecaster.min_history,
            forecaster.transforms_values,
            backtest.transformer_of_series(spec),
        )
        self._calibrations = conformal.load_by_series(folder, self._names)
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
        days_ahead = self.check_horizon(horizon)
        check_columns(frame, self.columns, location)
        if len(frame) == 0:
            raise UserError("has no row", location=location, allowed=f"at least {self.min_history} days")
        check_ids(frame, future)
        self.check_names(_distinct_ids(frame, location), location)
        tables = []
        for one in self.forecast_each(frame, future, days_ahead, location):
            if isinstance(one, InvalidSeries):
                raise one.error
            tables.append(self.to_table(one, days_ahead, intervals))
        return pd.concat(tables, ignore_index=True)

    def check_horizon(self, horizon: int | None) -> int:
        """The number of days to forecast.

        Raises:
            UserError: if the horizon is too long.
        """
        days_ahead = self.horizon if horizon is None else horizon
        if not 1 <= days_ahead <= self.horizon:
            raise UserError(
                f"a horizon of {days_ahead} days is not valid",
                location="--horizon",
                allowed=f"1 to {self.horizon}, which the model was trained for",
                fix="for more, set features.forecast.horizon and train the model again",
            )
        return days_ahead

    def forecast_each(
        self, frame: pd.DataFrame, future: pd.DataFrame | None, days_ahead: int, location: str
    ) -> list[OwnForecast | InvalidSeries]:
        """The model's own forecast of each series of a table, in order, or its mistake; a network is called once for all.

        Args:
            frame: as for `forecast`; with `unique_id` of text for a model of several series.
            future: as for `forecast`.
            days_ahead: as `check_horizon` returns it.
            location: how errors name the input.
        """
        results: list[OwnForecast | InvalidSeries | None] = []
        inputs: list[SeriesInput] = []
        for name, series_id, rows in self._series(frame):
            place = location if series_id is None else f"{location} ({name})"
            try:
                self.check_names(None if series_id is None else [name], location)
                inputs.append(
                    self._checker.check(name, rows, future_of(future, series_id), days_ahead, place)
                )
                results.append(None)
            except UserError as error:
                results.append(InvalidSeries(name, error))
        forecasts = iter(self._run(inputs))
        return [next(forecasts) if one is None else one for one in results]

    def check_names(self, names: Sequence[str] | None, location: str) -> None:
        """Check the values of `unique_id`; None: there is no such column.

        Raises:
            UserError: if a model of one series gets several, or a model of several gets none or another one.
        """
        if series_spec.SINGLE in self._names:
            if names is not None and len(names) > 1:
                raise UserError(
                    f"has {len(names):,} series ({', '.join(names[:3])}{', ...' * (len(names) > 3)}), the model was "
                    "trained on one",
                    location=location,
                    allowed=f"one {ID}: the scaling and the intervals are those of its training series",
                    fix="give one series per call, or train on all of them (features.forecast.series: all)",
                )
            return
        if names is None:
            raise UserError(
                f"has no column {ID!r}, and the model was trained on {len(self._names)} series",
                location=location,
                allowed=self._names,
            )
        unknown = next((name for name in names if name not in self._calibrations), None)
        if unknown is not None:
            raise UserError(
                f"{ID} {unknown!r} is not a series of the model", location=location, allowed=self._names
            )

    def _series(self, frame: pd.DataFrame) -> Iterator[tuple[str, str | None, pd.DataFrame]]:
        """Name, `unique_id` as text (None without that column) and rows of each series, in order."""
        if ID not in frame.columns:
            yield self._spec["name"], None, frame
            return
        for name, rows in frame.groupby(series_ids(frame).to_numpy(), sort=False):
            yield str(name), str(name), rows

    def _run(self, inputs: Sequence[SeriesInput]) -> list[OwnForecast | InvalidSeries]:
        """The forecasts of the model after the last day of each series."""
        if not inputs:
            return []
        try:
            with np.errstate(all="ignore"):  # huge values; the forecasts are checked below
                forecasts = backtest.forecast_many(
                    self._forecast_fn, [(one.series, np.array([one.count])) for one in inputs]
                )
        except UserError as error:
            if len(inputs) == 1:
                return [InvalidSeries(inputs[0].name, error)]
            return [result for one in inputs for result in self._run([one])]
        return [self._check(one, forecast) for one, forecast in zip(inputs, forecasts, strict=True)]

    def _check(self, one: SeriesInput, forecast: backtest.Forecast) -> OwnForecast | InvalidSeries:
        all_days, target = one.series.days, self._spec["targets"][0]
        own = OwnForecast(
            one.name,
            one.series.name,
            all_days[: one.count],
            np.asarray(one.series.columns[target][: one.count], np.float64),
            forecast.point[..., 0],
            forecast.quantiles,
            forecast.quantile_levels,
        )
        with np.errstate(all="ignore"):
            ends = self._static_ends(own)
        if not all(np.isfinite(values).all() for values in (own.point, *ends)):
            error = UserError(
                f"the forecast of {all_days[one.count]} is not a finite number", location=one.location
            )
            return InvalidSeries(one.name, error)
        return own

    def _counts(self, own: OwnForecast) -> bool:
        return bool(series_spec.for_series(self._spec, own.series)["counts"])

    def _static_ends(self, own: OwnForecast) -> tuple[Floats, Floats]:
        """The interval ends of the training's calibration, float64 [L, 1, H]."""
        return conformal.apply(
            self._calibrations[own.series], own.point, own.quantiles, own.quantile_levels, self._counts(own)
        )

    def to_table(self, own: OwnForecast, days_ahead: int, intervals: IntervalFn | None) -> pd.DataFrame:
        """The forecast of one series as `forecast` returns it.

        Args:
            own: of `forecast_each`.
            days_ahead: as `check_horizon` returns it.
            intervals: as for `forecast`; called once.
        """
        levels = self._calibrations[own.series].levels
        if intervals is None:
            low, high = self._static_ends(own)
        else:
            raw_low, raw_high = conformal.raw_intervals(own.point, own.quantiles, own.quantile_levels, levels)
            own_low, own_high = intervals(
                own.name, own.series, own.days, own.values, own.point[0], raw_low[:, 0], raw_high[:, 0]
            )
            low, high = conformal.enforce_nesting(
                own_low[:, None], own_high[:, None], own.point, self._counts(own)
            )
        ends = [end for pair in zip(low, high, strict=True) for end in pair]
        end_columns = {
            column: values[0, :days_ahead]
            for column, values in zip(conformal.interval_columns(levels), ends, strict=True)
        }
        next_days = own.days[-1] + np.arange(1, days_ahead + 1).astype("timedelta64[D]")
        return pd.DataFrame(
            {
                "ds": pd.to_datetime(next_days),
                ID: own.name,
                conformal.point_column(own.quantiles is not None): own.point[0, :days_ahead],
                **end_columns,
            }
        )


def _load(folder: Path, spec: ForecastSpec) -> backtest.LoadedForecaster:
    """The trained model in `folder`."""
    kind = registry.get("forecast", model_folder.read(folder, "config.json", ("name",))["name"]).kind
    min_history = backtest.min_history(folder, spec)
    forecast = backtest.load_forecaster(kind, folder, spec, str(folder))
    return backtest.LoadedForecaster(forecast, min_history, kind != "rule")


def _distinct_ids(frame: pd.DataFrame, location: str) -> list[str] | None:
    """The values of `unique_id`, in order; None without that column.

    Raises:
        UserError: if a row has none.
    """
    if ID not in frame.columns:
        return None
    missing = frame[ID].isna().to_numpy()
    if missing.any():
        date = format_cell(frame["ds"].iloc[int(np.argmax(missing))])
        raise UserError(
            f"no {ID} on {date}", location=location, allowed="a name in every row, or no such column"
        )
    return list(dict.fromkeys(series_ids(frame)))
