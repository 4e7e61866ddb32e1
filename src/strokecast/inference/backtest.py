"""Rolling-origin forecasts of a processed series by forecasters of every kind.

Networks, regressions and statistical forecasters all read their inputs through the
`features.timeseries.window_transformer` that preprocessing and serving use. TensorFlow is imported only for networks.

Shapes: T days of the series, O origins, W days of the past, H days of the horizon, D targets, Q quantile levels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries import series_spec
from strokecast.features.timeseries.origins import Positions
from strokecast.features.timeseries.window_transformer import History, WindowTransformer

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]

_BATCH = 1024  # windows per forward pass
_REMEMBERED = 256  # transformers of series


@dataclass(frozen=True)
class Series:
    """Consecutive days of one or more splits.

    Attributes:
        days: datetime64[D] [T].
        columns: float64 [T] each, in their own units.
        starts: split → position of its first day.
        name: its id in a global model.
    """

    days: Days
    columns: Mapping[str, Any]
    starts: Mapping[str, int]
    name: str = series_spec.SINGLE


@dataclass(frozen=True)
class Forecast:
    """Forecasts in the series' own unit.

    Attributes:
        point: float64 [O, H, D]; the median if quantiles are forecast. Statistical forecasters have D = 1, the first
            target.
        quantiles: float64 [O, H, Q] of the first target; None for a point forecast.
        quantile_levels: the Q levels, rising; () for a point forecast.
    """

    point: Floats
    quantiles: Floats | None = None
    quantile_levels: Sequence[float] = ()


ForecastFn = Callable[[Series, Positions], Forecast]
"""Forecasts at origins, which are positions of the first forecast day in the series."""

Request = tuple[Series, Positions]
"""A series and the origins at which it is forecast."""


@dataclass(frozen=True)
class BatchForecaster:
    """A `ForecastFn` that can forecast many series in one call.

    Attributes:
        many: a forecast per request, which depends on the other requests by the rounding of float32 alone.
    """

    many: Callable[[Sequence[Request]], list[Forecast]]

    def __call__(self, series: Series, origins: Positions) -> Forecast:
        """The forecasts of one series."""
        return self.many([(series, origins)])[0]


def forecast_many(forecast: ForecastFn, requests: Sequence[Request]) -> list[Forecast]:
    """A forecast per request, in one call if the forecaster can do that."""
    if isinstance(forecast, BatchForecaster):
        return forecast.many(requests)
    return [forecast(series, origins) for series, origins in requests]


@dataclass(frozen=True)
class LoadedForecaster:
    """A forecaster that is ready to forecast.

    Attributes:
        forecast: its forecasts.
        min_history: days of history that it needs.
        transforms_values: whether it transforms the values, which may not be defined for all of them.
    """

    forecast: ForecastFn
    min_history: int
    transforms_values: bool


def load_series(processed: Path, splits: Sequence[str], name: str = series_spec.SINGLE) -> Series:
    """The days of consecutive `splits`; opens the files of no other split.

    Args:
        processed: folder of the processed data.
        splits: consecutive splits, e.g. ("train", "valid").
        name: the series of a global model.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from strokecast.features.records import arrow

    tables = [arrow.read_table(processed / split / "series.parquet") for split in splits]
    if name:
        tables = [
            table.filter(pc.equal(table["unique_id"], name)).drop_columns("unique_id") for table in tables
        ]
    starts = np.cumsum([0, *(len(table) for table in tables[:-1])])
    joined = pa.concat_tables(tables)
    days = np.asarray(joined["ds"].to_pylist(), "datetime64[D]")
    columns = {key: arrow.column_values(joined[key]) for key in joined.column_names if key != "ds"}
    return Series(days, columns, dict(zip(splits, map(int, starts), strict=True)), name)


def actuals(series: Series, spec: ForecastSpec, origins: Positions) -> Floats:
    """The observed targets from the origins on, float64 [O, H, D]."""
    days = origins[:, None] + np.arange(int(spec["horizon"]))
    return np.stack([np.asarray(series.columns[name], np.float64)[days] for name in spec["targets"]], axis=-1)


def history_before(series: Series, spec: ForecastSpec, origin: int) -> History:
    """What a statistical forecaster reads at an origin: the days before it, and the dates of the `horizon` days after.

    Args:
        series: the days.
        spec: of the processed data; for a global model that of one series.
        origin: position of the first day that it does not read.
    """
    next_days = series.days[0] + np.arange(origin, origin + int(spec["horizon"]))
    return History(
        days=series.days[:origin],
        values=np.asarray(series.columns[spec["targets"][0]][:origin], np.float64),
        columns={name: column[:origin] for name, column in series.columns.items()},
        next_days=next_days,
        spec=spec,
    )


def load_forecaster(kind: str, folder: Path, spec: ForecastSpec, location: str) -> ForecastFn:
    """The trained forecaster in `folder`, with its online correction.

    Args:
        kind: of the architecture: `network`, `rule` or `estimator`.
        folder: the model folder.
        spec: of the data it was trained on.
        location: how errors of statistical forecasters name the model.

    Raises:
        UserError: if a file is missing or cannot be read.
    """
    from strokecast.inference import online_correction

    forecast, corrections = load_uncorrected(kind, folder, spec, location), online_correction.load(folder)
    if not corrections:
        return forecast
    return online_correction.correct(forecast, corrections, spec, uncorrected_min_history(folder, spec))


def load_uncorrected(kind: str, folder: Path, spec: ForecastSpec, location: str) -> ForecastFn:
    """The trained forecaster in `folder` without online correction; arguments and errors as in `load_forecaster`."""
    from strokecast.inference import networks

    if kind == "rule":
        models = networks.load_statistical_by_series(folder, series_spec.names(spec))
        return statistical_forecasters(models, spec, location)
    if kind == "estimator":
        from strokecast.models.regression import lag_regressor

        return regression_forecaster(lag_regressor.load(folder), spec)
    return network_forecaster(networks.load_network(folder), spec)


def min_history(folder: Path, spec: ForecastSpec) -> int:
    """Number of days of history that the trained forecaster in `folder` needs, with those of its online correction."""
    from strokecast.inference import online_correction

    corrections = online_correction.load(folder).values()
    horizon = int(spec["horizon"])
    return uncorrected_min_history(folder, spec) + max(
        (one.days_before(horizon) for one in corrections), default=0
    )


def uncorrected_min_history(folder: Path, spec: ForecastSpec) -> int:
    """Number of days of history that the trained forecaster in `folder` needs without online correction."""
    if (folder / "model.json").is_file():
        from strokecast.inference import networks

        models = networks.load_statistical_by_series(folder, series_spec.names(spec))
        return max(int(model.min_history) for model in models.values())
    return WindowTransformer(spec).min_history


def transformer_of_series(spec: ForecastSpec) -> Callable[[str], WindowTransformer]:
    """Function from the name of a series to its transformer, which remembers those of the last series."""

    @functools.lru_cache(maxsize=_REMEMBERED)
    def make(name: str) -> WindowTransformer:
        return WindowTransformer(series_spec.for_series(spec, name))

    return make


def network_forecaster(model: Any, spec: ForecastSpec) -> ForecastFn:
    """The forecasts of a trained `keras.Model` of the task forecast."""
    from strokecast.inference import conformal, networks

    transformer_of, run = transformer_of_series(spec), networks.inference_function(model)
    quantile_levels = networks.quantile_levels(model)
    names, horizon = list(networks.input_signature(model)), int(spec["horizon"])

    def forecast(requests: Sequence[Request]) -> list[Forecast]:
        windows = [
            transformer_of(series.name).transform(series.days, series.columns, origins)
            for series, origins in requests
        ]
        inputs = {name: np.concatenate([getattr(one, name) for one in windows]) for name in names}
        ends = np.cumsum([len(origins) for _, origins in requests])
        outputs = np.concatenate(
            [
                networks.last_step(
                    run({name: values[start : start + _BATCH] for name, values in inputs.items()}), horizon
                ).numpy()
                for start in range(0, int(ends[-1]), _BATCH)
            ]
        )
        return [
            to_forecast(transformer_of(series.name).inverse_transform(scaled, one.base))
            for (series, _), one, scaled in zip(requests, windows, np.split(outputs, ends[:-1]), strict=True)
        ]

    def to_forecast(values: Floats) -> Forecast:
        if not quantile_levels:
            return Forecast(values)
        return Forecast(conformal.median(values, quantile_levels), values[:, :, 0], quantile_levels)

    return BatchForecaster(forecast)


def regression_forecaster(model: Any, spec: ForecastSpec) -> ForecastFn:
    """The forecasts of a fitted `models.regression.lag_regressor.LagRegressor`."""
    transformer_of = transformer_of_series(spec)

    def forecast(series: Series, origins: Positions) -> Forecast:
        transformer = transformer_of(series.name)
        windows = transformer.transform(series.days, series.columns, origins, known_past=False)
        scaled = model.predict({"past": windows.past, "future": windows.future})
        return Forecast(transformer.inverse_transform(scaled, windows.base))

    return forecast


def statistical_forecasters(models: Mapping[str, Any], spec: ForecastSpec, location: str) -> ForecastFn:
    """The forecasts of one statistical forecaster per series; see `statistical_forecaster`.

    Args:
        models: series → its forecaster.
        spec: of the processed data.
        location: how errors name the model.
    """
    by_series = {
        name: statistical_forecaster(model, series_spec.for_series(spec, name), location)
        for name, model in models.items()
    }
    return lambda series, origins: by_series[series.name](series, origins)


def statistical_forecaster(model: Any, spec: ForecastSpec, location: str) -> ForecastFn:
    """The forecasts of a `models.statistical.base.StatisticalForecaster`.

    It is called once per origin, with the days before that origin only.

    Args:
        model: the forecaster.
        spec: of the processed data; for a global model that of one series.
        location: how errors name the model.
    """

    def forecast(series: Series, origins: Positions) -> Forecast:
        start = int(origins[0])
        if model.min_history > start:
            raise UserError(
                f"needs {model.min_history} days of history, the first forecast ({series.days[start]}) has {start}",
                location=location,
                fix="set enabled: false, move the splits later, or use a longer series",
            )
        histories = (history_before(series, spec, int(origin)) for origin in origins)
        levels = model.quantile_levels
        if not levels:
            return Forecast(np.stack([model.predict(history) for history in histories])[..., None])
        quantiles = np.stack([model.predict_quantiles(history) for history in histories])
        return Forecast(quantiles[..., [levels.index(0.5)]], quantiles, levels)

    return forecast
