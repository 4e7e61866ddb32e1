"""The champion is the model that the validation scores choose, whatever the test ranking says."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from strokecast.evaluation.board.cells import format_percent, model_cell
from strokecast.evaluation.board.notes import champion_notes
from strokecast.evaluation.common.champion import Validation, champion_facts, read_validation
from strokecast.evaluation.common.ranking import RankedModel
from strokecast.inference import selection

RANKED = [RankedModel(name, (), {"accuracy": value}, 0, 1, None) for name, value in (("a", 0.9), ("b", 0.8))]


def facts(scores: dict[str, float]) -> dict[str, Any] | None:
    return champion_facts(Validation("valid_accuracy", scores, True), RANKED, "accuracy")


def test_validation_chooses_although_another_model_is_ahead_on_test() -> None:
    assert facts({"a": 0.7, "b": 0.71}) == {
        "model": "b",
        "metric": "valid_accuracy",
        "value": 0.71,
        "rank": 2,
        "test": 0.8,
        "best": "a",
        "best_test": 0.9,
    }


def test_a_model_that_is_not_evaluated_is_not_chosen() -> None:
    chosen = facts({"switched_off": 1.0, "a": 0.7})
    assert chosen is not None
    assert chosen["model"] == "a"
    assert facts({}) is None


def test_the_notes_say_what_was_chosen_and_what_hindsight_would_have_chosen() -> None:
    summary = {"champion": facts({"a": 0.7, "b": 0.71}), "models": [{}, {}]}
    assert champion_notes(summary, "accuracy", format_percent, format_percent) == [
        "Champion, chosen by validation accuracy before any test data was read: b (71.0 %). On test: accuracy 80.0 %, rank "
        "2 of 2; best in hindsight: a with 90.0 %."
    ]
    summary = {"champion": facts({"a": 0.7}), "models": [{}, {}]}
    (note,) = champion_notes(summary, "accuracy", format_percent, format_percent)
    assert note.endswith("On test: accuracy 90.0 %, rank 1 of 2.")
    assert champion_notes({"champion": None, "models": []}, "accuracy", format_percent, format_percent) == [
        "No champion: no model has a validation score."
    ]


def test_a_combination_is_chosen_instead_of_a_better_score_and_the_notes_say_so() -> None:
    validation = Validation("valid_accuracy", {"a": 0.7, "b": 0.69}, True, combination="b")
    chosen = champion_facts(validation, RANKED, "accuracy")
    assert chosen is not None
    assert (chosen["model"], chosen["value"], chosen["leader"], chosen["leader_value"]) == (
        "b",
        0.69,
        "a",
        0.7,
    )
    summary = {"champion": chosen, "models": [{}, {}]}
    (note,) = champion_notes(summary, "accuracy", format_percent, format_percent)
    assert (
        "read: b (69.0 %), a combination that is not significantly worse than the best score, a (70.0 %). On"
        in note
    )


def test_only_the_champion_is_marked() -> None:
    champion = facts({"a": 0.7})
    assert [model_cell({"model": name}, champion) for name in "ab"] == ["a (champion)", "b"]
    assert model_cell({"model": "a"}, None) == "a"


def test_scores_come_from_the_model_folders(classify_inputs: SimpleNamespace, tmp_path: Path) -> None:
    trained = classify_inputs.trained_models
    moved = []
    for number, model in enumerate(trained.finished):
        folder = tmp_path / str(number)
        folder.mkdir()
        moved.append(dataclasses.replace(model, folder=folder))
        if model.name == "twin":
            selection.write_accuracy(folder, 0.25)
    found = read_validation(dataclasses.replace(trained, finished=moved), "valid_accuracy", True)
    assert found.scores == {"twin": pytest.approx(0.25)}
    assert found.of("twin") == {"valid_accuracy": 0.25}
    assert found.of("good") == {"valid_accuracy": None}
