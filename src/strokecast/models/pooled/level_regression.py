"""Robust ridge regression on the features of the level, with one set of coefficients for all days ahead.

Shapes: n days, O origins, H days ahead, K features, R = O * H rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strokecast.models.pooled.level_features import level_features
from strokecast.models.pooled.robust import huber_weights, robust_std

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_L2 = 0.003  # penalty per row on the squared coefficients of standardised features
_ROBUST_STEPS = 3
_MAX_ROWS = 40_000
_RECENT_DAYS = 3000  # days of history from which origins are taken
_HALF_LIFE_DAYS = 5 * 365.25  # an origin this much older counts half


@dataclass(frozen=True)
class Rows:
    """The rows of a regression, of all origins and days ahead.

    Attributes:
        features: float64 [O, H, K].
        target: float64 [O, H], relative to the level of the origin.
        weights: float64 [O].
        origins: int64 [O].
    """

    features: Floats
    target: Floats
    weights: Floats
    origins: Ints


def training_rows(values: Floats, horizon: int, level_days: int, max_rows: int = _MAX_ROWS) -> Rows:
    """The rows of a seasonally adjusted history, float64 [n]; none if it is too short.

    The days ahead are at most the days after the first third of the history.
    """
    count = len(values)
    first = max(min(count // 3, 400), count - _RECENT_DAYS, 1)
    days_ahead = max(1, min(horizon, (count - first) // 2))
    step = max(1, (count - first) * days_ahead // max_rows)
    origins = np.arange(count - days_ahead, first - 1, -step, dtype=np.int64)[::-1]
    features, level = level_features(values, origins, days_ahead, level_days)
    target = values[origins[:, None] + np.arange(days_ahead)] - level[:, None]
    return Rows(features, target, 0.5 ** ((count - origins) / _HALF_LIFE_DAYS), origins)


def fit_coefficients(rows: Rows) -> Floats:
    """Coefficients float64 [K] of the features; outliers count less, as in Huber's loss."""
    count = rows.features.shape[-1]
    features, target = rows.features.reshape(-1, count), rows.target.ravel()  # [R, K], [R]
    weights = np.repeat(rows.weights, rows.target.shape[1])
    scale = features.std(axis=0)
    scale[scale < 1e-9] = np.inf  # a feature that never changes has no effect
    standard = features / scale
    robust, coefficients = weights, np.zeros(count)
    for _ in range(_ROBUST_STEPS):
        weighted = standard * robust[:, None]
        gram = weighted.T @ standard + _L2 * robust.sum() * np.eye(count)
        coefficients = np.linalg.solve(gram, weighted.T @ target)
        residual = target - standard @ coefficients
        robust = huber_weights(weights, residual, robust_std(residual))
    return coefficients / scale


def fit(values: Floats, horizon: int, level_days: int) -> Callable[[Floats, Ints, int, int], Floats]:
    """Fit on a seasonally adjusted history, float64 [n]; returns a `pooled_forecaster.LevelForecast`."""
    coefficients = fit_coefficients(training_rows(values, horizon, level_days))

    def forecast(values: Floats, origins: Ints, horizon: int, start: int) -> Floats:
        features, level = level_features(values, origins, horizon, level_days)
        return level[:, None] + features @ coefficients

    return forecast
