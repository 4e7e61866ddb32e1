"""`TrainingJob`: where its model lies, what its resume key depends on, what config.json holds."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from strokecast.common.errors import UserError
from strokecast.params import ForecastRecipe
from strokecast.training.job import TrainingJob

DIGEST = "d" * 64


def make(seed: int = 1, digest: str = DIGEST, name: str = "gru", **config: Any) -> TrainingJob:
    return TrainingJob.create("forecast", name, seed, config, ForecastRecipe(epochs=3), digest)


def test_every_seed_has_a_folder_and_a_label() -> None:
    assert make(seed=1).model_dir == Path("models/forecast/gru/seed-1")
    assert make(seed=12).model_dir == Path("models/forecast/gru/seed-12")
    assert make(seed=12).label == "gru-seed12"
    assert make().location == "models.forecast.gru"


def test_equal_jobs_have_equal_resume_keys() -> None:
    assert make() == make()
    assert make().resume_key == make().resume_key
    assert len(make().resume_key) == 32
    assert int(make().resume_key, 16) > 0


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"data_digest": "e" * 64},
        {"code_digest": "other code"},
        {"recipe": ForecastRecipe(epochs=4)},
        {"config": make(units=9).config},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_field_changes_the_resume_key(change: dict[str, Any]) -> None:
    assert dataclasses.replace(make(), **change).resume_key != make().resume_key


def test_a_config_with_defaults_written_out_has_the_same_key() -> None:
    written = make().config.model_dump()
    assert make(**written).resume_key == make().resume_key


def test_json_holds_the_whole_config_and_recipe() -> None:
    stored = json.loads(json.dumps(make(units=9).to_json()))
    assert {key: stored[key] for key in ("task", "name", "seed")} == {
        "task": "forecast",
        "name": "gru",
        "seed": 1,
    }
    assert stored["config"]["units"] == 9
    assert stored["config"].keys() == make().config.model_dump().keys()
    assert stored["training"] == ForecastRecipe(epochs=3).model_dump(mode="json")


def test_a_model_without_a_network_stores_no_recipe() -> None:
    assert make(name="seasonal_naive_7").to_json()["training"] is None


def test_a_config_that_is_not_valid_is_an_error() -> None:
    with pytest.raises(UserError, match=r"models\.forecast\.gru\.config\.unit"):
        make(unit=9)
    with pytest.raises(UserError, match="unknown architecture 'nope'"):
        make(name="nope")
