"""Settings with the defaults of every architecture: which value wins, and what is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from strokecast import params
from strokecast.common.errors import UserError
from strokecast.models.common import registry, resolve


def resolved(**sections: Any) -> params.Params:
    return resolve.resolve(params.parse(sections))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "seasonal_naive_7: {seeds: [1], config: {season: 3}}",
            r"seasonal_naive_7\.config\.season: unknown key",
        ),
        ("seasonal_naive_9: {seeds: [1]}", "unknown architecture 'seasonal_naive_9'.*seasonal_naive_7"),
        ("linear: {enabled: false, config: {depth: 3}}", r"models\.forecast\.linear\.config\.depth"),
        ("gru: {config: {units: 0}}", r"models\.forecast\.gru\.config\.units: 0 "),
        ("gru: {training: {epochs: 0}}", r"models\.forecast\.gru\.training\.epochs: 0 "),
    ],
)
def test_every_config_and_recipe_is_checked(tmp_path: Path, entry: str, message: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(f"models:\n  forecast:\n    {entry}\n")
    with pytest.raises(UserError, match=message):
        resolve.load(path)


def test_the_config_of_every_architecture_is_complete() -> None:
    models: dict[str, Any] = {task: dict.fromkeys(registry.names(task)) for task in params.TASKS}
    settings = resolved(models=models)
    for task in params.TASKS:
        for name, entry in settings.entries(task).items():
            defaults = registry.config(task, name, {}).model_dump(mode="json")
            assert entry.config == defaults, name
            assert set(entry.training) == set(params.RECIPES[task].model_fields), name


def test_a_key_of_the_file_replaces_the_default_of_the_architecture() -> None:
    entry = resolved(models={"classify": {"gru": {"config": {"units": 5}}}}).entries("classify")["gru"]
    assert entry.config == registry.config("classify", "gru", {"units": 5}).model_dump(mode="json")


def test_the_recipe_comes_from_model_then_task_then_architecture_then_defaults() -> None:
    def epochs(**sections: Any) -> Any:
        sections = {"models": {"classify": {"conv_bilstm": {}}}} | sections
        return resolved(**sections).recipe("classify", "conv_bilstm").epochs

    default = registry.get("classify", "conv_bilstm").training["epochs"]
    assert default != params.ClassifyRecipe().epochs
    assert epochs() == default
    assert epochs(training={"classify": {"batch_size": 7}}) == default
    assert epochs(training={"classify": {"epochs": 33}}) == 33
    model = {"classify": {"conv_bilstm": {"training": {"epochs": 44}}}}
    assert epochs(training={"classify": {"epochs": 33}}, models=model) == 44


def test_a_task_key_that_equals_the_default_still_replaces_that_of_the_architecture() -> None:
    default = params.ClassifyRecipe().epochs
    settings = resolved(models={"classify": {"conv_bilstm": {}}}, training={"classify": {"epochs": default}})
    assert settings.recipe("classify", "conv_bilstm").epochs == default


@pytest.mark.parametrize(
    ("task", "name"), [("classify", "logistic"), ("forecast", "ridge"), ("forecast", "seasonal_naive_7")]
)
def test_a_recipe_without_a_network_has_defaults_in_keys_that_are_not_read(task: str, name: str) -> None:
    assert registry.get(task, name).kind != "network"
    models = {task: {name: {}}}
    settings = resolved(models=models, training={task: {"epochs": 3, "learning_rate": 0.5}})
    assert settings.entries(task)[name] == resolved(models=models).entries(task)[name]


def test_a_forecaster_without_a_network_reads_its_calibration_origins() -> None:
    settings = resolved(
        models={"forecast": {"ridge": {}}}, training={"forecast": {"epochs": 3, "calibration_origins": 11}}
    )
    expected = params.ForecastRecipe(calibration_origins=11).model_dump(mode="json")
    assert settings.entries("forecast")["ridge"].training == expected


def test_a_default_baseline_that_is_not_trained_is_none() -> None:
    settings = resolved(models={"classify": {"gru": {}}})
    assert settings.evaluation.classify.baseline is None
    baseline = params.ClassifyEvaluation().baseline
    assert resolved(models={"classify": {baseline: {}}}).evaluation.classify.baseline == baseline


def test_resolving_twice_changes_nothing() -> None:
    once = resolved(models={"classify": {"gru": {}, "logistic": {}}, "forecast": {"linear": {}}})
    assert resolve.resolve(once) == once
