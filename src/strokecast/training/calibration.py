"""Forecasts at validation origins at the end of a training: calibrates intervals, and stores forecasts and errors."""

from __future__ import annotations

from pathlib import Path

from strokecast.common.errors import UserError
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries import origins, series_spec
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.inference import backtest, conformal, selection, validation_forecasts
from strokecast.inference.validation_forecasts import ValidationForecasts


def write(
    folder: Path,
    forecast: backtest.ForecastFn,
    processed: Path,
    spec: ForecastSpec,
    history: int,
    max_origins: int | None,
    location: str,
) -> None:
    """Write calibration.json, validation.json and validation_forecasts.npz to `folder`; for the first target.

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

    Raises:
        UserError: if the validation split has no origin with enough history.
    """
    horizon, min_history = int(spec["horizon"]), max(history, WindowTransformer(spec).min_history)
    calibrations, stored = {}, {}
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
        forecasts = forecast(series, positions)
        stored[name] = ValidationForecasts(
            series.days[positions],
            backtest.actuals(series, spec, positions)[..., 0],
            forecasts.point[..., 0],
            forecasts.quantiles,
            tuple(forecasts.quantile_levels),
        )
        calibrations[name] = conformal.fit(
            stored[name].actual, stored[name].point, forecasts.quantiles, forecasts.quantile_levels
        )
    conformal.write_calibrations(folder, calibrations)
    selection.write_errors(folder, {name: forecasts.errors() for name, forecasts in stored.items()})
    validation_forecasts.write(folder, stored)
