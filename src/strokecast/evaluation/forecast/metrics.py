"""Metrics of a forecaster from rolling origins, in the series' own unit.

Shapes: O origins in time order, H days ahead, L interval levels, Q quantile levels, N any number of forecast days.
`first_days` datetime64[D] [O]: the first forecast day of each origin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.params import Regime

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]
Mask = NDArray[np.bool_]

SEASON = 7  # days; of the naive forecast that MASE and RMSSE are scaled by
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ERRORS = ("mae", "rmse", "mase", "rmsse", "smape", "wape", "bias")


@dataclass(frozen=True)
class Scale:
    """In-sample errors of the seasonal-naive forecast on the training days; NaN where they are not defined.

    Attributes:
        absolute: mean absolute error, the denominator of MASE.
        squared: mean squared error, the denominator of RMSSE before the root.
    """

    absolute: float
    squared: float


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
        actual: float64 [O, H], of the first target.
        scale: from the training days.
        holidays: bool [O, H], which forecast days are holidays; None where no calendar says so.
        further: float64 [O, H] of each target that is learned beside the first.
        possible: origins that there would be, of which these O were chosen.
        parts: where there are several series, each by its id; their origins follow one another here, and `days`,
            `values` and `scale` are those of the first.
    """

    name: str
    unit: str
    source: str
    days: Days
    values: Floats
    first_days: Days
    actual: Floats
    scale: Scale
    holidays: Mask | None = None
    further: Mapping[str, Floats] = field(default_factory=dict)
    possible: int = 0
    parts: Mapping[str, Backtest] = field(default_factory=dict)

    @property
    def shown(self) -> Backtest:
        """What figures show: the first series."""
        return next(iter(self.parts.values()), self)

    def rows(self) -> dict[str, slice]:
        """Which of the O origins are those of each series."""
        edges = np.cumsum([0, *(len(part.first_days) for part in self.parts.values())])
        return {name: slice(int(edges[at]), int(edges[at + 1])) for at, name in enumerate(self.parts)}

    @property
    def label(self) -> str:
        """Name and unit for an axis."""
        return f"{self.name} ({self.unit})" if self.unit and self.unit != self.name else self.name

    def origins_in(self, days: int) -> int:
        """How many neighbouring origins make up a span of `days`, rounded up."""
        different = np.unique(self.first_days)
        if len(different) < 2:
            return 1
        span = (different[-1] - different[0]) / np.timedelta64(1, "D")
        return math.ceil(days * (len(different) - 1) / float(span))


@dataclass(frozen=True)
class Forecasts:
    """What one training says at all origins, in the series' own unit.

    Attributes:
        point: float64 [O, H]; of quantiles the median.
        low: float64 [L, O, H], the lower ends of the calibrated intervals.
        high: float64 [L, O, H], the upper ends.
        levels: the L levels, rising.
        quantiles: float64 [O, H, Q] as the network gives them; None for a point forecast.
        own: the Q levels.
        further: float64 [O, H] of each further target.
        short: the levels that were calibrated on too few origins.
        calibrated: origins the intervals were calibrated on.
    """

    point: Floats
    low: Floats
    high: Floats
    levels: Sequence[float]
    quantiles: Floats | None = None
    own: Sequence[float] = ()
    further: Mapping[str, Floats] = field(default_factory=dict)
    short: Sequence[float] = ()
    calibrated: int = 0


def joined(parts: Sequence[Forecasts]) -> Forecasts:
    """Forecasts of consecutive origins, by several trainings of one model or of several series, as one."""
    first, worst = parts[0], min(parts, key=lambda part: part.calibrated)
    if len(parts) == 1:
        return first
    own = [part.quantiles for part in parts if part.quantiles is not None]
    return Forecasts(
        point=np.concatenate([part.point for part in parts]),
        low=np.concatenate([part.low for part in parts], axis=1),
        high=np.concatenate([part.high for part in parts], axis=1),
        levels=first.levels,
        quantiles=np.concatenate(own) if own else None,
        own=first.own,
        further={name: np.concatenate([part.further[name] for part in parts]) for name in first.further},
        short=worst.short,
        calibrated=worst.calibrated,
    )


def taken(said: Forecasts, rows: slice) -> Forecasts:
    """The forecasts at some of the origins."""
    return replace(
        said,
        point=said.point[rows],
        low=said.low[:, rows],
        high=said.high[:, rows],
        quantiles=None if said.quantiles is None else said.quantiles[rows],
        further={name: values[rows] for name, values in said.further.items()},
    )


def together(parts: Mapping[str, Backtest]) -> Backtest:
    """Several series as one backtest, their origins one after the other."""
    each = list(parts.values())
    holidays = [part.holidays for part in each if part.holidays is not None]
    return replace(
        each[0],
        name=f"{len(each)} series ({', '.join(parts)})",
        first_days=np.concatenate([part.first_days for part in each]),
        actual=np.concatenate([part.actual for part in each]),
        holidays=np.concatenate(holidays) if len(holidays) == len(each) else None,
        further={name: np.concatenate([part.further[name] for part in each]) for name in each[0].further},
        possible=max(part.possible for part in each),
        parts=parts,
    )


def seasonal_scale(train: Floats, season: int = SEASON) -> Scale:
    """In-sample errors of the seasonal-naive forecast: means of |y[t] - y[t - season]| and of its square.

    NaN where they are not defined (no more than `season` days, or the same week over and over).
    """
    if len(train) <= season:
        return Scale(float("nan"), float("nan"))
    change = train[season:] - train[:-season]
    absolute, squared = float(np.abs(change).mean()), float(np.square(change).mean())
    return Scale(absolute, squared) if absolute > 0 else Scale(float("nan"), float("nan"))


def absolute_error(actual: Floats, forecast: Floats) -> Floats:
    """Mean absolute error of each origin, float64 [O]: what the intervals of the MAE are made from."""
    return np.asarray(np.abs(forecast - actual).mean(axis=1))


def by_origin(test: Backtest, forecast: Floats) -> Floats:
    """Mean absolute error of each origin, float64; of several series that of each first day, whose mean is the mean
    of the series' MAE, so that a resampled day is the same for all of them.
    """
    error = absolute_error(test.actual, forecast)
    if not test.parts:
        return error
    days, at = np.unique(test.first_days, return_inverse=True)
    weights = np.concatenate(
        [np.full(rows.stop - rows.start, 1.0 / (rows.stop - rows.start)) for rows in test.rows().values()]
    )
    return np.bincount(at, error * weights) * len(days) / len(test.parts)


def metrics(actual: Floats, forecast: Floats, scale: Scale) -> dict[str, float]:
    """Figures over all given days.

    Returns:
        In the series' own unit `mae` = mean |f - y|, `rmse` = sqrt(mean (f - y)^2) and `bias` = mean (f - y), above
        0: too high. Without a unit `mase` = mae over the in-sample MAE of seasonal-naive-7 on the training days
        and `rmsse` = rmse over its in-sample RMSE, below 1: better than it was there (Hyndman & Koehler 2006).
        In percent `smape` = mean of 200 |f - y| / (|f| + |y|), 0 to 200 and 0 where both are 0 (Makridakis 1993,
        with absolute values below), and `wape` = 100 sum |f - y| / sum |y| (Kolassa & Schuetz 2007), NaN where all
        are 0.
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
        "mase": mae / scale.absolute,
        "rmsse": rmse / float(np.sqrt(scale.squared)),
        "smape": float(relative.mean()),
        "wape": 100.0 * float(size.sum()) / volume if volume > 0 else float("nan"),
        "bias": float(error.mean()),
    }


def regime_masks(first_days: Days, regimes: Sequence[Regime]) -> dict[str, Mask]:
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


def slices(test: Backtest, regimes: Mapping[str, Mask]) -> dict[str, dict[str, Mask]]:
    """The parts that figures are told of, by table and row: bool [O, H] each, none of them empty.

    Args:
        test: the origins.
        regimes: bool [O] each, from `regime_masks`.

    Returns:
        `day` (ahead, from 1), `regime` (`all` and the named ones), `weekday` (of the forecast day) and, where a
        calendar knows them, `holiday` (`holidays` and `other_days`).
    """
    origins, horizon = test.actual.shape
    ahead = np.arange(horizon)
    days = test.first_days[:, None] + ahead  # [O, H]
    weekday = (days.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    whole = np.ones((origins, horizon), bool)
    parts = {
        "day": {str(day + 1): whole & (ahead == day) for day in range(horizon)},
        "regime": {"all": whole, **{name: whole & mask[:, None] for name, mask in regimes.items()}},
        "weekday": {name: weekday == number for number, name in enumerate(WEEKDAYS)},
    }
    if test.holidays is not None:
        parts["holiday"] = {"holidays": test.holidays, "other_days": ~test.holidays}
    return {table: {name: mask for name, mask in rows.items() if mask.any()} for table, rows in parts.items()}
