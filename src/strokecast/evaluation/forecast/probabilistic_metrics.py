"""Metrics of intervals and quantiles: CRPS, coverage and width; and all metrics of a subset of forecast days.

Shapes: N forecast days, O origins, H days ahead, L interval levels, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation.forecast.metrics import POINT_METRICS, point_metrics
from strokecast.evaluation.forecast.results import Backtest, Forecasts, Mask
from strokecast.inference import conformal

Floats = NDArray[np.float64]

RAW = "_raw"  # suffix of metrics of a network's own quantiles, before calibration
UNCERTAINTY = (
    "crps",
    *(f"{name}_{round(100 * level)}" for level in conformal.LEVELS for name in ("coverage", "width")),
)
COLUMNS = (*POINT_METRICS, *UNCERTAINTY, *(name + RAW for name in UNCERTAINTY))


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


def forecast_metrics(test: Backtest, forecasts: Forecasts, mask: Mask) -> dict[str, float]:
    """All metrics of one trained model on the forecast days in `mask`, bool [O, H].

    Returns:
        The metrics of `point_metrics`; `crps` of the calibrated quantiles; per level `coverage_<percent>` (share of
        days whose value lies within the interval, ends included) and `width_<percent>` (mean, in the unit of the
        series). For a network with quantiles also the same with the suffix `_raw`, before calibration; `coverage` and
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
    metrics = point_metrics(actual, forecasts.point[mask], test.scale)
    calibrated = conformal.interval_quantiles(forecasts.point, forecasts.low, forecasts.high)[mask]
    metrics["crps"] = crps(actual, calibrated, _interval_quantile_levels(forecasts.levels))
    for level, low, high in zip(forecasts.levels, forecasts.low, forecasts.high, strict=True):
        metrics |= _interval_metrics(level, actual, low[mask], high[mask])
    if forecasts.quantiles is not None:
        quantiles, levels = forecasts.quantiles[mask], forecasts.quantile_levels
        metrics["crps" + RAW] = crps(actual, quantiles, levels)
        for level in forecasts.levels:
            lower, upper = _index(levels, (1 - level) / 2), _index(levels, (1 + level) / 2)
            if lower is not None and upper is not None:
                metrics |= _interval_metrics(level, actual, quantiles[:, lower], quantiles[:, upper], RAW)
    return metrics


def _interval_quantile_levels(levels: Sequence[float]) -> list[float]:
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
