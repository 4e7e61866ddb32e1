"""Forecasts of every model at the rolling origins of the test split, which only this module opens.

All models forecast at the same origins. TensorFlow is imported only if one of them is a network.
Shapes: O origins, H days ahead, D targets, T days of the whole series.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from strokecast.common.console import progress
from strokecast.common.errors import UserError
from strokecast.evaluation.common.predictions import require_finite
from strokecast.evaluation.common.ranking import Key
from strokecast.evaluation.common.trained_models import TrainedModel, TrainedModels, check_same_data
from strokecast.evaluation.forecast.metrics import seasonal_scale
from strokecast.evaluation.forecast.refit import Refitter, assign_origins
from strokecast.evaluation.forecast.results import (
    Backtest,
    Forecasts,
    Mask,
    concatenate_backtests,
    concatenate_forecasts,
)
from strokecast.evaluation.forecast.subsets import weekdays
from strokecast.features.records import spec as specs
from strokecast.features.records.spec import SPLITS, ForecastSpec
from strokecast.features.timeseries import calendar, origins, series_spec
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.inference import backtest, conformal

_SUNDAY = 6


def forecast_test_split(
    trained_models: TrainedModels,
    processed: Path,
    spec: ForecastSpec,
    step_size: int,
    max_origins: int | None = None,
    refitter: Refitter | None = None,
) -> tuple[Backtest, dict[Key, Forecasts]]:
    """Forecast with every trained model, in the unit of the series.

    The origins are every `step_size`-th day of the test split from which a whole horizon fits into it.

    Args:
        trained_models: of forecast.
        processed: `data/processed/forecast`.
        spec: its spec.json.
        step_size: days from one origin to the next.
        max_origins: largest number of origins, evenly spaced; None: all.
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
        possible = origins.rolling(days.starts["test"], len(days.days), min_history, horizon, step_size)
        positions[name] = origins.subsample_evenly(possible, max_origins)
        tests[name] = _backtest(days, series_spec.for_series(spec, name), positions[name], len(possible))
    forecasts = {}
    for model in progress(trained_models.finished, "forecasting", len(trained_models.finished), "training"):
        parts = []
        for folder, rows in _fits(model, refitter, series[names[0]], positions[names[0]], spec):
            fit_spec = spec if folder == model.folder else specs.load(folder, "forecast")
            location = f"params.yaml: models.forecast.{model.name}"
            forecaster = backtest.load_forecaster(model.kind, folder, fit_spec, location)
            for name in names:
                at = positions[name][rows] if refitter else positions[name]
                forecast = forecaster(series[name], at)
                require_finite(forecast.point if forecast.quantiles is None else forecast.quantiles, model)
                parts.append(_calibrate(folder, forecast, series_spec.for_series(fit_spec, name), name))
        forecasts[model.key] = concatenate_forecasts(parts)
    test = tests[series_spec.SINGLE] if series_spec.SINGLE in tests else concatenate_backtests(tests)
    return test, forecasts


def _backtest(
    series: backtest.Series, spec: ForecastSpec, positions: origins.Positions, possible_origins: int
) -> Backtest:
    """The actual values of one series at its origins."""
    actuals = backtest.actuals(series, spec, positions)
    values = np.asarray(series.columns[spec["targets"][0]], np.float64)
    first = series.starts["test"]
    return Backtest(
        name=spec["name"],
        unit=spec["unit"],
        source=spec["source"],
        days=series.days[first:],
        values=values[first:],
        first_days=series.days[positions],
        actual=actuals[..., 0],
        scale=seasonal_scale(values[: series.starts["valid"]]),
        holidays=_holidays(series, spec, positions),
        extra_targets={name: actuals[..., at] for at, name in enumerate(spec["targets"]) if at},
        possible_origins=possible_origins,
    )


def _fits(
    model: TrainedModel,
    refitter: Refitter | None,
    series: backtest.Series,
    positions: origins.Positions,
    spec: ForecastSpec,
) -> list[tuple[Path, origins.Positions]]:
    """Folders of the model and its refits in time order, each with the rows of `positions` it forecasts."""
    first = series.starts["test"]
    assigned = assign_origins(positions, first, refitter.every if refitter else None)
    refit_days = [str(series.days[start]) for start in assigned if start != first]
    valid_days = int(spec["splits"]["valid"]["days"])
    folders = refitter.refit(model, refit_days, valid_days) if refitter else []
    if first in assigned:
        folders = [model.folder, *folders]
    return list(zip(folders, assigned.values(), strict=True))


def _calibrate(folder: Path, forecast: backtest.Forecast, spec: ForecastSpec, series: str) -> Forecasts:
    """Forecasts of one series with the intervals that its training calibrated."""
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
