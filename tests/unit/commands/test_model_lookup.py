"""Trained models are found by name and seed; forecasts also by combination."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strokecast.commands.model_lookup import find, find_champion, find_model_dir
from strokecast.common.errors import UserError
from strokecast.tracking import registry


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trained ridge and the combination `mix`, which is the champion."""
    for path, contents in {
        "models/forecast/ridge/seed-1/config.json": {"seed": 1},
        "reports/forecast/combinations/mix/combination.json": {},
        "reports/forecast/summary.json": {"champion": {"model": "mix"}},
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(json.dumps(contents))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("project")
def test_the_champion_may_be_a_combination() -> None:
    assert find_model_dir("forecast", find_champion("forecast"), None) == Path(
        "reports/forecast/combinations/mix"
    )
    assert find_model_dir("forecast", "ridge", None) == Path("models/forecast/ridge/seed-1")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("nbeatsx", "set `nbeatsx: {enabled: true}` in models.forecast of params.yaml and run"),
        ("champin", "did you mean 'champion'?"),
    ],
)
def test_an_architecture_without_training_is_told_from_a_typing_error(name: str, fix: str) -> None:
    with pytest.raises(
        UserError, match=f"no trained model '{name}'; choose one of ridge, mix, champion; .*"
    ) as caught:
        find_model_dir("forecast", name, None)
    assert fix in str(caught.value)


@pytest.mark.usefixtures("project")
def test_a_combination_has_no_seed_and_is_listed_among_the_models() -> None:
    with pytest.raises(UserError, match="mix is the mean over all seeds of its members"):
        find_model_dir("forecast", "mix", 1)
    with pytest.raises(UserError, match="choose one of ridge, mix, champion"):
        find_model_dir("forecast", "other", None)


@pytest.fixture
def registered(project: Path, monkeypatch: pytest.MonkeyPatch) -> registry.RegisteredVersion:
    """The registered champion of forecast: ridge with seed 1, whose training has the id `a`."""
    tags = {"strokecast.model": "ridge", "strokecast.seed": "1", "strokecast.training_id": "a"}
    version = registry.RegisteredVersion("forecast", 3, project / "version", 0, tags)
    monkeypatch.setattr(registry, "champion", lambda task: version if task == "forecast" else None)
    return version


@pytest.mark.parametrize("training_id", ["a", "b", None])
def test_the_registered_champion_comes_first(
    registered: registry.RegisteredVersion, training_id: str | None
) -> None:
    folder = Path("models/forecast/ridge/seed-1")
    if training_id is not None:  # the training is the registered one, or has been repeated
        (folder / "run.json").write_text(json.dumps({"training_id": training_id}))
    found = find("forecast", "champion", None)
    assert (found.name, found.label) == (
        "ridge",
        "ridge-seed1 (version 3), the registered champion of forecast",
    )
    is_copy = training_id != "a"
    assert (found.is_copy, found.folder) == (is_copy, registered.model_dir if is_copy else folder)
    assert find("forecast", "champion", 1) == found
    with pytest.raises(UserError, match="the registered champion of forecast is ridge-seed1"):
        find("forecast", "champion", 2)
    assert find("forecast", "mix", None).label == "mix"


@pytest.mark.usefixtures("project")
def test_without_a_registered_champion_validation_chooses() -> None:
    found = find("forecast", "champion", None)
    assert (found.name, found.label, found.is_copy) == (
        "mix",
        "mix (the champion of reports/forecast)",
        False,
    )
