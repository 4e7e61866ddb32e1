"""Metrics of intervals and quantiles: CRPS, coverage and width; and all metrics of a subset of forecast days.

Shapes: N forecast days, O origins, H days ahead, L interval levels, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation.forecast.metrics import POINT_METRICS, point_metrics
from strokecast.evaluation.forecast.results import Backtest, Forecasts, Mask
from strokecast.inference import conformal

Floats = NDArray[np.float64]

RAW = "_raw"  # suffix of metrics of a network's own quantiles, before calibration
STATIC = "_static"  # of intervals that only the validation days calibrate, beside adaptive ones
UNCERTAINTY = (
    "crps",
    "mean_weighted_quantile_loss",
    *(f"{name}_{round(100 * level)}" for level in conformal.LEVELS for name in ("coverage", "width")),
)
COLUMNS = (
    *POINT_METRICS,
    *UNCERTAINTY,
    *(name + suffix for suffix in (STATIC, RAW) for name in UNCERTAINTY),
)


def pinball_loss(actual: Floats, quantiles: Floats, levels: Sequence[float]) -> Floats:
    """Pinball loss per quantile, float64 [N, Q]: tau (y - q) if y >= q, else (1 - tau) (q - y).

    Source: Koenker & Bassett 1978. `actual` [N], `quantiles` [N, Q], Q `levels` tau.
    """
    error = actual[:, None] - quantiles
    return np.asarray(np.maximum(np.asarray(levels) * error, (np.asarray(levels) - 1) * error))


def crps(actual: Floats, quantiles: Floats, levels: Sequence[float]) -> float:
    """Continuous ranked probability score from quantiles, in the unit of the series.

    CRPS = 2 * integral over all levels of the pinball loss (Laio & Tamea 2007; Gneiting & Ranjan 2011). Each of the
    Q levels is weighted by the part of (0, 1) that is nearest to it. A plain mean is correct for evenly spaced levels
    only: for a true normal distribution at `conformal.QUANTILES` it is 24 % too low, the weighted mean 3 %. The CRPS of
    a point forecast is its MAE.
    """
    edges = np.concatenate([[0.0], (np.asarray(levels)[1:] + np.asarray(levels)[:-1]) / 2, [1.0]])
    return 2.0 * float(pinball_loss(actual, quantiles, levels).mean(axis=0) @ np.diff(edges))


def mean_weighted_quantile_loss(actual: Floats, quantiles: Floats, levels: Sequence[float]) -> float:
    """Twice the pinball loss, summed over the days and divided by the sum of |y|; mean over the levels.

    Without a unit. GIFT-Eval calls it CRPS and takes the levels 0.1 to 0.9 (Park et al. 2022,
    https://arxiv.org/abs/2111.06581; GluonTS `MeanWeightedSumQuantileLoss`).

    Args:
        actual: float64 [N].
        quantiles: float64 [N, Q].
        levels: the Q levels.

    Returns:
        NaN if all actual values are 0.
    """
    volume = float(np.abs(actual).sum())
    if volume == 0:
        return float("nan")
    return 2.0 * float(pinball_loss(actual, quantiles, levels).sum(axis=0).mean()) / volume


def interpolate_quantiles(quantiles: Floats, levels: Sequence[float], wanted: Sequence[float]) -> Floats:
    """Quantiles at other levels, float64 [N, W], by piecewise linear interpolation over normal scores.

    Exact for a normal distribution, and at the levels that exist. Beyond the outermost level, the outermost piece
    goes on.

    Args:
        quantiles: float64 [N, Q].
        levels: the Q levels, rising; at least two.
        wanted: the W levels.
    """
    scores, at = (np.array([NormalDist().inv_cdf(level) for level in one]) for one in (levels, wanted))
    left = np.clip(np.searchsorted(scores, at, side="right") - 1, 0, len(scores) - 2)  # [W]
    weight = (at - scores[left]) / (scores[left + 1] - scores[left])
    return np.asarray((1 - weight) * quantiles[:, left] + weight * quantiles[:, left + 1])


def forecast_metrics(test: Backtest, forecasts: Forecasts, mask: Mask) -> dict[str, float]:
    """All metrics of one trained model on the forecast days in `mask`, bool [O, H].

    Returns:
        The metrics of `point_metrics`; `crps` and `mean_weighted_quantile_loss` of the calibrated quantiles, the latter
        at the levels of `test`; per level `coverage_<percent>` (share of
        days whose value lies within the interval, ends included) and `width_<percent>` (mean, in the unit of the
        series). For adaptive intervals also the same with the suffix `_static`, of those that only the validation days
        calibrate. For a network with quantiles also the same with the suffix `_raw`, before calibration; `coverage` and
        `width` at those levels whose ends are among its quantiles. For several series each metric is the mean over the
        series that have such days, like MASE and sMAPE in competitions (Makridakis et al. 2020,
        https://doi.org/10.1016/j.ijforecast.2019.04.014).
    """
    if test.series:
        rows = test.series_rows()
        per_series = [
            forecast_metrics(part, forecasts.select(rows[name]), mask[rows[name]])
            for name, part in test.series.items()
            if mask[rows[name]].any()
        ]
        return {key: float(np.mean([metrics[key] for metrics in per_series])) for key in per_series[0]}
    actual = test.actual[mask]
    metrics = point_metrics(actual, forecasts.point[mask], test.scale.at(mask))
    metrics |= _calibrated_metrics(test, forecasts, forecasts.low, forecasts.high, mask)
    if forecasts.static_low is not None and forecasts.static_high is not None:
        metrics |= _calibrated_metrics(
            test, forecasts, forecasts.static_low, forecasts.static_high, mask, STATIC
        )
    if forecasts.quantiles is not None:
        quantiles, levels = forecasts.quantiles[mask], forecasts.quantile_levels
        metrics |= _quantile_metrics(actual, quantiles, levels, test, RAW)
        for level in forecasts.levels:
            lower, upper = _index(levels, (1 - level) / 2), _index(levels, (1 + level) / 2)
            if lower is not None and upper is not None:
                metrics |= _interval_metrics(level, actual, quantiles[:, lower], quantiles[:, upper], RAW)
    return metrics


def _calibrated_metrics(
    test: Backtest, forecasts: Forecasts, low: Floats, high: Floats, mask: Mask, suffix: str = ""
) -> dict[str, float]:
    """The metrics of intervals with ends float64 [L, O, H]."""
    actual = test.actual[mask]
    quantiles = conformal.interval_quantiles(forecasts.point, low, high)[mask]
    metrics = _quantile_metrics(actual, quantiles, interval_quantile_levels(forecasts.levels), test, suffix)
    for level, lower, upper in zip(forecasts.levels, low, high, strict=True):
        metrics |= _interval_metrics(level, actual, lower[mask], upper[mask], suffix)
    return metrics


def _quantile_metrics(
    actual: Floats, quantiles: Floats, levels: Sequence[float], test: Backtest, suffix: str = ""
) -> dict[str, float]:
    wanted = interpolate_quantiles(quantiles, levels, test.quantile_levels)
    return {
        "crps" + suffix: crps(actual, quantiles, levels),
        "mean_weighted_quantile_loss" + suffix: mean_weighted_quantile_loss(
            actual, wanted, test.quantile_levels
        ),
    }


def interval_quantile_levels(levels: Sequence[float]) -> list[float]:
    """The quantile levels of `conformal.interval_quantiles`."""
    return [*((1 - level) / 2 for level in reversed(levels)), 0.5, *((1 + level) / 2 for level in levels)]


def _index(levels: Sequence[float], level: float) -> int | None:
    matches = np.flatnonzero(np.isclose(levels, level, atol=1e-6))
    return int(matches[0]) if len(matches) else None


def _interval_metrics(
    level: float, actual: Floats, low: Floats, high: Floats, suffix: str = ""
) -> dict[str, float]:
    percent = round(100 * level)
    return {
        f"coverage_{percent}{suffix}": float(((low <= actual) & (actual <= high)).mean()),
        f"width_{percent}{suffix}": float((high - low).mean()),
    }
