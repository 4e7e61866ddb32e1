"""Online correction of forecasts by the errors of earlier forecasts that are known at the origin.

A model that has learned another level than the present one is wrong by about the same amount again and again. So a part of the
mean of its last errors, of the same day ahead, is added to the next forecast: "intercept correction" (Clements and Hendry,
1996, https://doi.org/10.1002/(SICI)1099-1255(199609)11:5<475::AID-JAE409>3.0.CO;2-9). How many errors and which part is chosen
on validation origins; a model that gains little keeps its own forecasts.

The errors come from the history alone: the model forecasts the earlier origins, too. So evaluation, MLflow models and
`strokecast forecast` correct alike, whatever was forecast before. Only origins from the first day on that the model has not
learned count, and an error counts from the day after its forecast day on. Errors that are not there count as 0. Needs only
numpy.

Shapes: N origins of which errors are read, O origins, H days of the horizon, D targets, Q quantile levels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.common.files import read_json, write_json
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries import series_spec
from strokecast.features.timeseries.origins import Positions
from strokecast.inference.backtest import (
    BatchForecaster,
    Forecast,
    ForecastFn,
    Request,
    Series,
    forecast_many,
)
from strokecast.inference.validation_forecasts import ValidationForecasts
from strokecast.models.common import model_folder

Floats = NDArray[np.float64]

FILE = "correction.json"
COUNTS = (14, 28, 56)  # errors in the mean: whole weeks, because errors differ between weekdays
WEIGHTS = (0.25, 0.5, 0.75, 1.0)
_MIN_ORIGINS = 84  # validation origins to choose anything
_BLOCKS = 4  # of consecutive validation origins
_MIN_GAIN = 0.01  # share of the error
_MIN_BETTER_BLOCKS = 3


@dataclass(frozen=True)
class Correction:
    """How forecasts of one series are corrected.

    Attributes:
        weight: share of the mean error that is added, above 0.
        count: number of errors in the mean.
        first_day: first forecast day, YYYY-MM-DD, of the earliest origin whose errors count.
    """

    weight: float
    count: int
    first_day: str

    def days_before(self, horizon: int) -> int:
        """Days before an origin at which the earliest origin lies whose errors it reads."""
        return self.count + horizon - 1

    def shifts(self, errors: Floats, rows: Positions) -> Floats:
        """What is added to forecasts, float64 [O, H].

        Args:
            errors: float64 [N, H], actual value minus forecast at consecutive origins; 0 where there is no forecast.
            rows: int64 [O], the rows of the origins to correct; no error is read that is not known there.
        """
        horizon = errors.shape[1]
        padded = np.concatenate([np.zeros((self.days_before(horizon), horizon)), errors])
        means = np.lib.stride_tricks.sliding_window_view(padded, self.count, axis=0).mean(axis=-1)
        ahead = np.arange(horizon)  # the mean in row i ends with the errors of row i - horizon
        return np.asarray(self.weight * means[rows[:, None] + horizon - 1 - ahead, ahead])

    def correct_consecutive(self, forecast: Forecast, actual: Floats, counts: bool) -> Forecast:
        """Corrected forecasts at consecutive origins from `first_day` on, by their own errors.

        Args:
            forecast: uncorrected, at N origins.
            actual: float64 [N, H], all known in the end.
            counts: whether values are never negative.
        """
        errors = np.asarray(actual - forecast.point[..., 0], np.float64)
        return _shift(forecast, self.shifts(errors, np.arange(len(errors))), counts)

    def __str__(self) -> str:
        return f"{self.weight:g} times the mean of the last {self.count} errors of each day ahead"


def choose(forecasts: ValidationForecasts) -> Correction | None:
    """The correction with the lowest mean absolute error on validation origins; None if none lowers it by 1 % and in most blocks.

    Args:
        forecasts: uncorrected, of one series. No correction is chosen unless the origins are consecutive days.
    """
    days = forecasts.days.astype("datetime64[D]")
    if len(days) < _MIN_ORIGINS or (np.diff(days) != np.timedelta64(1, "D")).any():
        return None
    errors = np.asarray(forecasts.actual - forecasts.point, np.float64)
    rows, known = np.arange(len(days)), errors.copy()
    blocks = np.array_split(rows, _BLOCKS)
    best, best_error = None, (1 - _MIN_GAIN) * float(np.abs(errors).mean())
    for count in COUNTS:
        for weight in WEIGHTS:
            one = Correction(weight, count, str(days[0]))
            corrected = errors - one.shifts(known, rows)
            better = sum(np.abs(corrected[block]).mean() < np.abs(errors[block]).mean() for block in blocks)
            error = float(np.abs(corrected).mean())
            if error < best_error and better >= _MIN_BETTER_BLOCKS:
                best, best_error = one, error
    return best


def correct(
    forecast: ForecastFn,
    corrections: Mapping[str, Correction],
    spec: ForecastSpec,
    min_history: int,
) -> ForecastFn:
    """The corrected forecasts of a model: of its first target, with its quantiles.

    Args:
        forecast: the model's own forecasts.
        corrections: series → its correction; series without one are not corrected.
        spec: of the processed data.
        min_history: number of days that must precede an origin.
    """
    horizon, target = int(spec["horizon"]), spec["targets"][0]
    forecast_once = _Memory(forecast)

    def read_origins(series: Series, origins: Positions) -> tuple[int, Positions]:
        """The first origin whose error is known, and the origins that are forecast; those given without a correction."""
        correction = corrections.get(series.name)
        if correction is None:
            return 0, origins
        first_day = np.datetime64(correction.first_day) - series.days[0]
        first = max(int(first_day / np.timedelta64(1, "D")), min_history)
        back = np.arange(1, correction.days_before(horizon) + 1)
        read = np.unique(origins[:, None] - back)
        return first, np.union1d(origins, read[read >= first])

    def shift(series: Series, origins: Positions, first: int, needed: Positions, own: Forecast) -> Forecast:
        correction = corrections.get(series.name)
        if correction is None:
            return own
        values = np.asarray(series.columns[target], np.float64)
        ahead = needed[:, None] + np.arange(horizon)
        known = (needed[:, None] >= first) & (ahead < min(int(origins.max()), len(values)))
        actual = np.where(known, values[np.minimum(ahead, len(values) - 1)], 0.0)
        start = int(needed[0])
        errors = np.zeros((int(needed[-1]) - start + 1, horizon))
        errors[needed - start] = np.where(known, actual - own.point[..., 0], 0.0)
        selected = _select(own, np.searchsorted(needed, origins))
        counts = bool(series_spec.for_series(spec, series.name)["counts"])
        return _shift(selected, correction.shifts(errors, origins - start), counts)

    def run(requests: Sequence[Request]) -> list[Forecast]:
        reads = [read_origins(series, origins) for series, origins in requests]
        needed = [(series, read) for (series, _), (_, read) in zip(requests, reads, strict=True)]
        if len(requests) == 1 and requests[0][0].name in corrections:
            own = [forecast_once(*needed[0])]
        else:
            own = forecast_many(forecast, needed)
        return [
            shift(series, origins, first, read, one)
            for (series, origins), (first, read), one in zip(requests, reads, own, strict=True)
        ]

    return BatchForecaster(run)


class _Memory:
    """Remembers the forecasts of the last series, because corrections of neighbouring origins read the same ones."""

    def __init__(self, forecast: ForecastFn) -> None:
        self._forecast = forecast
        self._series: Series | None = None
        self._origins: Positions = np.zeros(0, np.int64)
        self._forecasts: Forecast | None = None

    def __call__(self, series: Series, origins: Positions) -> Forecast:
        if self._series is not series:
            self._series, self._origins, self._forecasts = series, np.zeros(0, np.int64), None
        missing = np.setdiff1d(origins, self._origins)
        if len(missing):
            added = self._forecast(series, missing)
            self._forecasts = added if self._forecasts is None else _concatenate(self._forecasts, added)
            self._origins = np.concatenate([self._origins, missing])
            order = np.argsort(self._origins)
            self._origins, self._forecasts = self._origins[order], _select(self._forecasts, order)
        assert self._forecasts is not None  # there is at least one origin
        return _select(self._forecasts, np.searchsorted(self._origins, origins))


def _select(forecast: Forecast, rows: Positions) -> Forecast:
    quantiles = None if forecast.quantiles is None else forecast.quantiles[rows]
    return Forecast(forecast.point[rows], quantiles, forecast.quantile_levels)


def _concatenate(first: Forecast, second: Forecast) -> Forecast:
    quantiles = [one.quantiles for one in (first, second) if one.quantiles is not None]
    point = np.concatenate([first.point, second.point])
    return Forecast(point, np.concatenate(quantiles) if quantiles else None, first.quantile_levels)


def _shift(forecast: Forecast, shift: Floats, counts: bool) -> Forecast:
    """The forecast plus `shift` float64 [O, H]; not below 0 with `counts`."""
    lowest = 0.0 if counts else -np.inf
    point = forecast.point.copy()
    point[..., 0] = np.maximum(point[..., 0] + shift, lowest)
    quantiles = forecast.quantiles
    if quantiles is not None:
        quantiles = np.maximum(quantiles + shift[..., None], lowest)
    return dataclasses.replace(forecast, point=point, quantiles=quantiles)


def write(folder: Path, corrections: Mapping[str, Correction]) -> None:
    """Write `folder`/correction.json, or nothing if no series is corrected."""
    if corrections:
        stored = {name: dataclasses.asdict(one) for name, one in corrections.items()}
        write_json(folder / FILE, {"series": stored})


def load(folder: Path) -> dict[str, Correction]:
    """Read `folder`/correction.json: series → its correction; {} if there is no such file.

    Raises:
        UserError: if it is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    contents: Any = read_json(path)
    try:
        return {
            name: Correction(
                float(one["weight"]), int(one["count"]), str(np.datetime64(one["first_day"], "D"))
            )
            for name, one in contents["series"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"is not a correction of this model ({type(error).__name__}: {error})",
            location=str(path),
            fix=model_folder.RESTORE,
        ) from None
