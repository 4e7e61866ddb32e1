"""Chooses the features of a new series on its training days, where `features.forecast` says `auto`.

Forward selection: of the candidates (lags by weekday and by date, levels, days around holidays, bridge days), the one that
lowers the error most is added until none lowers it by 1 % and in most blocks. The error is that of a ridge regression on the latest third of the
training days, in three blocks, each forecast from all days before it on which the candidates are known: a long lag costs
days. The regression always reads the calendar and the means of the last 7 and 28 known days, so a candidate has to add to
what every window shows. A level is a candidate if the training days hold ten means that do not overlap.

Source: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd edition, section 3.3.2.

Shapes: T training days, P columns.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.features.timeseries.calendar import Calendar, Days, fit_calendar
from strokecast.features.timeseries.rolling import rolling_mean
from strokecast.features.timeseries.transforms import Transform
from strokecast.params import ForecastFeatures
from strokecast.params.base import AUTO

Floats = NDArray[np.float64]

LAGS = (7, 14, 21, 28, 364, 365, 371, 728)  # days; 365: the same date, the others: the same weekday
LEVELS = (91, 182, 364)  # days
HOLIDAY_WINDOWS = (3, 7)  # days
_KEYS = ("lags", "levels", "holiday_window", "bridge_days")
_RECENT = (7, 28)  # days of the means that the regression always reads
_MIN_GAIN = 0.01  # share of the error
_MIN_AGREEMENT = 0.6  # share of the blocks of all series whose error has to fall
_CONSTANT = 1e-9  # standard deviation
_MAX_STEPS = 6
_BLOCKS, _TESTED_SHARE = 3, 1 / 3
_MIN_DAYS = 210  # of training, to choose anything
_MIN_MEANS = 10  # of a level that do not overlap: with fewer, a level is a trend of the training days
_PENALTY = 10.0  # of standardized columns
_MAX_SERIES = 20  # of a global model


@dataclass(frozen=True)
class TrainingDays:
    """The training days of one series.

    Attributes:
        days: datetime64[D] [T].
        values: the first target in its own unit, float64 [T].
        day_types: [T]; None: the calendar does not read them.
    """

    days: Days
    values: Floats
    day_types: Sequence[str | None] | None


def needs_selection(settings: ForecastFeatures) -> bool:
    """Whether a setting is `auto` and has to be chosen."""
    return any(getattr(settings, key) == AUTO for key in _KEYS)


def select(
    settings: ForecastFeatures, all_series: Sequence[TrainingDays]
) -> tuple[ForecastFeatures, dict[str, Any]]:
    """The settings with values for `auto`, and how they were chosen, as spec.json stores it.

    Args:
        settings: with a country instead of `holiday_country: auto`.
        all_series: one or several series, which share the choice.

    Returns:
        The settings, and `lags`, `levels`, `holiday_window` and `bridge_days` as chosen, with `steps`: one entry
        {"feature": name or "", "error": scaled MAE} for the start and per added feature.
    """
    chosen: dict[str, Any] = {
        key: default if getattr(settings, key) == AUTO else getattr(settings, key)
        for key, default in zip(_KEYS, ((), (), 0, False), strict=True)
    }
    candidates = _candidates(settings, min(len(series.days) for series in all_series))
    step = -(-len(all_series) // _MAX_SERIES)
    chosen_series = all_series[::step] if candidates else []
    designs = [_Design(settings, series, candidates, chosen) for series in chosen_series]
    steps: list[dict[str, Any]] = []
    if candidates:
        steps = _forward(designs, candidates)
        for key in _KEYS:
            values = [
                candidates[one["feature"]][1] for one in steps[1:] if candidates[one["feature"]][0] == key
            ]
            if key in ("lags", "levels"):
                chosen[key] = (*chosen[key], *sorted(values))
            elif values:
                chosen[key] = values[-1]
    settings = settings.model_copy(update=chosen)
    stored = {key: list(value) if isinstance(value, tuple) else value for key, value in chosen.items()}
    return settings, stored | {"steps": steps}


def as_chosen(settings: ForecastFeatures, selection: Mapping[str, Any] | None) -> ForecastFeatures:
    """The settings with the values that an earlier `select` chose for `auto`.

    Args:
        settings: `features.forecast`.
        selection: `selection` of spec.json; None: nothing was chosen.
    """
    values = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in (selection or {}).items()
        if key in _KEYS
    }
    return settings.model_copy(update=values)


def describe(selection: Mapping[str, Any]) -> str:
    """What was chosen, in one line."""
    parts = [f"{key} {', '.join(map(str, selection[key]))}" for key in ("lags", "levels") if selection[key]]
    if selection["holiday_window"]:
        parts.append(f"{selection['holiday_window']} days around holidays")
    parts += ["bridge days"] if selection["bridge_days"] else []
    steps = selection["steps"]
    if not steps:
        error = "the training days are too few to choose more"
    else:
        error = f"scaled error {steps[0]['error']:.3f} without, {steps[-1]['error']:.3f} with them"
    return f"features chosen on the training days: {', '.join(parts) or 'none'} ({error})"


def _candidates(settings: ForecastFeatures, n_days: int) -> dict[str, tuple[str, int | bool]]:
    """Name → key and value of each feature that may be added; half of the days at least have to remain for windows."""
    if n_days < _MIN_DAYS:
        return {}
    longest = n_days // 2 - settings.input_size
    candidates: dict[str, tuple[str, int | bool]] = {}
    if settings.lags == AUTO:
        candidates |= {f"lag_{n}": ("lags", n) for n in LAGS if settings.horizon <= n <= longest}
    if settings.levels == AUTO:
        longest_level = min(longest - settings.horizon, n_days // _MIN_MEANS)
        candidates |= {f"level_{n}": ("levels", n) for n in LEVELS if n <= longest_level}
    if settings.holiday_country and settings.holiday_window == AUTO:
        candidates |= {f"holiday_window_{n}": ("holiday_window", n) for n in HOLIDAY_WINDOWS}
    if settings.holiday_country and settings.bridge_days == AUTO:
        candidates["bridge_days"] = ("bridge_days", True)
    return candidates


class _Design:
    """The normal equations of one series, per block, for all columns; a choice of features is a choice of columns.

    Args:
        settings, series, candidates: see `select`.
        chosen: the values of the settings that are not `auto`.
    """

    def __init__(
        self,
        settings: ForecastFeatures,
        series: TrainingDays,
        candidates: Mapping[str, tuple[str, int | bool]],
        chosen: Mapping[str, Any],
    ) -> None:
        values = Transform.fit(settings.transform, series.values, settings.scale).transform(series.values)
        target = values - _lagged(values, settings.difference) if settings.difference else values
        calendar = fit_calendar(
            settings.calendar,
            settings.holiday_country,
            series.days,
            series.day_types,
            chosen["holiday_window"],
            bridge_days=bool(chosen["bridge_days"]),
        )
        base = calendar.transform(series.days, series.day_types).astype(np.float64)
        fixed = [_lagged(values, lag) for lag in chosen["lags"]]
        fixed += [rolling_mean(values, n, settings.horizon) for n in (*_RECENT, *chosen["levels"])]
        groups = {"": np.column_stack([base, *fixed])}
        for name, (key, value) in candidates.items():
            groups[name] = _group(key, int(value), values, settings.horizon, calendar, series)
        columns = np.concatenate(list(groups.values()), axis=1)
        known = np.isfinite(target)[:, None] & np.isfinite(columns)
        first = np.argmax(known, axis=0)  # [P]: from this day on the column is known
        ends = np.cumsum([group.shape[1] for group in groups.values()]).tolist()
        self._positions = {
            name: np.arange(end - group.shape[1], end)
            for (name, group), end in zip(groups.items(), ends, strict=True)
        }
        self._first = {name: int(first[at].max(initial=0)) for name, at in self._positions.items()}
        self._columns, self._target = np.nan_to_num(columns), np.nan_to_num(target)
        self._horizon = settings.horizon
        self._blocks = np.linspace(
            len(target) * (1 - _TESTED_SHARE), len(target), _BLOCKS + 1, dtype=int
        ).tolist()
        self._folds: dict[int, list[_Fold]] = {}  # first day that is read → folds

    def errors(self, names: Sequence[str]) -> list[float]:
        """Mean absolute error of each block with the features `names`, fitted on all days on which they are known."""
        groups = ("", *names)
        first = max(self._first[name] for name in groups)
        if first not in self._folds:
            self._folds[first] = [self._fold(first, *edges) for edges in itertools.pairwise(self._blocks)]
        used = np.concatenate([self._positions[name] for name in groups])
        return [fold.error(used) for fold in self._folds[first]]

    def _fold(self, first: int, start: int, stop: int) -> _Fold:
        rows = slice(first, start - self._horizon)
        mean, std = self._columns[rows].mean(axis=0), self._columns[rows].std(axis=0)
        std[std < _CONSTANT] = np.inf  # a constant column says nothing
        train, level = (self._columns[rows] - mean) / std, float(self._target[rows].mean())
        return _Fold(
            train.T @ train,
            train.T @ (self._target[rows] - level),
            (self._columns[start:stop] - mean) / std,
            self._target[start:stop] - level,
        )


@dataclass(frozen=True)
class _Fold:
    """A block of days, and the normal equations of the days before it, standardized.

    Attributes:
        gram: [P, P].
        moment: [P].
        columns: [n, P] of the block.
        target: [n] of the block, less the mean of the days before it.
    """

    gram: Floats
    moment: Floats
    columns: Floats
    target: Floats

    def error(self, used: NDArray[np.int64]) -> float:
        """Mean absolute error of the block with the columns `used`."""
        gram = self.gram[np.ix_(used, used)] + _PENALTY * np.eye(len(used))
        weights = np.linalg.solve(gram, self.moment[used])
        return float(np.abs(self.columns[:, used] @ weights - self.target).mean())


def _forward(
    designs: Sequence[_Design], candidates: Mapping[str, tuple[str, int | bool]]
) -> list[dict[str, Any]]:
    def errors(names: Sequence[str]) -> Floats:
        return np.array([one for design in designs for one in design.errors(names)])

    names: list[str] = []
    best = errors(names)
    steps: list[dict[str, Any]] = [{"feature": "", "error": float(best.mean())}]
    while len(names) < _MAX_STEPS:
        taken = {candidates[name][0] for name in names} & {"holiday_window", "bridge_days"}
        left = [name for name in candidates if name not in names and candidates[name][0] not in taken]
        tried = {name: errors([*names, name]) for name in left}
        better = {
            name: one
            for name, one in tried.items()
            if one.mean() <= (1 - _MIN_GAIN) * best.mean() and np.mean(one < best) > _MIN_AGREEMENT
        }
        if not better:
            break
        name = min(better, key=lambda name: float(better[name].mean()))
        best = better[name]
        names.append(name)
        steps.append({"feature": name, "error": float(best.mean())})
    return steps


def _group(
    key: str, value: int, values: Floats, horizon: int, calendar: Calendar, series: TrainingDays
) -> Floats:
    """The columns of one candidate, [T, n]."""
    if key == "lags":
        return _lagged(values, value)[:, None]
    if key == "levels":
        return rolling_mean(values, value, horizon)[:, None]
    change: dict[str, Any] = {"holiday_window": value} if key == "holiday_window" else {"bridge_days": True}
    wider = replace(calendar, **change)
    names = set(calendar.feature_names)
    added = [position for position, name in enumerate(wider.feature_names) if name not in names]
    return wider.transform(series.days, series.day_types)[:, added].astype(np.float64)


def _lagged(values: Floats, lag: int) -> Floats:
    """[T]: the value `lag` days earlier; NaN before the first."""
    return np.concatenate([np.full(min(lag, len(values)), np.nan), values[: max(0, len(values) - lag)]])
