"""The best model of a task is chosen by its stored errors on the validation split."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strokecast.common.paths import VALIDATION_SCORE
from strokecast.inference import selection

WEEK = [f"2020-01-0{day}" for day in range(1, 8)]


def forecaster(folder: Path, errors: dict[str, float], series: str = "") -> Path:
    folder.mkdir(parents=True)
    selection.write_errors(folder, {series: errors})
    return folder


def test_the_score_of_a_classifier_is_its_mean_over_seeds(tmp_path: Path) -> None:
    for seed, accuracy in ((1, 0.5), (2, 0.7)):
        (tmp_path / f"{seed}").mkdir()
        selection.write_accuracy(tmp_path / f"{seed}", accuracy)
    scores = selection.validation_scores({"gru": [tmp_path / "1", tmp_path / "2"]})
    assert scores == {"gru": pytest.approx(0.6)}


def test_a_forecaster_with_fewer_origins_is_scored_relative_to_the_best_one_with_all(tmp_path: Path) -> None:
    network = forecaster(tmp_path / "network", dict(zip(WEEK, [9.0, 1, 9, 1, 9, 9, 9], strict=True)))
    worse = forecaster(tmp_path / "worse", dict.fromkeys(WEEK, 8.0))
    slow = forecaster(tmp_path / "slow", {WEEK[1]: 2.0, WEEK[3]: 4.0})
    assert json.loads((network / VALIDATION_SCORE).read_text())["value"] == pytest.approx(47 / 7, rel=1e-5)
    scores = selection.validation_scores({"network": [network], "worse": [worse], "slow": [slow]})
    assert scores == pytest.approx({"network": 47 / 7, "worse": 8.0, "slow": 3 * 47 / 7})


def test_a_forecaster_is_not_compared_with_one_that_has_no_error(tmp_path: Path) -> None:
    exact = forecaster(tmp_path / "exact", dict.fromkeys(WEEK, 0.0))
    slow = forecaster(tmp_path / "slow", {WEEK[1]: 2.0})
    assert selection.validation_scores({"exact": [exact], "slow": [slow]}) == {"exact": 0.0, "slow": 2.0}


def test_forecasters_without_a_shared_origin_are_compared_at_their_own(tmp_path: Path) -> None:
    a = forecaster(tmp_path / "a", {WEEK[0]: 2.0})
    b = forecaster(tmp_path / "b", {WEEK[1]: 3.0})
    c = forecaster(tmp_path / "c", {WEEK[1]: 4.0}, series="other")
    assert selection.validation_scores({"a": [a], "b": [b]}) == {"a": 2.0, "b": 3.0}
    assert selection.validation_scores({"b": [b], "c": [c]}) == {"b": 3.0, "c": 4.0}


def test_every_series_has_the_same_weight(tmp_path: Path) -> None:
    tmp_path.joinpath("m").mkdir()
    selection.write_errors(tmp_path / "m", {"x": dict.fromkeys(WEEK, 1.0), "y": {WEEK[0]: 3.0}})
    assert selection.validation_scores({"m": [tmp_path / "m"]}) == {"m": 2.0}


def test_a_model_without_a_score_is_not_chosen(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    good = forecaster(tmp_path / "good", {WEEK[0]: 5.0})
    scores = selection.validation_scores({"old": [tmp_path / "old"], "good": [good], "none": []})
    assert scores == {"good": 5.0}


@pytest.mark.parametrize(("higher_is_better", "best"), [(True, "b"), (False, "a")])
def test_the_best_finite_score_wins_and_the_first_of_equals(higher_is_better: bool, best: str) -> None:
    scores = {"x": float("nan"), "a": 1.0, "b": 2.0, "c": 2.0}
    assert selection.best_model(scores, higher_is_better) == best
    assert selection.best_model({"x": float("nan")}, higher_is_better) is None
