"""Every preset of benchmarks/ gives a params.yaml that is allowed, with models that can be built from it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from ruamel.yaml import YAML

from strokecast import params
from strokecast.models.common import registry

ROOT = Path(__file__).resolve().parents[3]
PRESETS = ("auckland", "births", "cta", "zoo")


def script() -> ModuleType:
    told = importlib.util.spec_from_file_location("preset", ROOT / "benchmarks" / "preset.py")
    assert told is not None
    assert told.loader is not None
    module = importlib.util.module_from_spec(told)
    told.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", PRESETS)
def test_every_part_is_allowed(name: str, tmp_path: Path) -> None:
    preset = script()
    told = preset.read(ROOT / "benchmarks" / f"{name}.yaml")
    assert told["parts"]
    for part in told["parts"]:
        whole = preset.settings(told, part, preset.read(ROOT / "params.yaml"))
        path = tmp_path / f"{part}.yaml"
        YAML(typ="safe", pure=True).dump(whole, path)
        settings = params.load(path)
        assert settings.features.forecast.holiday_days == whole["features"]["forecast"]["holiday_days"]
        for task in whole["models"]:
            for model, entry in settings.entries(task).items():
                assert entry.config == whole["models"][task][model]["config"]
                registry.config(task, model, entry.config)
                settings.recipe(task, model)


def test_a_part_lies_over_all_and_models_are_replaced() -> None:
    lay = script().laid_over
    base = {"a": {"b": 1, "c": 2}, "models": {"forecast": {"gru": {}}, "draw": {"x": {}}}}
    over = {"a": {"b": 3}, "models": {"forecast": {"linear": {}}}}
    assert lay(base, over) == {
        "a": {"b": 3, "c": 2},
        "models": {"forecast": {"linear": {}}, "draw": {"x": {}}},
    }
    assert base["a"] == {"b": 1, "c": 2}
