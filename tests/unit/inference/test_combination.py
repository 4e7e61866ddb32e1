"""Members and weights of combinations are chosen on validation origins, and their errors on held-out blocks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from strokecast.inference import combination
from strokecast.inference.validation_forecasts import ValidationForecasts
from strokecast.params import Combination

DAYS = np.datetime64("2020-01-01") + np.arange(60)
HORIZON = 3
RNG = np.random.default_rng(0)
ACTUAL = RNG.normal(size=(60, HORIZON))
NOISE = RNG.normal(size=(4, 60, HORIZON)) * np.array([1.0, 2.0, 3.0, 1.5])[:, None, None]


def validation(errors: np.ndarray, days: np.ndarray = DAYS) -> ValidationForecasts:
    return ValidationForecasts(days, ACTUAL[: len(days)], ACTUAL[: len(days)] + errors[: len(days)])


def squared_error(weights: np.ndarray, errors: np.ndarray) -> float:
    return float(np.square(np.tensordot(weights, errors, 1)).mean())


def held_out(
    errors: np.ndarray, top: int | None = None, weights: str = "nnls", days: np.ndarray = DAYS
) -> np.ndarray:
    """The held-out forecasts [N, H] of members whose forecasts are `errors` [M, N, H] away from the actual values."""
    members = {str(number): validation(error, days) for number, error in enumerate(errors)}
    combined = combination.combine(members, Combination(top=top, weights=weights))
    assert combined is not None
    return np.asarray(combined.held_out.point)


def test_equal_weights_go_to_the_members_with_the_lowest_error() -> None:
    members = {name: validation(error) for name, error in zip("abcd", NOISE, strict=True)}
    for top, expected in ((None, dict.fromkeys("abcd", 0.25)), (2, {"a": 0.5, "d": 0.5})):
        combined = combination.combine(members, Combination(top=top))
        assert combined is not None
        assert combined.weights == pytest.approx(expected)


def test_weights_by_error_are_in_proportion_to_one_over_the_mean_square() -> None:
    weights = combination.member_weights(ACTUAL, ACTUAL + NOISE, "inverse_error")
    inverse = 1 / np.square(NOISE).mean(axis=(1, 2))
    assert weights == pytest.approx(inverse / inverse.sum())
    exact = np.stack([NOISE[0], NOISE[0] * 0])
    assert combination.member_weights(ACTUAL, ACTUAL + exact, "inverse_error").tolist() == [0, 1]


@pytest.mark.parametrize("scale", [1.0, 1e6])
@pytest.mark.parametrize("level", [0.0, 5.0])  # a common bias: weights with another sum would remove it
def test_least_squares_weights_are_the_best_of_all_that_are_not_negative_and_have_the_sum_1(
    scale: float, level: float
) -> None:
    errors = scale * (NOISE[:3] + level + 2 * NOISE[3])
    weights = combination.member_weights(ACTUAL, ACTUAL + errors, "nnls")
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    grid = [(a, b, 100 - a - b) for a, b in itertools.product(range(101), repeat=2) if a + b <= 100]
    best = min(squared_error(np.array(one) / 100, errors) for one in grid)
    assert squared_error(weights, errors) <= best * (1 + 1e-9)


def test_least_squares_of_members_without_an_error_and_of_equal_members_is_defined() -> None:
    for errors in (np.zeros((2, 60, HORIZON)), np.stack([NOISE[0]] * 2)):
        weights = combination.member_weights(ACTUAL, ACTUAL + errors, "nnls")
        assert weights.sum() == pytest.approx(1)


def held_out_weights(errors: np.ndarray) -> np.ndarray:
    """The weight [N] of the first of two members in the held-out forecasts."""
    return np.asarray(((held_out(errors) - ACTUAL - errors[1]) / (errors[0] - errors[1]))[:, 0])


def test_an_origin_is_forecast_with_weights_from_origins_that_share_no_day_with_its_block() -> None:
    errors = NOISE[:2].copy()
    first = held_out_weights(errors)
    assert len({*first.round(6)}) == 5, "each block has its own"
    block = errors.copy()
    block[0, 12 - HORIZON + 1 : 24 + HORIZON - 1] = 1e3  # the second of five blocks and what overlaps with it
    second = held_out_weights(block)
    assert second[12:24] == pytest.approx(first[12:24])
    assert abs(second[:12] - first[:12]).max() > 0.1
    block[0, 12 - HORIZON] = 1e3
    assert abs(held_out_weights(block)[12:24] - first[12:24]).max() > 0.1


def test_the_choice_of_members_is_held_out_too() -> None:
    errors = np.ones((2, 60, HORIZON))
    errors[0, :12] = 0  # the first member is the better one in the first block alone
    errors[1] -= 0.01
    assert held_out(errors, 1, "equal")[:12] - ACTUAL[:12] == pytest.approx(np.full((12, HORIZON), 0.99))
    members = {"a": validation(errors[0]), "b": validation(errors[1])}
    chosen = combination.combine(members, Combination(top=1))
    assert chosen is not None
    assert chosen.weights == {"a": 1.0}


def test_without_other_origins_all_members_weigh_the_same() -> None:
    assert held_out(NOISE, 1, days=DAYS[:2]) == pytest.approx(ACTUAL[:2] + NOISE[:, :2].mean(axis=0))


def test_a_slow_candidate_that_is_not_chosen_takes_no_origin_from_the_others() -> None:
    few = DAYS[::6]
    slow = ValidationForecasts(few, ACTUAL[::6], ACTUAL[::6] + 9 * NOISE[2, ::6])
    members = {"a": validation(NOISE[0]), "slow": slow, "b": validation(NOISE[1])}
    with_slow = combination.combine(members, Combination(top=2, weights="nnls"))
    without = combination.combine({"a": members["a"], "b": members["b"]}, Combination(top=2, weights="nnls"))
    assert with_slow is not None
    assert without is not None
    assert with_slow.weights == pytest.approx(without.weights)
    assert with_slow.held_out.days.tolist() == DAYS.tolist()
    assert with_slow.held_out.point == pytest.approx(without.held_out.point)
    exact = ValidationForecasts(few, ACTUAL[::6], ACTUAL[::6])
    chosen = combination.combine({**members, "slow": exact}, Combination(top=2))
    assert chosen is not None
    assert chosen.weights == {"a": 0.5, "slow": 0.5}
    assert chosen.held_out.days.tolist() == few.tolist()


def test_a_slow_candidate_that_one_block_chooses_takes_origins_from_this_block_alone() -> None:
    errors = np.ones((2, 60, HORIZON))
    errors[1, 24:] = 3  # without the first two blocks, the second is worse than the slow one
    few = DAYS[::6]
    slow = ValidationForecasts(few, ACTUAL[::6], ACTUAL[::6] + 2.3)
    combined = combination.combine(
        {"a": validation(errors[0]), "b": validation(errors[1]), "slow": slow}, Combination(top=2)
    )
    assert combined is not None
    assert combined.weights == {"a": 0.5, "b": 0.5} or combined.weights == {"a": 0.5, "slow": 0.5}
    counts = [
        int(((combined.held_out.days >= DAYS[first]) & (combined.held_out.days < DAYS[first] + 12)).sum())
        for first in range(0, 60, 12)
    ]
    assert {2, 12} == set(counts)


def test_a_block_without_other_origins_is_left_out_of_the_error() -> None:
    days, horizon = DAYS[:40], 28
    actual = np.zeros((40, horizon))

    def member(error: float, rows: slice = slice(None)) -> ValidationForecasts:
        return ValidationForecasts(days[rows], actual[rows], actual[rows] + error)

    members = {"a": member(0.5), "b": member(0.4), "bad": member(50.0), "slow": member(60.0, slice(0, 40, 5))}
    combined = combination.combine(members, Combination(top=2))
    assert combined is not None
    assert combined.weights == {"a": 0.5, "b": 0.5}
    assert 0 < len(combined.held_out.days) < 40
    assert combined.held_out.point == pytest.approx(np.full((len(combined.held_out.days), horizon), 0.45))


def test_a_member_with_late_origins_alone_leaves_blocks_to_hold_out() -> None:
    late = ValidationForecasts(DAYS[48:], ACTUAL[48:], ACTUAL[48:] + NOISE[0, 48:])
    combined = combination.combine({"a": validation(NOISE[1]), "late": late}, Combination(weights="nnls"))
    assert combined is not None
    assert combined.held_out.days.tolist() == DAYS[48:].tolist()


def test_series_whose_members_forecast_different_levels_have_no_quantiles() -> None:
    quantiles = ACTUAL[..., None] + np.array([-1.0, 0.0])
    sure = ValidationForecasts(DAYS, ACTUAL, quantiles[..., 1], quantiles, (0.1, 0.5))
    with_levels = combination.combine({"a": sure, "b": sure}, Combination())
    without = combination.combine({"a": sure, "b": validation(NOISE[0])}, Combination())
    assert with_levels is not None
    assert without is not None
    same = combination.with_same_levels({"x": with_levels, "y": with_levels})
    assert same["y"].held_out.quantile_levels == (0.1, 0.5)
    mixed = combination.with_same_levels({"x": with_levels, "y": without})
    assert [one.held_out.quantiles for one in mixed.values()] == [None, None]
    assert mixed["x"].held_out.quantile_levels == ()


def test_members_are_combined_at_the_origins_that_they_share() -> None:
    members = {"a": validation(NOISE[0]), "b": validation(NOISE[1], DAYS[:30])}
    combined = combination.combine(members, Combination())
    assert combined is not None
    assert combined.held_out.days.tolist() == DAYS[:30].tolist()
    assert combined.held_out.point == pytest.approx(ACTUAL[:30] + NOISE[:2, :30].mean(axis=0))
    assert combined.held_out.quantiles is None
    assert combined.weights == {"a": 0.5, "b": 0.5}
    shifted = ValidationForecasts(DAYS + 100, ACTUAL, ACTUAL)
    assert combination.combine({"a": members["a"], "c": shifted}, Combination()) is None
    only = combination.combine(members, Combination(top=1))
    assert only is not None
    assert only.weights == {"a": 1.0}
    assert only.without_weight == ()


def test_chosen_members_without_weight_are_named() -> None:
    members = {
        "a": validation(NOISE[0]),
        "worse": validation(2 * NOISE[0]),
        "not_chosen": validation(9 * NOISE[0]),
    }
    combined = combination.combine(members, Combination(top=2, weights="nnls"))
    assert combined is not None
    assert combined.weights == pytest.approx({"a": 1.0})
    assert combined.without_weight == ("worse",)


def test_quantiles_are_combined_if_all_members_have_the_same() -> None:
    def with_quantiles(shift: float, levels: tuple[float, ...] = (0.1, 0.5)) -> ValidationForecasts:
        quantiles = ACTUAL[..., None] + shift + np.array([-1.0, 0.0])
        return ValidationForecasts(DAYS, ACTUAL, quantiles[..., 1], quantiles, levels)

    same = combination.combine({"a": with_quantiles(0), "b": with_quantiles(2)}, Combination())
    assert same is not None
    assert same.held_out.quantile_levels == (0.1, 0.5)
    assert same.held_out.quantiles == pytest.approx(ACTUAL[..., None] + np.array([0.0, 1.0]))
    for other in (with_quantiles(2, (0.2, 0.5)), validation(NOISE[0])):
        mixed = combination.combine({"a": with_quantiles(0), "b": other}, Combination())
        assert mixed is not None
        assert (mixed.held_out.quantiles, mixed.held_out.quantile_levels) == (None, ())


def test_seeds_are_averaged() -> None:
    mean = combination.mean_over_seeds([validation(NOISE[0]), validation(NOISE[1])])
    assert mean.point == pytest.approx(ACTUAL + NOISE[:2].mean(axis=0))


def test_given_weights_are_applied_at_the_origins_that_the_members_share() -> None:
    members = {"a": validation(NOISE[0]), "b": validation(NOISE[1], DAYS[:30]), "c": validation(NOISE[2])}
    combined = combination.weigh(members, {"c": 0.25, "a": 0.75})
    assert combined is not None
    assert combined.point == pytest.approx(ACTUAL + 0.75 * NOISE[0] + 0.25 * NOISE[2])
    shifted = {"a": members["a"], "d": ValidationForecasts(DAYS + 100, ACTUAL, ACTUAL)}
    assert combination.weigh(shifted, {"a": 0.5, "d": 0.5}) is None
