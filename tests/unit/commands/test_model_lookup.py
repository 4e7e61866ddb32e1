"""Trained models are found by name and seed; forecasts also by combination."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strokecast.commands.model_lookup import find_champion, find_model_dir
from strokecast.common.errors import UserError


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
def test_a_combination_has_no_seed_and_is_listed_among_the_models() -> None:
    with pytest.raises(UserError, match="mix is the mean over all seeds of its members"):
        find_model_dir("forecast", "mix", 1)
    with pytest.raises(UserError, match="choose one of ridge, mix, champion"):
        find_model_dir("forecast", "other", None)
