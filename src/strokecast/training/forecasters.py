"""Fits forecasters without a network on processed data: statistical models and regressions; no TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from strokecast.common.errors import UserError
from strokecast.features.records import numpy_reader
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries import origins, series_spec
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.inference import backtest
from strokecast.models.regression.lag_regressor import LagRegressor
from strokecast.models.statistical.base import StatisticalForecaster
from strokecast.training.guards import TrainingError

_FIX = (
    "give a longer series, or switch the model off (enabled: false; if it is evaluation.forecast.baseline, name another "
    "model there)"
)
_TIMED_ORIGINS = 5  # origins at which a statistical model is timed, after a warm-up


def fit_statistical(
    model: StatisticalForecaster,
    processed: Path,
    spec: ForecastSpec,
    location: str,
    series_name: str = series_spec.SINGLE,
) -> tuple[float, float]:
    """Fit `model` on the training days of one series, and time its forecasts at validation origins.

    Opens the days of the train and valid splits, never those of the test split.

    Args:
        model: unfitted.
        processed: `data/processed/forecast`.
        spec: its spec.json.
        location: key path of the model in params.yaml, for errors.
        series_name: id of the series if there are several.

    Returns:
        Seconds of the fit, and forecasts per second after a warm-up.

    Raises:
        UserError: if the model needs more days.
    """
    series = backtest.load_series(processed, ("train", "valid"), series_name)
    first, stop = series.starts["valid"], len(series.days)
    learned = int(series_spec.for_series(spec, series_name)["splits"]["train"]["days"])
    positions = origins.rolling(first, stop, model.min_history, int(spec["horizon"]))
    if not len(positions):
        of_series = f" of {series_name}" if series_name else ""
        raise UserError(
            f"{stop} days{of_series} before the test split are too few: {model.min_history} days of history and "
            f"a horizon of {spec['horizon']} are needed",
            location=location,
            fix=_FIX,
        )
    started = time.perf_counter()
    try:
        model.fit(backtest.history_before(series, series_spec.for_series(spec, series_name), learned))
    except ValueError as error:
        raise UserError(
            f"cannot be fitted to the training days: {error}", location=location, fix=_FIX
        ) from None
    fit_seconds = time.perf_counter() - started
    positions = origins.subsample_evenly(positions, _TIMED_ORIGINS)
    forecast = backtest.statistical_forecaster(model, series_spec.for_series(spec, series_name), location)
    forecast(series, positions[:1])
    started = time.perf_counter()
    forecast(series, positions)
    return fit_seconds, len(positions) / (time.perf_counter() - started)


def fit_shared(
    models: Mapping[str, StatisticalForecaster], processed: Path, spec: ForecastSpec
) -> dict[str, Any] | None:
    """Let fitted models of several series learn what they share, on the training days of all.

    Args:
        models: series → its model, fitted by `fit_statistical`; `series` and `shared` are set.
        processed: `data/processed/forecast`.
        spec: its spec.json.

    Returns:
        What they share; None if each series has a model of its own.
    """
    first = next(iter(models.values()))
    if len(models) == 1 or not first.pools_series:
        return None
    members = {}
    for name, model in models.items():
        own = series_spec.for_series(spec, name)
        series = backtest.load_series(processed, ("train",), name)
        members[name] = (model, backtest.history_before(series, own, int(own["splits"]["train"]["days"])))
        model.series = name
    shared = first.fit_shared(members)
    for model in models.values():
        model.shared = shared
    return shared


def fit_regression(
    model: LagRegressor, processed: Path, spec: ForecastSpec, seed: int, location: str
) -> tuple[float, float]:
    """Fit `model` on the training windows of all series, and time its forecasts of the validation windows.

    Opens the files of the train and valid splits, never those of the test split.

    Args:
        model: unfitted.
        processed: `data/processed/forecast`.
        spec: its spec.json.
        seed: seed of the model's random numbers.
        location: key path of the model in params.yaml, for errors.

    Returns:
        Seconds of the fit, reading included, and predicted windows per second after a warm-up.

    Raises:
        UserError: if the data is damaged.
        TrainingError: if memory runs out.
    """
    started = time.perf_counter()
    try:
        train, valid = (_windows(processed, spec, split) for split in ("train", "valid"))
        train_inputs = {"past": train.past, "future": train.future}
        valid_inputs = {"past": valid.past, "future": valid.future}
        model.fit(train_inputs, train.target, seed, (valid_inputs, valid.target))
    except MemoryError:
        fix = "use fewer lags, a shorter window or fewer training days"
        raise TrainingError("out of memory", location=location, fix=fix) from None
    fit_seconds = time.perf_counter() - started
    model.predict(valid_inputs)
    started = time.perf_counter()
    model.predict(valid_inputs)
    return fit_seconds, len(valid.origin) / (time.perf_counter() - started)


def _windows(processed: Path, spec: ForecastSpec, split: str) -> numpy_reader.WindowArrays:
    """The windows of a split: its TFRecords, or the same cut from the days of the series if there are none.

    Windows that are cut from days hold no known features of past days, which regressions do not read.
    """
    if spec["files"]:
        return numpy_reader.windows(processed, spec, split)
    parts = []
    for name in series_spec.names(spec):
        series, one = (
            backtest.load_series(processed, ("train", "valid"), name),
            series_spec.for_series(spec, name),
        )
        transformer = WindowTransformer(one)
        first = max(series.starts[split], transformer.min_history)
        positions = first + np.arange(int(one["splits"][split]["windows"]))
        inputs = transformer.transform(series.days, series.columns, positions, known_past=False)
        target = transformer.transform_target(series.columns, positions)
        parts.append((inputs.past, inputs.future, target, series.days[positions].astype(np.int64)))
    return numpy_reader.WindowArrays(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
