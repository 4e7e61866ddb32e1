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
from dataclasses import dataclass

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
        None if the members share no origin.
    """
    names = list(members)
    errors = {name: one.errors() for name, one in members.items()}
    longest = max(members.values(), key=lambda one: len(one.days))
    blocks = _blocks(longest.days, longest.actual.shape[1])
    chosen = _best_members(errors, settings.top)
    per_block = [_best_members(block.errors_of_others(errors), settings.top) for block in blocks]
    pool = [name for name in names if name in {*chosen, *itertools.chain(*per_block)}]
    shared = _at_shared_origins({name: members[name] for name in pool})
    if shared is None:
        return None
    actual, points = shared[0].actual, np.stack([one.point for one in shared])
    positions = [np.array([pool.index(name) for name in one]) for one in (chosen, *per_block)]
    weights = member_weights(actual, points, settings.weights, positions[0])
    per_origin = held_out_weights(
        shared[0].days, actual, points, settings.weights, list(zip(blocks, positions[1:], strict=True))
    )
    by_name = dict(zip(pool, map(float, weights), strict=True))
    return CombinedSeries(
        {name: weight for name, weight in by_name.items() if weight > 0},
        _weigh(shared, per_origin),
        tuple(name for name in chosen if by_name[name] == 0),
    )


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
    return (
        None if shared is None else _weigh(shared, np.tile(list(weights.values()), (len(shared[0].days), 1)))
    )


def _at_shared_origins(members: Mapping[str, ValidationForecasts]) -> list[ValidationForecasts] | None:
    """The forecasts of each member at the origins that all have; None if there are none."""
    shared = sorted(set.intersection(*(set(one.days.tolist()) for one in members.values())))
    if not shared:
        return None
    days = np.array(shared, "datetime64[D]")
    selected = []
    for one in members.values():
        rows = np.searchsorted(one.days, days)
        quantiles = None if one.quantiles is None else one.quantiles[rows]
        selected.append(
            ValidationForecasts(days, one.actual[rows], one.point[rows], quantiles, one.quantile_levels)
        )
    return selected


def _weigh(members: Sequence[ValidationForecasts], weights: Floats) -> ValidationForecasts:
    """The weighted mean of members at the same origins; `weights` float64 [N, M]."""
    levels, quantiles = shared_levels([one.quantile_levels for one in members]), None
    if levels:
        stacked = np.stack([one.quantiles for one in members if one.quantiles is not None])
        quantiles = np.einsum("nm,mnhq->nhq", weights, stacked)
    point = np.einsum("nm,mnh->nh", weights, np.stack([one.point for one in members]))
    return ValidationForecasts(members[0].days, members[0].actual, point, quantiles, levels)


def shared_levels(levels: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The quantile levels of all members if they are the same; () otherwise."""
    first = tuple(levels[0])
    return first if all(tuple(one) == first for one in levels) else ()


@dataclass(frozen=True)
class Block:
    """Consecutive origins from the day `first` to the day before `stop`, and the days that its origins may share with others."""

    first: np.datetime64
    stop: np.datetime64
    horizon: np.timedelta64

    def holds(self, days: Days) -> NDArray[np.bool_]:
        """Which origins are in the block."""
        return (days >= self.first) & (days < self.stop)

    def others(self, days: Days) -> NDArray[np.bool_]:
        """Which origins share no forecast day with one of `days` in the block."""
        own = days[self.holds(days)]
        if not len(own):
            return np.ones(len(days), dtype=bool)
        return (days <= own[0] - self.horizon) | (days >= own[-1] + self.horizon)

    def errors_of_others(self, errors: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
        """Member → its errors by origin, those that share no forecast day with one of all origins in the block."""
        days = np.array(sorted(set(itertools.chain(*errors.values()))), "datetime64[D]")
        others = set(map(str, days[self.others(days)]))
        return {
            name: {day: error for day, error in own.items() if day in others} for name, own in errors.items()
        }


def _blocks(days: Days, horizon: int) -> list[Block]:
    """`BLOCKS` blocks, or one per origin if these are fewer, that hold equally many of the origins; every other day is in one, too."""
    starts = [part[0] for part in np.array_split(days, min(BLOCKS, len(days)))]
    edges = [np.datetime64("0001-01-01"), *starts[1:], np.datetime64("9999-12-31")]
    return [Block(first, stop, np.timedelta64(horizon, "D")) for first, stop in itertools.pairwise(edges)]


def held_out_weights(
    days: Days,
    actual: Floats,
    points: Floats,
    method: str,
    choices: Sequence[tuple[Block, NDArray[np.int64]]],
) -> Floats:
    """The weights for each origin, from origins of other blocks that share no forecast day with its block.

    A block without such origins gets equal weights of all members.

    Args:
        days: datetime64[D] [N], the first forecast days, rising.
        actual: float64 [N, H].
        points: float64 [M, N, H].
        method: `equal`, `inverse_error` or `nnls`.
        choices: blocks of consecutive origins, and the indices of the members that each may weigh.

    Returns:
        float64 [N, M].
    """
    members, origins, _ = points.shape
    weights = np.full((origins, members), 1.0 / members)
    for block, chosen in choices:
        others = block.others(days)
        if others.any():
            weights[block.holds(days)] = member_weights(actual[others], points[:, others], method, chosen)
    return weights


def member_weights(actual: Floats, points: Floats, method: str, chosen: NDArray[np.int64]) -> Floats:
    """The weights of the chosen members; 0 for the others.

    Args:
        actual: float64 [N, H].
        points: float64 [M, N, H].
        method: `equal`, `inverse_error` or `nnls`.
        chosen: indices of members.

    Returns:
        float64 [M], at least 0, with the sum 1.
    """
    weights = np.zeros(len(points))
    weights[chosen] = _WEIGHTS[method]((points[chosen] - actual).reshape(len(chosen), -1))
    return weights


def _best_members(errors: Mapping[str, Mapping[str, float]], top: int | None) -> list[str]:
    """The `top` members with the lowest mean absolute error, in the order of the members; all if None or if none has an error."""
    if top is None:
        return list(errors)
    scores = selection.relative_scores({name: {"": own} for name, own in errors.items() if own})
    best = sorted(scores, key=scores.__getitem__)[:top]
    return [name for name in errors if name in best] or list(errors)


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
