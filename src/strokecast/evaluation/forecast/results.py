"""The test days with their rolling origins, and the forecasts of one trained model at these origins.

Shapes: O origins in time order, H days ahead, T test days, L interval levels, Q quantile levels.
`first_days` datetime64[D] [O]: the first forecast day of each origin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from strokecast.common import names
from strokecast.features.timeseries import series_spec
from strokecast.inference.validation_forecasts import ValidationForecasts

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]
Mask = NDArray[np.bool_]

DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_MAX_LISTED = 20  # series in the name of several


@dataclass(frozen=True)
class NaiveScale:
    """In-sample errors of the seasonal-naive forecast; NaN if undefined.

    Attributes:
        absolute: mean absolute error, the denominator of MASE; a float, or float64 [O] with one per origin.
        squared: mean squared error, the denominator of squared errors in RMSSE; of the same shape.
    """

    absolute: float | Floats
    squared: float | Floats

    def at(self, mask: Mask) -> NaiveScale:
        """The scale of each forecast day in `mask`, bool [O, H]; unchanged if it is the same for all origins."""
        if np.ndim(self.absolute) == 0:
            return self
        origins = np.nonzero(mask)[0]
        return NaiveScale(np.asarray(self.absolute)[origins], np.asarray(self.squared)[origins])


@dataclass(frozen=True)
class Backtest:
    """Actual values at the rolling origins of the test split.

    Attributes:
        name: of the series.
        unit: of its values; may be empty.
        source: of the data, e.g. `births`.
        days: datetime64[D] [T], the test days.
        values: float64 [T] of the first target.
        first_days: datetime64[D] [O], the first forecast day of each origin.
        actual: float64 [O, H] of the first target.
        scale: of MASE and RMSSE.
        holidays: bool [O, H], which forecast days are holidays; None without a calendar.
        extra_targets: float64 [O, H] of each further target.
        possible_origins: number of origins before subsampling.
        quantile_levels: levels of the mean weighted quantile loss, rising.
        series: id → backtest of each series of a global model. Their origins follow one another in the arrays above;
            `days`, `values` and `scale` are those of the first series. Empty for a single series.
    """

    name: str
    unit: str
    source: str
    days: Days
    values: Floats
    first_days: Days
    actual: Floats
    scale: NaiveScale
    holidays: Mask | None = None
    extra_targets: Mapping[str, Floats] = field(default_factory=dict)
    possible_origins: int = 0
    quantile_levels: Sequence[float] = DECILES
    series: Mapping[str, Backtest] = field(default_factory=dict)

    @property
    def first_series(self) -> Backtest:
        """The first series, which figures show."""
        return next(iter(self.series.values()), self)

    @property
    def first_rows(self) -> slice:
        """The origins of the first series."""
        return next(iter(self.series_rows().values()), slice(None))

    def series_rows(self) -> dict[str, slice]:
        """Id → the origins of that series; empty for a single series."""
        edges = np.cumsum([0, *(len(part.first_days) for part in self.series.values())])
        return {name: slice(int(edges[at]), int(edges[at + 1])) for at, name in enumerate(self.series)}

    def rows_by_series(self) -> dict[str, slice]:
        """As `series_rows`, but a single series has all origins, under the name `series_spec.SINGLE`."""
        return self.series_rows() or {series_spec.SINGLE: slice(None)}

    def series_ids(self) -> list[str]:
        """The series of each origin; empty for a single series."""
        return [name for name, part in self.series.items() for _ in part.first_days]

    @property
    def axis_label(self) -> str:
        """Name and unit for an axis, shortened."""
        name, unit = names.shorten(self.name, 40), self.short_unit
        return f"{name} ({unit})" if unit and self.unit != self.name else name

    @property
    def short_unit(self) -> str:
        """The unit, short enough for figures."""
        return names.shorten(self.unit, 24)

    def origins_in(self, days: int) -> int:
        """Number of neighbouring origins that span `days` days, rounded up."""
        return origins_in(self.first_days, days)


def origins_in(first_days: Days, days: int) -> int:
    """Number of neighbouring origins, of those with the first forecast days [O], that span `days` days, rounded up."""
    distinct = np.unique(first_days)
    if len(distinct) < 2:
        return 1
    span = (distinct[-1] - distinct[0]) / np.timedelta64(1, "D")
    return math.ceil(days * (len(distinct) - 1) / float(span))


@dataclass(frozen=True)
class Forecasts:
    """Forecasts of one trained model at all origins, in the unit of the series.

    Attributes:
        point: float64 [O, H]; the median if the model forecasts quantiles.
        low: float64 [L, O, H], lower ends of the calibrated intervals.
        high: float64 [L, O, H], upper ends.
        levels: the L interval levels, ascending.
        quantiles: float64 [O, H, Q] of the network before calibration; None for a point forecast.
        quantile_levels: the Q quantile levels, ascending.
        extra_targets: float64 [O, H] of each further target.
        unattainable_levels: interval levels for which there were too few calibration origins.
        calibration_origins: number of origins that the intervals were calibrated on.
        static_low: float64 [L, O, H], lower ends of the intervals that only the validation days calibrate; None if `low`
            and `high` are these.
        static_high: float64 [L, O, H], their upper ends.
        between: series → forecasts at origins that are not evaluated, from whose errors the intervals learn.
    """

    point: Floats
    low: Floats
    high: Floats
    levels: Sequence[float]
    quantiles: Floats | None = None
    quantile_levels: Sequence[float] = ()
    extra_targets: Mapping[str, Floats] = field(default_factory=dict)
    unattainable_levels: Sequence[float] = ()
    calibration_origins: int = 0
    static_low: Floats | None = None
    static_high: Floats | None = None
    between: Mapping[str, ValidationForecasts] = field(default_factory=dict)

    def select(self, rows: slice) -> Forecasts:
        """The forecasts at some of the origins."""
        return replace(
            self,
            point=self.point[rows],
            low=self.low[:, rows],
            high=self.high[:, rows],
            static_low=None if self.static_low is None else self.static_low[:, rows],
            static_high=None if self.static_high is None else self.static_high[:, rows],
            quantiles=None if self.quantiles is None else self.quantiles[rows],
            extra_targets={name: values[rows] for name, values in self.extra_targets.items()},
        )


def concatenate_forecasts(parts: Sequence[Forecasts]) -> Forecasts:
    """Concatenate forecasts of consecutive origins, from several refits of one model or for several series."""
    first, worst = parts[0], min(parts, key=lambda part: part.calibration_origins)
    if len(parts) == 1:
        return first
    quantiles = [part.quantiles for part in parts if part.quantiles is not None]
    return Forecasts(
        point=np.concatenate([part.point for part in parts]),
        low=np.concatenate([part.low for part in parts], axis=1),
        high=np.concatenate([part.high for part in parts], axis=1),
        levels=first.levels,
        quantiles=np.concatenate(quantiles) if quantiles else None,
        quantile_levels=first.quantile_levels,
        extra_targets={
            name: np.concatenate([part.extra_targets[name] for part in parts]) for name in first.extra_targets
        },
        unattainable_levels=worst.unattainable_levels,
        calibration_origins=worst.calibration_origins,
    )


def concatenate_backtests(series: Mapping[str, Backtest]) -> Backtest:
    """Several series as one backtest, with the origins of one series after those of another."""
    parts = list(series.values())
    holidays = [part.holidays for part in parts if part.holidays is not None]
    return replace(
        parts[0],
        name=f"{len(parts)} series ({_listed(list(series))})",
        first_days=np.concatenate([part.first_days for part in parts]),
        actual=np.concatenate([part.actual for part in parts]),
        holidays=np.concatenate(holidays) if len(holidays) == len(parts) else None,
        extra_targets={
            name: np.concatenate([part.extra_targets[name] for part in parts])
            for name in parts[0].extra_targets
        },
        possible_origins=max(part.possible_origins for part in parts),
        series=series,
    )


def _listed(series_ids: Sequence[str]) -> str:
    """The first ids, separated by commas, and the number of the others."""
    others = len(series_ids) - _MAX_LISTED
    return ", ".join(series_ids[:_MAX_LISTED]) + (f" and {others} more" if others > 0 else "")
