"""`params.yaml`: what is allowed, and what a mistake is answered with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from strokecast import params
from strokecast.commands import params as schema
from strokecast.common.errors import UserError
from strokecast.models.common import registry

ROOT = Path(__file__).resolve().parents[3]


def nested(path: str, value: Any) -> dict[str, Any]:
    *parents, last = path.split(".")
    found: dict[str, Any] = {last: value}
    for key in reversed(parents):
        found = {key: found}
    return found


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("sketchez", 1, ["sketchez", "unknown key", "did you mean 'sketches'?"]),
        ("sketches.source", "nope", ["sketches.source", "'nope'", "doodles | quickdraw"]),
        ("sketches.doodles.train", "many", ["sketches.doodles.train", "'many'", "integer >= 1"]),
        ("sketches.doodles.train", 0, ["sketches.doodles.train", "0 will not do", "integer >= 1"]),
        ("sketches.doodles.train", True, ["sketches.doodles.train", "integer >= 1"]),
        ("sketches.doodles.classes", [1], ["sketches.doodles.classes", "[1]", "all or list of text"]),
        ("sketches", None, ["params.yaml: sketches", "None"]),
        ("features.forecast.valid_from", "2019-13-01", ["valid_from", "2019-13-01", "a date YYYY-MM-DD"]),
        ("features.classify.bounds", [64, 32], ["features.classify", "rise"]),
        ("training.classify.learning_rate", -1, ["learning_rate", "-1", "number > 0"]),
        ("training.forecast.momentum", 0.9, ["training.forecast", "optimizer: sgd"]),
        ("models.wach", {}, ["models.wach", "unknown key", "did you mean 'watch'?"]),
        ("features.watch.by", "points", ["features.watch.by", "'points'", "ink | time"]),
        ("features.watch.frames", 0, ["features.watch.frames", "integer >= 1"]),
        ("training.watch.augment_shift", 2.0, ["training.watch.augment_shift", "number >= 0 < 1"]),
        ("evaluation.watch.baseline", "gru", ["evaluation.watch.baseline", "'gru'", "null"]),
        ("features.draw.bounds", [96, 64], ["features.draw", "rise"]),
        ("training.draw.augment_rotation", 5.0, ["training.draw.augment_rotation", "unknown key"]),
        ("training.draw.augment_scale", 1.0, ["training.draw.augment_scale", "number >= 0 < 1"]),
        ("models.classify.gru", None, ["models.classify.gru", "None"]),
        ("models.classify.gru.enabeld", False, ["enabeld", "did you mean 'enabled'?"]),
        ("models.classify.gru.seeds", [1, 1], ["models.classify.gru", "distinct"]),
        ("models.classify.gru.training.epoch", 3, ["models.classify.gru.training.epoch", "'epochs'"]),
        ("evaluation.classify.baseline", "lgistic", ["evaluation.classify.baseline", "'lgistic'", "null"]),
        (
            "evaluation.forecast.regimes",
            [{"name": "a", "first": "2019-01-01"}],
            ["regimes.0.last", "is missing"],
        ),
    ],
)
def test_a_mistake_gets_one_line_with_key_value_and_choices(path: str, value: Any, words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        params.parse(nested(path, value))
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line


def test_several_mistakes_name_the_others() -> None:
    with pytest.raises(UserError, match=r"also wrong: .*quickdraw\.cap\.test"):
        params.parse({"sketches": {"source": "x", "quickdraw": {"cap": {"test": 0}}}})


def test_the_file_itself(tmp_path: Path) -> None:
    for text, word in (
        ("a: [", "YAML"),
        ("a: 1\na: 2", "YAML"),
        ("- 1", "keys and values"),
        ("", "keys and values"),
    ):
        path = tmp_path / "params.yaml"
        path.write_text(text)
        with pytest.raises(UserError, match=word):
            params.load(path)
    with pytest.raises(UserError, match="no such file"):
        params.load(tmp_path / "absent.yaml")


def test_numbers_and_words_are_read_as_dvc_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("training: {classify: {learning_rate: 1e-3}}")
    assert params.load(path).training.classify.learning_rate == 0.001
    path.write_text("models: {classify: {gru: {enabled: off}}}")
    with pytest.raises(UserError, match=r"true \| false"):
        params.load(path)


def test_a_models_recipe_is_its_tasks_with_its_own_keys_on_top() -> None:
    settings = params.parse(
        {
            "training": {"classify": {"epochs": 7, "batch_size": 5}},
            "models": {"classify": {"gru": {"training": {"epochs": 9}}}},
        }
    )
    recipe = settings.recipe("classify", "gru")
    assert (recipe.epochs, recipe.batch_size) == (9, 5)


def test_params_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        params.parse({}).sketches.doodles.train = 3  # type: ignore[misc]


def test_the_projects_own_file_is_whole_and_right() -> None:
    settings = params.load(ROOT / "params.yaml")
    schema.check(settings)
    written = YAML(typ="safe").load(ROOT / "params.yaml")

    def keys(values: Any, model: Any) -> None:
        for name, field in model.model_fields.items():
            assert name in values, f"params.yaml lacks {name}"
            if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
                if field.annotation is params.Models:
                    continue
                keys(values[name], field.annotation)

    keys(written, params.Params)
    for task in params.TASKS:
        assert set(written["models"][task]) == set(registry.names(task)), "every architecture has an entry"


def test_every_key_of_the_schema_is_explained() -> None:
    text = schema.render()
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#") and not line.endswith("config:"):
            assert "  # " in line, line
            assert not line.endswith("None"), f"no description: {line}"
    assert "models.classify.gru.config:" in text


def test_schema_check_names_the_choices() -> None:
    with pytest.raises(UserError, match=r"models\.classify\.nope.*allowed: .*gru"):
        schema.check(params.parse({"models": {"classify": {"nope": {}}}}))
    with pytest.raises(UserError, match=r"models\.classify\.gru\.config\.unit.*units"):
        schema.check(params.parse({"models": {"classify": {"gru": {"config": {"unit": 3}}}}}))


def drawing(**classify: Any) -> dict[str, Any]:
    """Params with one model of draw, and these models of classify."""
    return {"models": {"draw": {"class_decoder": {}}, "classify": classify}}


@pytest.mark.parametrize(
    ("classify", "words"),
    [
        ({"gru": {}, "lstm": {"enabled": False}}, ["'conv_rnn' is no model of classify", "allowed: gru"]),
        ({"gru": {}, "conv_rnn": {"enabled": False}}, ["'conv_rnn' is switched off", "allowed: gru"]),
        ({"conv_rnn": {"config": {"time": True}}}, ["'conv_rnn' reads time", "models of draw off"]),
    ],
)
def test_a_referee_that_will_not_do_is_told_before_anything_runs(
    classify: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(UserError) as caught:
        params.parse(drawing(**classify))
    line = str(caught.value)
    assert "\n" not in line
    for word in ("draw.referee", *words):
        assert word in line
    off = drawing(**classify)
    off["models"]["draw"]["class_decoder"] = {"enabled": False}
    assert params.parse(off).draw.referee == "conv_rnn", "nobody is judged"


def test_a_referee_may_be_any_model_of_classify() -> None:
    values = drawing(logistic={}) | {"draw": {"referee": "logistic"}}
    assert params.parse(values).draw.referee == "logistic"
    with pytest.raises(UserError, match="ladder should rise strictly"):
        params.parse({"evaluation": {"draw": {"ladder": [1.0, 0.5]}}})
