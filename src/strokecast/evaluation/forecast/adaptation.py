"""Intervals of test forecasts that follow the errors known at each origin, instead of those of the validation days alone.

The evaluated origins may be few and far apart. So that intervals adapt as they would in daily use, models that forecast
quickly also forecast the days between, and the intervals learn from these errors, too.

Shapes: O origins, H days of the horizon, L interval levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from strokecast.evaluation.common.ranking import Key
from strokecast.evaluation.common.trained_models import TrainedModel, TrainedModels
from strokecast.evaluation.forecast.fits import FittedModel, forecast_by_latest
from strokecast.evaluation.forecast.results import Backtest, Forecasts
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries import origins, series_spec
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.inference import adaptive_intervals, backtest, conformal, networks, validation_forecasts
from strokecast.inference.adaptive_intervals import IntervalTracker, IssuedForecasts
from strokecast.inference.validation_forecasts import ValidationForecasts

_MAX_ORIGINS = 2000  # between the evaluated ones, of one series


def forecast_between(
    model: TrainedModel, fits: Sequence[FittedModel], series: backtest.Series, positions: origins.Positions
) -> ValidationForecasts | None:
    """Forecasts of one series at the origins from the end of the validation days on that are not evaluated.

    Args:
        model: the trained model.
        fits: of the model, in time order; each day is forecast by the latest.
        series: the days of all splits.
        positions: int64 [O], the evaluated origins.

    Returns:
        None for a slow statistical model, or if there are no such days.
    """
    spec = fits[0].spec
    if model.kind == "rule" and networks.load_statistical(model.folder, series.name).slow:
        return None
    horizon = int(spec["horizon"])
    first = max(
        series.starts["test"] - horizon + 1,
        WindowTransformer(spec).min_history,
        backtest.min_history(model.folder, spec),
        fits[0].start,
    )
    step = max(1, math.ceil((int(positions[-1]) - first) / _MAX_ORIGINS))
    others = np.setdiff1d(np.arange(first, int(positions[-1]), step), positions)
    if not len(others):
        return None
    return forecast_by_latest(fits, series, others)


def adapt_intervals(
    trained_models: TrainedModels, test: Backtest, forecasts: Mapping[Key, Forecasts], spec: ForecastSpec
) -> dict[Key, Forecasts]:
    """Forecasts with adaptive intervals; those of the calibration are kept as `static_low` and `static_high`.

    Args:
        trained_models: of forecast, and combinations.
        test: the test days and origins.
        forecasts: (name, seed) → forecasts with calibrated intervals.
        spec: of the processed data.

    Raises:
        UserError: if the validation forecasts of a model cannot be read.
    """
    adapted = {}
    for model in trained_models.finished:
        own = forecasts[model.key]
        validation = validation_forecasts.load(model.folder)
        low, high = np.empty_like(own.low), np.empty_like(own.high)
        for name, rows in test.rows_by_series().items():
            counts = bool(series_spec.for_series(spec, name)["counts"])
            low[:, rows], high[:, rows] = _adapt_series(
                own.select(rows), test.series.get(name, test), name, validation[name], counts
            )
        adapted[model.key] = replace(own, low=low, high=high, static_low=own.low, static_high=own.high)
    return adapted


def _adapt_series(
    forecasts: Forecasts, test: Backtest, name: str, validation: ValidationForecasts, counts: bool
) -> tuple[adaptive_intervals.Floats, adaptive_intervals.Floats]:
    """Interval ends float64 [L, O, H] of one series."""
    levels = forecasts.levels
    tracker = IntervalTracker.fit(IssuedForecasts.of_model(validation, levels), levels)
    evaluated = ValidationForecasts(
        test.first_days, test.actual, forecasts.point, forecasts.quantiles, tuple(forecasts.quantile_levels)
    )
    issued = IssuedForecasts.of_model(evaluated, levels)
    wanted = np.ones(len(issued.positions), bool)
    if name in forecasts.between:
        others = IssuedForecasts.of_model(forecasts.between[name], levels)
        issued, wanted = issued.merged(others)
    low, high = adaptive_intervals.track(tracker, issued, wanted)
    return conformal.enforce_nesting(low, high, forecasts.point, counts)
