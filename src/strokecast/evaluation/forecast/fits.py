"""The fits of a model: the evaluated training, and its refits with intervals that are calibrated on forecasts of earlier fits.

A refit has learned all days before it, so its own errors there are too small. The forecasts of earlier fits were made without
these days: each day is forecast by the fit that was the latest then. The last days before a refit, as many as the validation
split has, calibrate it. Its own training is not needed for that, and no day from the refit on is read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from strokecast.evaluation.common.ranking import Key
from strokecast.evaluation.common.trained_models import TrainedModel
from strokecast.evaluation.forecast.refit import Refitter, assign_origins
from strokecast.features.records import spec as specs
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries import origins
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.inference import backtest, conformal, online_correction
from strokecast.inference.online_correction import Correction
from strokecast.inference.validation_forecasts import ValidationForecasts

_WEEK = 7


@dataclass(frozen=True)
class FittedModel:
    """One fit of a model: the evaluated training, or a refit.

    Attributes:
        folder: of the trained model.
        spec: of the data that it was fitted on.
        forecast: its forecasts.
        start: position of the first day that it has not learned.
    """

    folder: Path
    spec: ForecastSpec
    forecast: backtest.ForecastFn
    start: int


def first_fit(model: TrainedModel, series: backtest.Series, spec: ForecastSpec) -> FittedModel:
    """The evaluated training, which has learned the training days."""
    forecast = backtest.load_forecaster(model.kind, model.folder, spec, _location(model))
    return FittedModel(model.folder, spec, forecast, series.starts["valid"])


def refit_models(
    models: Sequence[TrainedModel],
    refitter: Refitter,
    series: backtest.Series,
    positions: origins.Positions,
    spec: ForecastSpec,
) -> dict[Key, list[tuple[FittedModel, origins.Positions]]]:
    """Refit the models that `params.yaml` wants refitted, and calibrate the refits.

    Args:
        models: the trained models.
        refitter: trains them.
        series: the days of all splits.
        positions: int64 [O] of the origins.
        spec: of the processed data.

    Returns:
        (name, seed) → its refits in time order, each with the rows of `positions` that it forecasts. Models that are
        not refitted are missing.

    Raises:
        UserError: from preprocessing and training.
    """
    every = {model.key: refitter.every(model.name) for model in models}
    assigned = {key: assign_origins(positions, days) for key, days in every.items() if days is not None}
    refitted = [model for model in models if model.key in assigned]
    days = {key: [str(series.days[start]) for start in starts] for key, starts in assigned.items()}
    valid_days = series.starts["test"] - series.starts["valid"]
    folders = refitter.refit(refitted, days, valid_days)
    refits = {}
    for model in refitted:
        fits = [_fit(model, model.folder, spec, series.starts["valid"])]
        for folder, start in zip(folders[model.key], assigned[model.key], strict=True):
            fits.append(_fit(model, folder, specs.load(folder, "forecast"), start))
        own_history = backtest.uncorrected_min_history(model.folder, spec)
        min_history = max(WindowTransformer(spec).min_history, own_history)
        fits = _correct_refits(fits, online_correction.load(model.folder), min_history)
        step = _calibration_step(valid_days, refitter.calibration_origins(model))
        _calibrate_refits(fits, series, min_history, step)
        refits[model.key] = list(zip(fits[1:], assigned[model.key].values(), strict=True))
    return refits


def forecast_by_latest(
    fits: Sequence[FittedModel], series: backtest.Series, positions: origins.Positions
) -> ValidationForecasts:
    """Forecasts of one series, at each origin by the fit that was the latest then.

    Args:
        fits: of one model, in time order.
        series: the days of all splits.
        positions: int64 [O] of the origins, rising, at least one, none before the start of the first fit.
    """
    forecast = _latest_forecasts(fits, series, positions)
    return ValidationForecasts(
        series.days[positions],
        backtest.actuals(series, fits[0].spec, positions)[..., 0],
        forecast.point[..., 0],
        forecast.quantiles,
        tuple(forecast.quantile_levels),
    )


def _latest_forecasts(
    fits: Sequence[FittedModel], series: backtest.Series, positions: origins.Positions
) -> backtest.Forecast:
    latest = np.searchsorted([fit.start for fit in fits], positions, side="right") - 1
    parts = [
        fit.forecast(series, positions[latest == number])
        for number, fit in enumerate(fits)
        if (latest == number).any()
    ]
    quantiles = [part.quantiles for part in parts if part.quantiles is not None]
    return backtest.Forecast(
        np.concatenate([part.point for part in parts]),
        np.concatenate(quantiles) if quantiles else None,
        parts[0].quantile_levels,
    )


def _correct_refits(
    fits: Sequence[FittedModel], corrections: Mapping[str, Correction], min_history: int
) -> list[FittedModel]:
    """The fits with the online correction of the first one, by errors of the fit that was the latest then.

    A refit has learned the days before it, so its own errors there are too small.
    """
    if not corrections:
        return list(fits)

    def latest(series: backtest.Series, positions: origins.Positions) -> backtest.Forecast:
        return _latest_forecasts(fits, series, positions)

    corrected = online_correction.correct(latest, corrections, fits[0].spec, min_history)
    return [replace(fit, forecast=corrected) for fit in fits]


def _calibration_step(valid_days: int, max_origins: int | None) -> int:
    """Days between the calibration origins of a slow model, not a multiple of a week; 1 for other models.

    Args:
        valid_days: number of days to calibrate on.
        max_origins: largest number of origins among them; None: one per day.
    """
    step = 1 if max_origins is None else math.ceil(valid_days / max_origins)
    return step + 1 if step % _WEEK == 0 else step


def _calibrate_refits(
    fits: Sequence[FittedModel], series: backtest.Series, min_history: int, step: int = 1
) -> None:
    """Write calibration.json to the folder of every fit after the first.

    Args:
        fits: the evaluated training, then its refits in time order.
        series: the days of all splits.
        min_history: days that must precede an origin.
        step: days from one calibration origin to the next.
    """
    spec = fits[0].spec
    horizon = int(spec["horizon"])
    valid_days = series.starts["test"] - series.starts["valid"]
    positions = origins.rolling(fits[0].start, fits[-1].start, min_history, horizon, step)
    latest = forecast_by_latest(fits, series, positions)
    for fit in fits[1:]:
        known = positions + horizon <= fit.start
        rows = known & (positions >= min(fit.start - valid_days, positions[known][-1]))
        conformal.fit(
            latest.actual[rows],
            latest.point[rows],
            None if latest.quantiles is None else latest.quantiles[rows],
            latest.quantile_levels,
        ).write(fit.folder)


def _fit(model: TrainedModel, folder: Path, spec: ForecastSpec, start: int) -> FittedModel:
    """A fit without online correction."""
    forecast = backtest.load_uncorrected(model.kind, folder, spec, _location(model))
    return FittedModel(folder, spec, forecast, start)


def _location(model: TrainedModel) -> str:
    return f"params.yaml: models.forecast.{model.name}"
