"""Point metrics of forecasts, in the unit of the series.

Shapes: O origins in time order, H days ahead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation.forecast.results import Backtest, NaiveScale

Floats = NDArray[np.float64]

SEASON = 7  # days; default period of the naive forecast that scales MASE and RMSSE
POINT_METRICS = ("mae", "rmse", "mase", "rmsse", "smape", "wape", "bias")


def seasonal_scale(train: Floats, season: int = SEASON) -> NaiveScale:
    """In-sample errors of the seasonal-naive forecast: means of |y[t] - y[t - season]| and of its square.

    Args:
        train: float64 [T], the training days.
        season: days of the period.

    Returns:
        NaN if undefined: with at most `season` days, or if the values repeat exactly.
    """
    undefined = NaiveScale(float("nan"), float("nan"))
    if len(train) <= season:
        return undefined
    change = train[season:] - train[:-season]
    absolute, squared = float(np.abs(change).mean()), float(np.square(change).mean())
    return NaiveScale(absolute, squared) if absolute > 0 else undefined


def seasonal_scale_of_histories(
    values: Floats, positions: NDArray[np.int64], season: int = SEASON
) -> NaiveScale:
    """`seasonal_scale` of the days before each origin, as GluonTS scales MASE per window.

    Args:
        values: float64 [T], the series.
        positions: int64 [O] of the origins.
        season: days of the period.

    Returns:
        float64 [O] each; NaN where it is undefined.
    """
    change = np.zeros(len(values))
    change[season:] = values[season:] - values[:-season]
    counts = np.asarray(positions - season, np.float64)
    absolute, squared = (
        np.concatenate([[0.0], np.cumsum(terms)])[positions] for terms in (np.abs(change), np.square(change))
    )
    defined = (counts > 0) & (absolute > 0)
    means = [
        np.divide(total, counts, out=np.full(len(positions), np.nan), where=defined)
        for total in (absolute, squared)
    ]
    return NaiveScale(means[0], means[1])


def absolute_error(actual: Floats, forecast: Floats) -> Floats:
    """Mean absolute error of each origin, float64 [O]."""
    return np.asarray(np.abs(forecast - actual).mean(axis=1))


def bootstrap_errors(test: Backtest, forecast: Floats) -> Floats:
    """The values that the intervals of the MAE are bootstrapped from, float64 [O].

    For a single series these are the mean absolute errors of the origins. For several series there is one value per
    first forecast day, so that a resampled day is the same for all series. The mean of the values is the mean of the
    series' MAE.
    """
    error = absolute_error(test.actual, forecast)
    if not test.series:
        return error
    counts = [rows.stop - rows.start for rows in test.series_rows().values()]
    return means_by_day(error, test.first_days, np.repeat(np.arange(len(counts)), counts))


def means_by_day(errors: Floats, days: NDArray[np.datetime64], series: NDArray[np.int64]) -> Floats:
    """One value per day, days rising; their mean is the mean over series of the series' means.

    Args:
        errors: float64 [K].
        days: datetime64[D] [K].
        series: int64 [K], numbers from 0; each number occurs.
    """
    distinct, at = np.unique(days, return_inverse=True)
    counts = np.bincount(series)
    return np.bincount(at, errors / counts[series]) * len(distinct) / len(counts)


def point_metrics(actual: Floats, forecast: Floats, scale: NaiveScale) -> dict[str, float]:
    """Metrics of point forecasts; `actual` and `forecast` have the same shape, that of `scale` if it is an array.

    Returns:
        In the unit of the series `mae` = mean |f - y|, `rmse` = sqrt(mean (f - y)^2) and `bias` = mean (f - y),
        positive if forecasts are too high. Without a unit `mase` = mean of |f - y| over the in-sample MAE of the
        seasonal-naive forecast, and `rmsse` = square root of the mean of (f - y)^2 over its in-sample mean squared
        error (Hyndman & Koehler 2006).
        In percent `smape` = mean of 200 |f - y| / (|f| + |y|), 0 to 200 and 0 where both are 0 (Makridakis 1993,
        with absolute values in the denominator), and `wape` = 100 sum |f - y| / sum |y| (Kolassa & Schütz 2007),
        NaN if all actual values are 0.
    """
    error = forecast - actual
    size = np.abs(error)
    total = np.abs(forecast) + np.abs(actual)
    relative = np.divide(200.0 * size, total, out=np.zeros_like(size), where=total > 0)
    mae, rmse = float(size.mean()), float(np.sqrt(np.square(error).mean()))
    volume = float(np.abs(actual).sum())
    return {
        "mae": mae,
        "rmse": rmse,
        "mase": float((size / scale.absolute).mean()),
        "rmsse": float(np.sqrt((np.square(error) / scale.squared).mean())),
        "smape": float(relative.mean()),
        "wape": 100.0 * float(size.sum()) / volume if volume > 0 else float("nan"),
        "bias": float(error.mean()),
    }
