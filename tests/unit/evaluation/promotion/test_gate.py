"""Each check of the gate passes and fails where it should, and says the figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from strokecast.evaluation.common.bootstrap import BootstrapSettings
from strokecast.evaluation.promotion import gate
from strokecast.evaluation.promotion.scores import TestScores

SETTINGS = BootstrapSettings(resamples=200, level=0.95, seed=0)


def classify(correct: list[int]) -> TestScores:
    """Drawings of two classes, the first half `ant`."""
    half = len(correct) // 2
    classes = ["ant"] * half + ["duck"] * (len(correct) - half)
    table = pd.DataFrame({"example": [str(n) for n in range(len(correct))], "truth": classes})
    return TestScores("classify", table.assign(score=np.array(correct, float), **{"class": classes}), "made")


def forecast(errors: list[float]) -> TestScores:
    """Two days ahead per origin."""
    rows = range(len(errors))
    table = pd.DataFrame({"example": [str(n // 2) for n in rows], "truth": ["1"] * len(errors)})
    return TestScores("forecast", table.assign(score=errors, day=[str(1 + n % 2) for n in rows]), "made")


@pytest.mark.parametrize(
    ("value", "limit", "higher", "passed"),
    [
        (0.5, 0.5, True, True),
        (0.49, 0.5, True, False),
        (1.0, 1.0, False, True),
        (1.01, 1.0, False, False),
        (None, 1.0, False, False),
    ],
)
def test_the_floor_is_the_lowest_accuracy_or_the_highest_error(
    value: float | None, limit: float, higher: bool, passed: bool
) -> None:
    check = gate.check_floor("score", value, limit, higher)
    assert check.passed is passed
    assert f"{limit:g}" in check.figures


def test_the_whole_interval_of_the_gain_has_to_be_above_zero() -> None:
    weak, strong = classify([1, 0] * 50), classify([1, 1, 1, 0] * 25)
    assert gate.check_difference(strong, weak, "lstm-seed1", SETTINGS).passed
    assert not gate.check_difference(weak, strong, "lstm-seed1", SETTINGS).passed
    equal = gate.check_difference(weak, weak, "lstm-seed1 (version 1)", SETTINGS)
    assert not equal.passed
    assert (
        "lstm-seed1 (version 1) has 0.5: gain 0 (95 % interval 0 to 0) over 100 test examples"
        in equal.figures
    )
    assert gate.check_difference(weak, None, "", SETTINGS).passed


def test_less_error_is_a_gain_and_the_examples_are_origins() -> None:
    gain, low, high = gate.paired_gain(forecast([1.0] * 40), forecast([2.0, 4.0] * 20), SETTINGS)
    assert (gain, low, high) == pytest.approx((2.0, 2.0, 2.0))
    assert (
        "over 20 test examples"
        in gate.check_difference(forecast([1.0] * 40), forecast([2.0] * 40), "gru", SETTINGS).figures
    )


def test_scores_of_other_examples_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same examples"):
        gate.paired_gain(classify([1, 0]), classify([1, 0, 1]), SETTINGS)


def test_a_slice_that_loses_more_than_the_limit_is_named() -> None:
    champion, candidate = classify([1] * 10 + [0] * 10), classify([1] * 7 + [0] * 3 + [1] * 10)
    check = gate.check_slices(candidate, champion, limit=0.2, min_examples=10)
    assert not check.passed
    assert check.figures == "1 of 2 slices lose more than 0.2 of accuracy: class ant 1 -> 0.7"
    assert gate.check_slices(candidate, champion, limit=0.31, min_examples=10).passed
    assert gate.check_slices(candidate, champion, limit=0.2, min_examples=11).passed, "too small to judge"
    assert gate.check_slices(candidate, None, limit=0.0, min_examples=1).passed


def test_a_rise_of_the_error_counts_as_a_share_of_the_champions() -> None:
    champion, candidate = forecast([100.0, 10.0] * 5), forecast([90.0, 13.0] * 5)
    changes = gate.slice_changes(candidate, champion)
    assert [(one.name, round(one.loss, 6)) for one in changes] == [("day 2", 0.3), ("day 1", -0.1)]
    assert not gate.check_slices(candidate, champion, limit=0.29, min_examples=1).passed
    assert gate.check_slices(candidate, champion, limit=0.31, min_examples=1).passed
    perfect = forecast([0.0, 10.0] * 5)
    assert gate.slice_changes(candidate, perfect)[0].loss == np.inf
    assert gate.slice_changes(perfect, perfect)[0].loss == 0


@pytest.mark.parametrize(("times", "passed"), [([1, 2, 90], True), ([1, 11, 12], False), ([], False)])
def test_the_median_latency_counts(times: list[float], passed: bool) -> None:
    assert gate.check_latency(times, limit=10).passed is passed


def test_a_model_that_does_not_answer_says_why() -> None:
    assert gate.check_environment("no module named keras", 6, 3.0).figures == "no module named keras"
    assert gate.check_environment(None, 6, 3.0).passed
    assert gate.Check("floor", False, "x").line == "FAIL  floor: x"
