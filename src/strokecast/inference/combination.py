"""Weights of forecast combinations from stored validation forecasts, and the combined forecasts.

Equal weights and few members are hard to beat (Timmermann, 2006, "Forecast combinations",
https://doi.org/10.1016/S1574-0706(05)01004-9). Weights never are negative and always have the sum 1: then the mean of
unbiased forecasts is unbiased, and no forecast is extrapolated. With this sum, non-negative least squares finds the
weights with the smallest mean squared error that Bates and Granger (1969, https://doi.org/10.1057/jors.1969.103) ask for,
with the correlations of the errors; `inverse_error` is their rule without correlations.

Weights fit the origins that they are computed on. So the stored validation errors of a combination, and the residuals that
calibrate its intervals, are those of held-out blocks: each of `BLOCKS` blocks of consecutive origins is forecast with
members and weights from the origins of the other blocks that share no day with it (hv-block cross-validation; Racine, 2000,
https://doi.org/10.1016/S0304-4076(00)00030-0).

Shapes: M members, N validation origins, H days of the horizon, Q quantile levels.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from strokecast.inference import selection
from strokecast.inference.validation_forecasts import ValidationForecasts
from strokecast.params import Combination

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]

BLOCKS = 5


@dataclass(frozen=True)
class CombinedSeries:
    """A combination for one series.

    Attributes:
        weights: member → weight above 0, in the order of the members.
        held_out: forecasts at the shared origins, each with weights from other blocks.
        without_weight: chosen members whose weight is 0, in the order of the members.
    """

    weights: Mapping[str, float]
    held_out: ValidationForecasts
    without_weight: tuple[str, ...] = ()


def mean_over_seeds(forecasts: Sequence[ValidationForecasts]) -> ValidationForecasts:
    """The mean forecasts of one model's trainings, which have the same origins."""
    first = forecasts[0]
    quantiles = [one.quantiles for one in forecasts if one.quantiles is not None]
    return ValidationForecasts(
        first.days,
        first.actual,
        np.mean([one.point for one in forecasts], axis=0),
        np.mean(quantiles, axis=0) if quantiles else None,
        first.quantile_levels,
    )


def combine(members: Mapping[str, ValidationForecasts], settings: Combination) -> CombinedSeries | None:
    """Choose and weigh the members for one series.

    Members are chosen by all their origins (`selection.relative_scores`), and weighed on those that the chosen ones share. Quantiles
    are combined if all members forecast the same levels (Lichtendahl et al., 2013, https://doi.org/10.1287/mnsc.1120.1667).

    Args:
        members: candidate → its validation forecasts.
        settings: `top` and `weights`; `members` is not read.

    Returns:
        None if the chosen members share no origin.
    """
    errors = {name: one.errors() for name, one in members.items()}
    chosen = _best_members(errors, settings.top)
    shared = _at_shared_origins({name: members[name] for name in chosen})
    if shared is None:
        return None
    weights = member_weights(shared[0].actual, np.stack([one.point for one in shared]), settings.weights)
    by_name = dict(zip(chosen, map(float, weights), strict=True))
    return CombinedSeries(
        {name: weight for name, weight in by_name.items() if weight > 0},
        _held_out(members, errors, shared, settings),
        tuple(name for name, weight in by_name.items() if weight == 0),
    )


def _held_out(
    members: Mapping[str, ValidationForecasts],
    errors: Mapping[str, Mapping[str, float]],
    shared: Sequence[ValidationForecasts],
    settings: Combination,
) -> ValidationForecasts:
    """The forecasts of each block with members and weights from origins of other blocks that share no day with it.

    A block that has no such origins is left out. If none has any, all members have equal weights.

    Args:
        members: candidate → its forecasts.
        errors: candidate → origin → error.
        shared: forecasts of the chosen members, whose origins are divided into blocks.
        settings: `top` and `weights`.
    """
    parts = []
    for block in _blocks(shared[0].days, shared[0].actual.shape[1]):
        chosen = _best_members(block.errors_of_others(errors), settings.top)
        own = _at_shared_origins({name: members[name] for name in chosen}) if chosen else None
        if own is None:
            continue
        inside, others = block.holds(own[0].days), block.others(own[0].days)
        if inside.any() and others.any():
            points = np.stack([one.point[others] for one in own])
            weights = member_weights(own[0].actual[others], points, settings.weights)
            parts.append(_weigh([_select(one, inside) for one in own], weights))
    if not parts:
        everyone = _at_shared_origins(members) or shared
        return _weigh(everyone, np.full(len(everyone), 1.0 / len(everyone)))
    return _concatenate(parts, shared_levels([one.quantile_levels for one in (*shared, *parts)]))


def weigh(
    members: Mapping[str, ValidationForecasts], weights: Mapping[str, float]
) -> ValidationForecasts | None:
    """The weighted mean at the origins that all members share, with the same weights at all of them.

    Args:
        members: member → its forecasts of one series; others than those in `weights` are ignored.
        weights: member → weight.

    Returns:
        None if the members share no origin.
    """
    shared = _at_shared_origins({name: members[name] for name in weights})
    return None if shared is None else _weigh(shared, np.array(list(weights.values())))


def with_same_levels(by_series: Mapping[str, CombinedSeries]) -> dict[str, CombinedSeries]:
    """The same, without quantiles if the members of the series forecast different levels: one model has one set of levels."""
    if shared_levels([one.held_out.quantile_levels for one in by_series.values()]):
        return dict(by_series)
    return {
        name: replace(one, held_out=replace(one.held_out, quantiles=None, quantile_levels=()))
        for name, one in by_series.items()
    }


def _at_shared_origins(members: Mapping[str, ValidationForecasts]) -> list[ValidationForecasts] | None:
    """The forecasts of each member at the origins that all have; None if there are none."""
    shared = sorted(set.intersection(*(set(one.days.tolist()) for one in members.values())))
    if not shared:
        return None
    days = np.array(shared, "datetime64[D]")
    return [_select(one, np.searchsorted(one.days, days)) for one in members.values()]


def _select(
    forecasts: ValidationForecasts, rows: NDArray[np.int64] | NDArray[np.bool_]
) -> ValidationForecasts:
    """The forecasts at some of their origins: positions, or bool [N]."""
    quantiles = None if forecasts.quantiles is None else forecasts.quantiles[rows]
    return ValidationForecasts(
        forecasts.days[rows],
        forecasts.actual[rows],
        forecasts.point[rows],
        quantiles,
        forecasts.quantile_levels,
    )


def _weigh(members: Sequence[ValidationForecasts], weights: Floats) -> ValidationForecasts:
    """The weighted mean of members at the same origins; `weights` float64 [M]."""
    levels, quantiles = shared_levels([one.quantile_levels for one in members]), None
    if levels:
        stacked = np.stack([one.quantiles for one in members if one.quantiles is not None])
        quantiles = np.einsum("m,mnhq->nhq", weights, stacked)
    point = np.einsum("m,mnh->nh", weights, np.stack([one.point for one in members]))
    return ValidationForecasts(members[0].days, members[0].actual, point, quantiles, levels)


def _concatenate(parts: Sequence[ValidationForecasts], levels: tuple[float, ...]) -> ValidationForecasts:
    """Forecasts of consecutive blocks, with their quantiles if all have `levels`."""
    quantiles = [one.quantiles for one in parts if one.quantiles is not None] if levels else []
    return ValidationForecasts(
        np.concatenate([one.days for one in parts]),
        np.concatenate([one.actual for one in parts]),
        np.concatenate([one.point for one in parts]),
        np.concatenate(quantiles) if quantiles else None,
        levels,
    )


def shared_levels(levels: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The quantile levels of all members if they are the same; () otherwise."""
    first = tuple(levels[0])
    return first if all(tuple(one) == first for one in levels) else ()


@dataclass(frozen=True)
class _Block:
    """The origins from the day `first` to the day before `stop`.

    Attributes:
        first: a day.
        stop: a later day.
        horizon: days that an origin forecasts.
    """

    first: np.datetime64
    stop: np.datetime64
    horizon: np.timedelta64

    def holds(self, days: Days) -> NDArray[np.bool_]:
        """bool [N]: which of the origins `days` [N] are in the block."""
        return (days >= self.first) & (days < self.stop)

    def others(self, days: Days) -> NDArray[np.bool_]:
        """bool [N]: which of the origins `days` [N] share no forecast day with one of them that is in the block."""
        own = days[self.holds(days)]
        if not len(own):
            return np.ones(len(days), dtype=bool)
        return (days <= own[0] - self.horizon) | (days >= own[-1] + self.horizon)

    def errors_of_others(self, errors: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
        """Member → origin → error, of the origins that share no forecast day with one in the block of any member."""
        days = np.array(sorted(set(itertools.chain(*errors.values()))), "datetime64[D]")
        others = set(map(str, days[self.others(days)]))
        return {
            name: {day: error for day, error in own.items() if day in others} for name, own in errors.items()
        }


def _blocks(days: Days, horizon: int) -> list[_Block]:
    """`BLOCKS` blocks, or one per origin if these are fewer, that hold equally many origins `days` [N]; every other day is in one, too."""
    starts = [part[0] for part in np.array_split(days, min(BLOCKS, len(days)))]
    edges = [np.datetime64("0001-01-01"), *starts[1:], np.datetime64("9999-12-31")]
    return [_Block(first, stop, np.timedelta64(horizon, "D")) for first, stop in itertools.pairwise(edges)]


def member_weights(actual: Floats, points: Floats, method: str) -> Floats:
    """The weights of members.

    Args:
        actual: float64 [N, H].
        points: float64 [M, N, H].
        method: `equal`, `inverse_error` or `nnls`.

    Returns:
        float64 [M], at least 0, with the sum 1.
    """
    return _WEIGHTS[method]((points - actual).reshape(len(points), -1))


def _best_members(errors: Mapping[str, Mapping[str, float]], top: int | None) -> list[str]:
    """The `top` members with the lowest mean absolute error of those that have any, in the order of the members; None: all of these."""
    scores = selection.relative_scores({name: {"": own} for name, own in errors.items() if own})
    best = sorted(scores, key=scores.__getitem__)[:top]
    return [name for name in errors if name in best]


def _equal(errors: Floats) -> Floats:
    return np.full(len(errors), 1.0 / len(errors))


def _inverse_error(errors: Floats) -> Floats:
    """In proportion to 1 / mean squared error; members without an error share everything."""
    squared = np.square(errors).mean(axis=1)
    inverse = (squared == 0).astype(np.float64) if (squared == 0).any() else squared.min() / squared
    return np.asarray(inverse / inverse.sum())


def _nnls(errors: Floats) -> Floats:
    """The weights w >= 0 with sum 1 and the smallest |w @ errors|.

    The row `total` asks for the sum 1 softly. It scales the solution, but does not turn it: for w = s v with the sum of v
    1, the best s is a monotone function of |v @ errors|, so v has the smallest |v @ errors|.
    """
    from scipy.optimize import nnls

    count = len(errors)
    reduced = np.asarray(np.linalg.qr(errors.T, mode="r"))  # the same norms in at most M rows
    size = float(np.abs(reduced).max())
    if size == 0:
        return _equal(errors)
    total = np.ones((1, count))
    target = np.append(np.zeros(len(reduced)), 1.0)
    weights, _ = nnls(np.concatenate([reduced / size, total]), target, maxiter=100 * count)
    return np.asarray(weights / weights.sum())


_WEIGHTS = {"equal": _equal, "inverse_error": _inverse_error, "nnls": _nnls}
