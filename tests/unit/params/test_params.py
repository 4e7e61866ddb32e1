"""The schema of `params.yaml`: what is allowed, and what a mistake is answered with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from strokecast import params
from strokecast.common.errors import UserError
from strokecast.models.common import registry, resolve

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
        ("sketches.doodles.train", 0, ["sketches.doodles.train", "0", "integer >= 1"]),
        ("sketches.doodles.train", True, ["sketches.doodles.train", "integer >= 1"]),
        ("sketches.doodles.classes", [1], ["sketches.doodles.classes", "[1]", "all or list of text"]),
        ("sketches", 3, ["params.yaml: sketches", "3"]),
        ("features.forecast.valid_from", "2019-13-01", ["valid_from", "2019-13-01", "a date YYYY-MM-DD"]),
        ("features.classify.bucket_boundaries", [64, 32], ["features.classify", "rise"]),
        ("training.classify.learning_rate", -1, ["learning_rate", "-1", "number > 0"]),
        ("training.forecast.momentum", 0.9, ["training.forecast", "optimizer: sgd"]),
        ("models.wach", {}, ["models.wach", "unknown key", "did you mean 'watch'?"]),
        ("features.watch.by", "points", ["features.watch.by", "'points'", "ink | time"]),
        ("features.watch.frames", 0, ["features.watch.frames", "integer >= 1"]),
        ("training.watch.augment_shift", 2.0, ["training.watch.augment_shift", "number >= 0 < 1"]),
        ("evaluation.watch.baseline", "gru", ["evaluation.watch.baseline", "'gru'", "null"]),
        ("features.draw.bucket_boundaries", [96, 64], ["features.draw", "rise"]),
        ("training.draw.augment_rotation", 5.0, ["training.draw.augment_rotation", "unknown key"]),
        ("training.draw.augment_scale", 1.0, ["training.draw.augment_scale", "number >= 0 < 1"]),
        ("models.classify.gru", 3, ["models.classify.gru", "3"]),
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


def drawing(**classify: Any) -> dict[str, Any]:
    """Params with one model of draw, and these models of classify."""
    return {"models": {"draw": {"class_decoder": {}}, "classify": classify}}


@pytest.mark.parametrize(
    ("classify", "words"),
    [
        ({"gru": {}, "lstm": {"enabled": False}}, ["'conv_rnn' is not a model of classify", "allowed: gru"]),
        ({"gru": {}, "conv_rnn": {"enabled": False}}, ["'conv_rnn' is switched off", "allowed: gru"]),
        ({"conv_rnn": {"config": {"time": True}}}, ["'conv_rnn' reads time", "models of draw off"]),
    ],
)
def test_a_judge_that_will_not_do_is_told_before_anything_runs(
    classify: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(UserError) as caught:
        params.parse(drawing(**classify))
    line = str(caught.value)
    assert "\n" not in line
    for word in ("draw.judge", *words):
        assert word in line
    off = drawing(**classify)
    off["models"]["draw"]["class_decoder"] = {"enabled": False}
    assert params.parse(off).draw.judge == "conv_rnn", "nobody is judged"


def test_a_judge_may_be_any_model_of_classify() -> None:
    values = drawing(logistic={}) | {"draw": {"judge": "logistic"}}
    assert params.parse(values).draw.judge == "logistic"
    with pytest.raises(UserError, match="temperatures should rise strictly"):
        params.parse({"evaluation": {"draw": {"temperatures": [1.0, 0.5]}}})


def leaves(values: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Key paths of everything in `values` that is not a mapping."""
    if not isinstance(values, dict):
        return [path]
    return [leaf for key, value in values.items() for leaf in leaves(value, (*path, key))]


def get(values: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        values = values[key]
    return values


OWN = YAML(typ="safe").load(ROOT / "params.yaml")


@pytest.mark.parametrize("path", leaves(OWN), ids=".".join)
def test_deleting_a_leaf_changes_nothing_but_its_value(path: tuple[str, ...]) -> None:
    """What the file holds is the default already, so that deleting it changes nothing at all."""
    whole = resolve.resolve(params.parse(OWN)).model_dump()
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    del get(values, path[:-1])[path[-1]]
    assert resolve.resolve(params.parse(values)).model_dump() == whole


@pytest.mark.parametrize("path", [("features",), ("features", "forecast"), ("evaluation",), ("training",)])
def test_a_section_without_keys_has_its_defaults(path: tuple[str, ...]) -> None:
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    get(values, path[:-1])[path[-1]] = None
    assert resolve.resolve(params.parse(values)) == resolve.resolve(params.parse(OWN))


def test_a_deleted_leaf_returns_to_its_default_and_leaves_the_others() -> None:
    values = {"sketches": {"source": "quickdraw", "quickdraw": {"cap": {"train": 9, "valid": 8}}}}
    del values["sketches"]["quickdraw"]["cap"]["train"]
    cap = params.parse(values).sketches.quickdraw.cap
    assert (cap.train, cap.valid) == (2000, 8)


def test_defaults_of_sections_are_those_of_their_models() -> None:
    """Else a section that names one key would change the others."""

    def check(model: Any, location: str) -> None:
        for name, field in model.model_fields.items():
            annotation = field.annotation
            if isinstance(annotation, type) and issubclass(annotation, params.Strict):
                assert field.default == annotation(), f"{location}.{name}"
                check(annotation, f"{location}.{name}")

    check(params.Params, "params")


def test_the_own_file_is_short_and_names_every_architecture() -> None:
    assert len((ROOT / "params.yaml").read_text(encoding="utf-8").splitlines()) <= 120
    for task in params.TASKS:
        assert set(OWN["models"][task]) == set(registry.names(task))


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("training.forecast.best_by", "monitor"),
        ("training.classify.clip_norm", "global_clipnorm"),
        ("training.watch.clip_value", "clipvalue"),
        ("training.classify.batch_tokens", "max_tokens_per_batch"),
        ("training.draw.average", "weight_averaging"),
        ("models.classify.gru.training.average", "weight_averaging"),
        ("features.classify.bounds", "bucket_boundaries"),
        ("features.forecast.window", "input_size"),
        ("features.forecast.covariates", "past_covariates"),
        ("features.forecast.country", "holiday_country"),
        ("features.forecast.holiday_days", "holiday_window"),
        ("evaluation.draw.ladder", "temperatures"),
        ("evaluation.forecast.step", "step_size"),
        ("evaluation.forecast.origins", "max_origins"),
        ("evaluation.forecast.block", "block_days"),
        ("draw.referee", "judge"),
        ("models.classify.conv_rnn.config.columns", "ensemble_size"),
        ("models.classify.transformer.config.size", "d_model"),
        ("models.forecast.mstl.config.history", "max_history_days"),
    ],
)
def test_a_renamed_key_is_answered_with_its_new_name(path: str, new: str) -> None:
    with pytest.raises(UserError, match=f"its name is '{new}' now"):
        resolve.resolve(params.parse(nested(path, 1)))


def test_the_first_of_model_task_and_architecture_that_names_a_key_decides() -> None:
    def recipe(**values: Any) -> Any:
        values = {"models": {"classify": {"conv_bilstm": {}}}} | values
        return resolve.resolve(params.parse(values)).recipe("classify", "conv_bilstm")

    declared = registry.get("classify", "conv_bilstm").training["epochs"]
    assert declared != params.ClassifyRecipe().epochs
    assert recipe().epochs == declared
    assert recipe(training={"classify": {"epochs": 33}}).epochs == 33
    own = {"classify": {"conv_bilstm": {"training": {"epochs": 44}}}}
    assert recipe(training={"classify": {"epochs": 33}}, models=own).epochs == 44


def test_a_default_baseline_that_is_not_trained_is_none() -> None:
    settings = resolve.resolve(params.parse({"models": {"classify": {"gru": {}}}}))
    assert settings.evaluation.classify.baseline is None


def test_a_date_without_quotes_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("features: {forecast: {valid_from: 2018-09-01}}\n")
    with pytest.raises(
        UserError,
        match=r'features\.forecast\.valid_from: 2018-09-01 is a date without quotes.*write "2018-09-01"',
    ):
        params.load(path)
    path.write_text('features: {forecast: {valid_from: "2018-09-01"}}\n')
    assert params.load(path).features.forecast.valid_from == "2018-09-01"
