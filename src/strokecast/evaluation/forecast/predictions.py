"""Forecasts of every model at the rolling origins of the test split, which only this module opens.

All models forecast at the same origins. TensorFlow is imported only if one of them is a network.
Shapes: O origins, H days ahead, D targets, T days of the whole series.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from strokecast.common.console import progress
from strokecast.common.errors import UserError
from strokecast.evaluation.common.predictions import require_finite
from strokecast.evaluation.common.ranking import Key
from strokecast.evaluation.common.trained_models import TrainedModel, TrainedModels, check_same_data
from strokecast.evaluation.forecast.adaptation import forecast_between
from strokecast.evaluation.forecast.fits import FittedModel, first_fit, refit_models
from strokecast.evaluation.forecast.metrics import seasonal_scale, seasonal_scale_of_histories
from strokecast.evaluation.forecast.refit import Refitter
from strokecast.evaluation.forecast.results import (
    Backtest,
    Forecasts,
    Mask,
    concatenate_backtests,
    concatenate_forecasts,
)
from strokecast.evaluation.forecast.subsets import weekdays
from strokecast.features.records.spec import SPLITS, ForecastSpec
from strokecast.features.timeseries import calendar, origins, series_spec
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.inference import backtest, conformal
from strokecast.params import ForecastEvaluation

_SUNDAY = 6


def forecast_test_split(
    trained_models: TrainedModels,
    processed: Path,
    spec: ForecastSpec,
    settings: ForecastEvaluation,
    refitter: Refitter | None = None,
) -> tuple[Backtest, dict[Key, Forecasts]]:
    """Forecast with every trained model, in the unit of the series.

    The origins are every `step_size`-th day of the test split from which a whole horizon fits into it. With `step_size:
    horizon` the forecast days of the origins follow one another up to the last day.

    Args:
        trained_models: of forecast.
        processed: `data/processed/forecast`.
        spec: its spec.json.
        settings: `evaluation.forecast` of `params.yaml`: the origins, the scale of MASE, the quantile levels.
        refitter: refits the models as the origins move on; None: no refits.

    Returns:
        The test days with their origins; (name, seed) → forecasts of that trained model.

    Raises:
        UserError: if a model was trained on other data, cannot be read, needs more history than there is at the first
            origin, or its forecasts are not finite; or if models of several series are to be refitted.
    """
    check_same_data(trained_models.finished, spec["digest"])
    names = series_spec.names(spec)
    if refitter and names != (series_spec.SINGLE,):
        raise UserError(
            "models of several series cannot be refitted as origins move on",
            location="params.yaml: evaluation.forecast.refit_every",
            fix="set it to null, or set features.forecast.series: one",
        )
    series = {name: backtest.load_series(processed, SPLITS, name) for name in names}
    tests, positions = {}, {}
    for name, days in series.items():
        min_history, horizon = WindowTransformer(spec).min_history, int(spec["horizon"])
        possible = _origins(days, min_history, horizon, settings.step_size)
        positions[name] = origins.subsample_evenly(possible, settings.max_origins)
        tests[name] = _backtest(
            days, series_spec.for_series(spec, name), positions[name], len(possible), settings
        )
    models = trained_models.finished
    refits = refit_models(models, refitter, series[names[0]], positions[names[0]], spec) if refitter else {}
    forecasts = {}
    for model in progress(models, "forecasting", len(models), "training"):
        if model.key in refits:
            parts = [
                _forecast(model, fit, series[names[0]], positions[names[0]][rows])
                for fit, rows in refits[model.key]
            ]
            fits = [fit for fit, _ in refits[model.key]]
        else:
            fit = first_fit(model, series[names[0]], spec)
            parts = [_forecast(model, fit, series[name], positions[name]) for name in names]
            fits = [fit]
        forecasts[model.key] = concatenate_forecasts(parts)
        if settings.intervals == "adaptive":
            between = {
                name: forecast_between(model, fits, days, positions[name]) for name, days in series.items()
            }
            known = {name: one for name, one in between.items() if one is not None}
            forecasts[model.key] = replace(forecasts[model.key], between=known)
    test = tests[series_spec.SINGLE] if series_spec.SINGLE in tests else concatenate_backtests(tests)
    return test, forecasts


def _origins(
    series: backtest.Series, min_history: int, horizon: int, step_size: int | Literal["horizon"]
) -> origins.Positions:
    """The possible origins of the test split."""
    first, stop = series.starts["test"], len(series.days)
    if step_size == "horizon":
        return origins.back_to_back(first, stop, min_history, horizon)
    return origins.rolling(first, stop, min_history, horizon, step_size)


def _backtest(
    series: backtest.Series,
    spec: ForecastSpec,
    positions: origins.Positions,
    possible_origins: int,
    settings: ForecastEvaluation,
) -> Backtest:
    """The actual values of one series at its origins."""
    actuals = backtest.actuals(series, spec, positions)
    values = np.asarray(series.columns[spec["targets"][0]], np.float64)
    first, season = series.starts["test"], settings.mase_season
    if settings.mase_scale == "history":
        scale = seasonal_scale_of_histories(values, positions, season)
    else:
        scale = seasonal_scale(values[: series.starts["valid"]], season)
    return Backtest(
        name=spec["name"],
        unit=spec["unit"],
        source=spec["source"],
        days=series.days[first:],
        values=values[first:],
        first_days=series.days[positions],
        actual=actuals[..., 0],
        scale=scale,
        holidays=_holidays(series, spec, positions),
        extra_targets={name: actuals[..., at] for at, name in enumerate(spec["targets"]) if at},
        possible_origins=possible_origins,
        quantile_levels=settings.quantile_levels,
    )


def _forecast(
    model: TrainedModel, fit: FittedModel, series: backtest.Series, positions: origins.Positions
) -> Forecasts:
    """Forecasts of one fit of a model at origins of one series."""
    forecast = fit.forecast(series, positions)
    require_finite(forecast.point if forecast.quantiles is None else forecast.quantiles, model)
    return calibrate(fit.folder, forecast, series_spec.for_series(fit.spec, series.name), series.name)


def calibrate(folder: Path, forecast: backtest.Forecast, spec: ForecastSpec, series: str) -> Forecasts:
    """Forecasts of one series with its intervals.

    Args:
        folder: with the calibration.json of the model.
        forecast: at origins of that series.
        spec: of that series.
        series: its name.

    Raises:
        UserError: if the calibration is missing or is of another kind of forecast.
    """
    calibration = conformal.load(folder, series)
    point = forecast.point[..., 0]
    try:
        low, high = conformal.apply(
            calibration, point, forecast.quantiles, forecast.quantile_levels, bool(spec["counts"])
        )
    except ValueError as error:
        location = str(folder / conformal.FILE)
        raise UserError(str(error), location=location, fix="run `dvc repro` to train the model") from None
    targets = spec["targets"][: forecast.point.shape[2]]
    return Forecasts(
        point=point,
        low=low,
        high=high,
        levels=calibration.levels,
        quantiles=forecast.quantiles,
        quantile_levels=forecast.quantile_levels,
        extra_targets={name: forecast.point[..., at] for at, name in enumerate(targets) if at},
        unattainable_levels=calibration.unattainable_levels,
        calibration_origins=calibration.origins,
    )


def _holidays(series: backtest.Series, spec: ForecastSpec, positions: origins.Positions) -> Mask | None:
    """Which forecast days are holidays, bool [O, H]: by the country's calendar, else by the day types.

    The day type U (Sunday or holiday) is a holiday from Monday to Saturday.
    """
    days = positions[:, None] + np.arange(int(spec["horizon"]))
    country = spec["calendar"]["holiday_country"]
    if country:
        first, last = (int(str(series.days[at])[:4]) for at in (days.min(), days.max()))
        holidays = calendar.holidays(country, first, last)
        flags = np.array([day in holidays for day in series.days.tolist()])
    elif "day_type" in series.columns:
        flags = (np.asarray(series.columns["day_type"]) == "U") & (weekdays(series.days) != _SUNDAY)
    else:
        return None
    return np.asarray(flags[days])
