"""Metrics of a forecaster from rolling origins, in the series' own unit.

Shapes: O origins in time order, H days ahead. `actual` and `forecast` float64 [O, H];
`first_days` datetime64[D] [O]: the first forecast day of each origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strokecast.errors import UserError
from strokecast.params import Regime

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]


@dataclass(frozen=True)
class Backtest:
    """What the forecasts are held against.

    Attributes:
        name: of the series.
        unit: of its values; may be empty.
        source: where it comes from.
        days: datetime64[D] [T], the test days.
        values: float64 [T].
        first_days: datetime64[D] [O], the first forecast day of each origin.
        actual: float64 [O, H].
        scale: MASE's denominator, from the training days.
    """

    name: str
    unit: str
    source: str
    days: Days
    values: Floats
    first_days: Days
    actual: Floats
    scale: float

    @property
    def label(self) -> str:
        """Name and unit for an axis."""
        return f"{self.name} ({self.unit})" if self.unit and self.unit != self.name else self.name


def seasonal_scale(train: Floats, season: int = 7) -> float:
    """In-sample mean absolute error of the seasonal-naive forecast on the training days.

    The denominator of MASE (Hyndman & Koehler 2006): mean of |y[t] - y[t - season]|. NaN where
    it is not defined (no more than `season` days, or the same week over and over).
    """
    if len(train) <= season:
        return float("nan")
    scale = float(np.abs(train[season:] - train[:-season]).mean())
    return scale if scale > 0 else float("nan")


def absolute_error(actual: Floats, forecast: Floats) -> Floats:
    """Mean absolute error of each origin, float64 [O]: what the intervals are made from."""
    return np.asarray(np.abs(forecast - actual).mean(axis=1))


def metrics(actual: Floats, forecast: Floats, scale: float) -> dict[str, float]:
    """Figures over all origins and days ahead.

    Returns:
        `mae`, `rmse`, `bias` (mean of forecast - actual; above 0: too high) in the series'
        unit; `mase` = mae / `scale` (below 1: better than seasonal-naive-7 was on the training
        days); `smape` in percent, 0 to 200: mean of 200 |f - y| / (|f| + |y|), 0 where both
        are 0 (Makridakis 1993 with absolute values in the denominator).
    """
    error = forecast - actual
    size = np.abs(error)
    total = np.abs(forecast) + np.abs(actual)
    relative = np.divide(200.0 * size, total, out=np.zeros_like(size), where=total > 0)
    mae = float(size.mean())
    return {
        "mae": mae,
        "rmse": float(np.sqrt(np.square(error).mean())),
        "mase": mae / scale,
        "smape": float(relative.mean()),
        "bias": float(error.mean()),
    }


def by_day(actual: Floats, forecast: Floats, scale: float) -> list[dict[str, float]]:
    """`metrics` of each day ahead, H dictionaries."""
    return [metrics(actual[:, [h]], forecast[:, [h]], scale) for h in range(actual.shape[1])]


def regime_masks(first_days: Days, regimes: Sequence[Regime]) -> dict[str, NDArray[np.bool_]]:
    """Which origins fall into each regime, by their first forecast day; bool [O] each.

    Raises:
        UserError: if a regime holds no origin.
    """
    masks = {}
    for position, regime in enumerate(regimes):
        mask = (first_days >= np.datetime64(regime.first)) & (first_days <= np.datetime64(regime.last))
        if not mask.any():
            raise UserError(
                f"regime {regime.name!r} ({regime.first} to {regime.last}) has no forecast in the test split",
                where=f"params.yaml: evaluation.forecast.regimes.{position}",
                allowed=f"first forecast days from {first_days[0]} to {first_days[-1]}",
            )
        masks[regime.name] = mask
    return masks


def origins(first_test: int, days: int, window: int, horizon: int, step: int) -> NDArray[np.int64]:
    """Positions of the first forecast days, rolling through the test split.

    Args:
        first_test: position of the first test day in the whole series.
        days: days of the whole series.
        window: days of past a network reads before the first forecast day.
        horizon: H.
        step: days from one origin to the next.
    """
    return np.arange(max(first_test, window), days - horizon + 1, step, dtype=np.int64)
