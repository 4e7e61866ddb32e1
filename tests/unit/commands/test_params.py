"""`strokecast params`: what it prints, and the JSON schema for editors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from strokecast import params
from strokecast.commands import params as printing
from strokecast.common.errors import UserError
from strokecast.models.common import resolve

ROOT = Path(__file__).resolve().parents[3]


def test_every_key_of_the_schema_has_a_description() -> None:
    text = printing.describe()
    for line in text.splitlines():
        if line.strip() and not line.startswith(("#", "models.")) and ":" in line and "  # " not in line:
            assert line.strip().split(":")[0] in params.ClassifyRecipe.model_fields or "epochs" in line, line
        assert not line.endswith("None"), f"no description: {line}"
    assert "models.classify.gru.config:" in text


def test_the_keys_of_one_section() -> None:
    text = printing.describe("training.classify")
    assert "epochs: 12  # integer from 1 to 100000" in text
    assert "watch" not in text
    assert "units:" in printing.describe("models.classify.gru")
    assert printing.describe("training.classify.epochs").count("\n") == 3
    assert printing.describe("models.classify.gru.seeds").startswith("models.classify.gru:\n  seeds: [1]  # ")
    assert printing.describe("models.classify.gru.config.units").count("\n") == 2
    assert "  units: " in printing.describe("models.classify.gru.config")
    assert "  epochs: " in printing.describe("models.classify.gru.training")
    models = printing.describe("models.forecast")
    assert "    <name>:  # one of auto_arima, " in models
    assert "      enabled: true  # " in models
    combinations = printing.describe("evaluation.forecast")
    assert "weighted_best_5: {members: all, top: 5, weights: nnls}}  # " in combinations
    assert "weights: equal  # equal | inverse_error | nnls; " in combinations
    for section, choices in (
        ("trainin", "training"),
        ("training.clasify", "classify"),
        ("models.classify.nope", "gru"),
        ("models.classify.nope.config", "gru"),
        ("models.classify.gru.nope", "enabled, seeds, config, training"),
        ("models.classify.gru.config.nope", "units"),
    ):
        with pytest.raises(UserError, match=choices):
            printing.describe(section)


def test_the_values_in_effect() -> None:
    settings = resolve.resolve(params.parse({"models": {"classify": {"gru": {}}}}))
    tree = YAML(typ="safe").load(printing.values(settings, "models.classify.gru"))
    entry = tree["models"]["classify"]["gru"]
    assert entry["seeds"] == [1]
    assert "units" in entry["config"]
    assert "epochs" in entry["training"]
    with pytest.raises(UserError, match=r"models\.classify\.nope"):
        printing.values(settings, "models.classify.nope")


def test_params_schema_json_is_current() -> None:
    stored = (ROOT / "params.schema.json").read_text(encoding="utf-8")
    assert stored == printing.json_schema_text(), "run `strokecast params --json-schema > params.schema.json`"
    first = (ROOT / "params.yaml").read_text(encoding="utf-8").split("\n")[0]
    assert first == "# yaml-language-server: $schema=params.schema.json"


def test_the_json_schema_accepts_params_yaml_and_rejects_mistakes() -> None:
    jsonschema = pytest.importorskip(
        "jsonschema", reason="the schema is checked with jsonschema, which MLflow depends on"
    )
    schema = json.loads((ROOT / "params.schema.json").read_text(encoding="utf-8"))
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    validator = jsonschema.Draft7Validator(schema)
    assert list(validator.iter_errors(values)) == []
    for change in (
        {"sketchez": {}},
        {"training": {"classify": {"epochs": 0}}},
        {"models": {"classify": {"nope": {}}}},
        {"models": {"classify": {"gru": {"config": {"unit": 3}}}}},
        {"models": {"classify": {"gru": {"training": {"epoch": 3}}}}},
    ):
        assert list(validator.iter_errors(change)), change
