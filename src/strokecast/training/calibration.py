"""Forecasts at validation origins at the end of a training: corrects them, calibrates intervals, stores forecasts and errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries import origins, series_spec
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.inference import backtest, conformal, online_correction, selection, validation_forecasts
from strokecast.inference.validation_forecasts import ValidationForecasts


def write(
    folder: Path,
    forecast: backtest.ForecastFn,
    processed: Path,
    spec: ForecastSpec,
    history: int,
    max_origins: int | None,
    location: str,
    *,
    correct: bool = False,
) -> dict[str, Any]:
    """Write calibration.json, validation.json and validation_forecasts.npz to `folder`; for the first target.

    With `correct`, an online correction is chosen first, per series, and written to correction.json. All files are of the
    corrected forecasts then.

    A calibration pooled over all series would reach its level over all series together. One per series reaches it
    for every series, even if their errors have other shapes. Each needs as many origins as a single series does.

    Opens the days of the train and valid splits, never those of the test split.

    Args:
        folder: folder of the training.
        forecast: the forecaster.
        processed: `data/processed/forecast`.
        spec: its spec.json.
        history: days of history that the forecaster needs before an origin. Networks need `input_size` and the
            lags in any case.
        max_origins: number of evenly spaced origins; None: all.
        location: key path of the model in params.yaml, for errors.
        correct: whether to choose an online correction. It takes forecasts at many origins, so not for slow forecasters.

    Returns:
        {"correction": series → the correction in words} of run.json; {} if no series is corrected.

    Raises:
        UserError: if the validation split has no origin with enough history.
    """
    horizon, min_history = int(spec["horizon"]), max(history, WindowTransformer(spec).min_history)
    calibrations, stored, corrections = {}, {}, {}
    for name in series_spec.names(spec):
        series = backtest.load_series(processed, ("train", "valid"), name)
        days = len(series.days)
        positions = origins.rolling(series.starts["valid"], days, min_history, horizon)
        positions = origins.subsample_evenly(positions, max_origins)
        if not len(positions):
            of_series = f" of {name}" if name else ""
            raise UserError(
                f"{days} days{of_series} before the test split are too few: {min_history} days of history and a "
                f"horizon of {horizon} are needed for a validation forecast",
                location=location,
                fix="give a longer series, move test_from later, or switch the model off (enabled: false)",
            )
        own = forecast(series, positions)
        stored[name] = _validation_forecasts(own, series, spec, positions)
        correction = online_correction.choose(stored[name]) if correct else None
        if correction is not None:
            corrections[name] = correction
            counts = bool(series_spec.for_series(spec, name)["counts"])
            own = correction.correct_consecutive(own, stored[name].actual, counts)
            stored[name] = _validation_forecasts(own, series, spec, positions)
        one = stored[name]
        calibrations[name] = conformal.fit(one.actual, one.point, one.quantiles, one.quantile_levels)
    online_correction.write(folder, corrections)
    conformal.write_calibrations(folder, calibrations)
    selection.write_errors(folder, {name: forecasts.errors() for name, forecasts in stored.items()})
    validation_forecasts.write(folder, stored)
    return {"correction": {name: str(one) for name, one in corrections.items()}} if corrections else {}


def _validation_forecasts(
    forecast: backtest.Forecast, series: backtest.Series, spec: ForecastSpec, positions: origins.Positions
) -> ValidationForecasts:
    return ValidationForecasts(
        series.days[positions],
        backtest.actuals(series, spec, positions)[..., 0],
        forecast.point[..., 0],
        forecast.quantiles,
        tuple(forecast.quantile_levels),
    )
