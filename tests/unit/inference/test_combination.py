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


def test_equal_weights_go_to_the_members_with_the_lowest_error() -> None:
    assert combination.member_weights(ACTUAL, ACTUAL + NOISE, "equal", None) == pytest.approx([0.25] * 4)
    assert combination.member_weights(ACTUAL, ACTUAL + NOISE, "equal", 2) == pytest.approx([0.5, 0, 0, 0.5])


def test_weights_by_error_are_in_proportion_to_one_over_the_mean_square() -> None:
    weights = combination.member_weights(ACTUAL, ACTUAL + NOISE, "inverse_error", None)
    inverse = 1 / np.square(NOISE).mean(axis=(1, 2))
    assert weights == pytest.approx(inverse / inverse.sum())
    exact = np.stack([NOISE[0], NOISE[0] * 0])
    assert combination.member_weights(ACTUAL, ACTUAL + exact, "inverse_error", None).tolist() == [0, 1]


@pytest.mark.parametrize("scale", [1.0, 1e6])
@pytest.mark.parametrize("level", [0.0, 5.0])  # a common bias: weights with another sum would remove it
def test_least_squares_weights_are_the_best_of_all_that_are_not_negative_and_have_the_sum_1(
    scale: float, level: float
) -> None:
    errors = scale * (NOISE[:3] + level + 2 * NOISE[3])
    weights = combination.member_weights(ACTUAL, ACTUAL + errors, "nnls", None)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    grid = [(a, b, 100 - a - b) for a, b in itertools.product(range(101), repeat=2) if a + b <= 100]
    best = min(squared_error(np.array(one) / 100, errors) for one in grid)
    assert squared_error(weights, errors) <= best * (1 + 1e-9)


def test_least_squares_of_members_without_an_error_and_of_equal_members_is_defined() -> None:
    for errors in (np.zeros((2, 60, HORIZON)), np.stack([NOISE[0]] * 2)):
        weights = combination.member_weights(ACTUAL, ACTUAL + errors, "nnls", None)
        assert weights.sum() == pytest.approx(1)


def test_an_origin_is_forecast_with_weights_from_origins_that_share_no_day_with_its_block() -> None:
    errors = NOISE[:2].copy()
    first = combination.held_out_weights(DAYS, ACTUAL, ACTUAL + errors, "nnls", None)
    changed = errors.copy()
    changed[0, 12 - HORIZON + 1 : 24 + HORIZON - 1] = (
        1e3  # the second of five blocks and what overlaps with it
    )
    second = combination.held_out_weights(DAYS, ACTUAL, ACTUAL + changed, "nnls", None)
    assert second[12:24] == pytest.approx(first[12:24])
    assert abs(second[:12] - first[:12]).max() > 0.1
    changed[0, 12 - HORIZON] = 1e3
    third = combination.held_out_weights(DAYS, ACTUAL, ACTUAL + changed, "nnls", None)
    assert abs(third[12:24] - first[12:24]).max() > 0.1


def test_the_choice_of_members_is_held_out_too() -> None:
    errors = np.ones((2, 60, HORIZON))
    errors[0, :12] = 0  # the first member is the better one in the first block alone
    weights = combination.held_out_weights(DAYS, ACTUAL, ACTUAL + errors + [[[0.0]], [[-0.01]]], "equal", 1)
    assert weights[:12].tolist() == [[0, 1]] * 12
    assert combination.member_weights(ACTUAL, ACTUAL + errors, "equal", 1).tolist() == [1, 0]


def test_without_other_origins_all_members_weigh_the_same() -> None:
    weights = combination.held_out_weights(DAYS[:2], ACTUAL[:2], ACTUAL[:2] + NOISE[:, :2], "nnls", 1)
    assert weights == pytest.approx(np.full((2, 4), 0.25))


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
