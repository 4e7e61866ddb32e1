"""The schema of `params.yaml`: defaults, valid values, and the errors for mistakes."""

from __future__ import annotations

import re
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
    tree: dict[str, Any] = {last: value}
    for key in reversed(parents):
        tree = {key: tree}
    return tree


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("sketchez", 1, ["sketchez", "unknown key", "did you mean 'sketches'?"]),
        (
            "sketches.source",
            "nope",
            ["sketches.source", "'nope'", "choose one of quickdraw_sample, doodles, quickdraw"],
        ),
        ("sketches.doodles.train", "many", ["sketches.doodles.train", "'many'", "integer from 1 to 1000000"]),
        ("sketches.doodles.train", 0, ["sketches.doodles.train", "0", "integer from 1 to 1000000"]),
        ("sketches.doodles.train", 10**9, ["sketches.doodles.train", "integer from 1 to 1000000"]),
        ("sketches.doodles.train", True, ["sketches.doodles.train", "integer from 1 to 1000000"]),
        ("features.forecast.scale", 5e-324, ["features.forecast.scale", "number from 1e-09 to 1e+100"]),
        ("sketches.doodles.classes", [1], ["sketches.doodles.classes", "[1]", "all or list of text"]),
        ("sketches", 3, ["params.yaml: sketches", "3"]),
        ("features.forecast.valid_from", "2019-13-01", ["valid_from", "2019-13-01", "a date YYYY-MM-DD"]),
        ("features.classify.bucket_boundaries", [64, 32], ["features.classify", "ascending"]),
        ("quality.sketches.max_delta", 1e13, ["quality.sketches.max_delta", "<= 1000000000000.0"]),
        ("features.classify.bucket_boundaries", [10**9], ["bucket_boundaries", "100000", "1000000000"]),
        ("features.draw.bucket_boundaries", [*range(2, 99)], ["features.draw", "at most 64 numbers, not 97"]),
        ("training.classify.learning_rate", -1, ["learning_rate", "-1", "number > 0"]),
        ("training.forecast.momentum", 0.9, ["training.forecast", "optimizer: sgd"]),
        ("models.wach", {}, ["models.wach", "unknown key", "did you mean 'watch'?"]),
        ("features.watch.by", "points", ["features.watch.by", "'points'", "choose one of ink, time"]),
        ("features.watch.frames", 0, ["features.watch.frames", "integer from 1 to 256"]),
        ("training.watch.augment_shift", 2.0, ["training.watch.augment_shift", "number >= 0 and < 1"]),
        ("evaluation.watch.baseline", "gru", ["evaluation.watch.baseline", "'gru'", "null"]),
        ("features.draw.bucket_boundaries", [96, 64], ["features.draw", "ascending"]),
        ("training.draw.augment_rotation", 5.0, ["training.draw.augment_rotation", "unknown key"]),
        ("training.draw.augment_scale", 1.0, ["training.draw.augment_scale", "number >= 0 and < 1"]),
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
        (
            "evaluation.forecast.regimes",
            [{"name": "all", "first": "2019-01-01", "last": "2019-02-01"}],
            ["evaluation.forecast", "should not be named all"],
        ),
        ("series.csv.value_column", "a\nb", ["series.csv.value_column", r"'a\nb'", "U+000A"]),
        ("series.csv.extra_columns", ["a", "\u202eb"], ["series.csv.extra_columns.1", "U+202E"]),
        ("series.csv.unit", "x" * 201, ["series.csv.unit", "at most 200 bytes", "it has 201 bytes"]),
        ("features.forecast.targets", ["y", "\x1b[31m"], ["features.forecast.targets.1", "U+001B"]),
    ],
)
def test_a_mistake_gives_one_line_with_key_value_and_choices(path: str, value: Any, words: list[str]) -> None:
    values = nested(path, value)
    values.setdefault("models", {"classify": {"gru": {}}, "watch": {"conv3d": {}}})
    with pytest.raises(UserError) as caught:
        params.parse(values)
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("models:", "params.yaml: models: null is not valid, because DVC cannot read it; write `models: {}`"),
        (
            "models: {watch: }",
            "params.yaml: models.watch: null is not valid, because DVC cannot read it; write `watch: {}`",
        ),
    ],
)
def test_null_in_place_of_models_is_an_error_before_dvc_reads_it(
    text: str, line: str, tmp_path: Path
) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        params.load(tmp_path / "params.yaml")
    assert str(caught.value) == f"{line} for no models"


OFF = {"gru": {"enabled": False}}


@pytest.mark.parametrize("models", [{}, {"classify": {}}, {"classify": OFF, "forecast": OFF}], ids=str)
def test_a_file_without_an_enabled_model_is_an_error(models: dict[str, Any], tmp_path: Path) -> None:
    YAML().dump({"models": models}, tmp_path / "params.yaml")
    with pytest.raises(UserError) as caught:
        resolve.load(tmp_path / "params.yaml")
    expected = "params.yaml: models: no model of any task is enabled; set `enabled: true` for at least one"
    assert str(caught.value) == expected


@pytest.mark.parametrize("models", [{}, {"gru": {"enabled": False}}], ids=str)
def test_a_task_without_an_enabled_model_needs_no_baseline_and_no_judge(models: dict[str, Any]) -> None:
    values = {
        "models": {"classify": models, "draw": {}, "forecast": {"linear": {}}},
        "evaluation": {"classify": {"baseline": "logistic"}},
        "draw": {"judge": "logistic"},
    }
    settings = resolve.resolve(params.parse(values))
    assert [task for task in params.TASKS if settings.is_enabled(task)] == ["forecast"]


def test_a_baseline_may_be_switched_off() -> None:
    """The leaderboard then notes that there is no comparison with it."""
    values = {
        "models": {"classify": {"gru": {}, "logistic": {"enabled": False}}},
        "evaluation": {"classify": {"baseline": "logistic"}},
    }
    assert params.parse(values).evaluation.classify.baseline == "logistic"


def test_the_first_of_several_mistakes_names_the_others() -> None:
    with pytest.raises(UserError, match=r"also wrong: .*quickdraw\.cap\.test"):
        params.parse({"sketches": {"source": "x", "quickdraw": {"cap": {"test": 0}}}})


def test_yaml_1_2_numbers_and_words(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("training: {classify: {learning_rate: 1e-3}}")
    assert params.load(path).training.classify.learning_rate == 0.001
    path.write_text("models: {classify: {gru: {enabled: off}}}")
    with pytest.raises(UserError, match=r"true \| false"):
        params.load(path)


def test_keys_of_a_model_override_the_recipe_of_its_task() -> None:
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


def with_draw_model(**classify: Any) -> dict[str, Any]:
    """Params with one model of draw, and the models `classify`."""
    models = {"draw": {"class_decoder": {}}, "classify": classify}
    return {"models": models, "sketches": {"source": "quickdraw_raw"}}


@pytest.mark.parametrize(
    ("classify", "words"),
    [
        ({"gru": {}, "lstm": {"enabled": False}}, ["'conv_rnn' is not a model of classify", "allowed: gru"]),
        ({"gru": {}, "conv_rnn": {"enabled": False}}, ["'conv_rnn' is switched off", "allowed: gru"]),
        ({"conv_rnn": {"config": {"time": True}}}, ["'conv_rnn' reads time", "models of draw off"]),
    ],
)
def test_an_unusable_judge_is_an_error(classify: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        params.parse(with_draw_model(**classify))
    line = str(caught.value)
    assert "\n" not in line
    for word in ("draw.judge", *words):
        assert word in line
    off = with_draw_model(**classify)
    off["models"]["draw"]["class_decoder"] = {"enabled": False}
    assert params.parse(off).draw.judge == "conv_rnn", "no model draws"


def test_any_model_of_classify_may_be_the_judge() -> None:
    values = with_draw_model(logistic={}) | {"draw": {"judge": "logistic"}}
    assert params.parse(values).draw.judge == "logistic"
    with pytest.raises(UserError, match="temperatures should be strictly ascending"):
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


PARAMS_YAML = YAML(typ="safe").load(ROOT / "params.yaml")


@pytest.mark.parametrize("path", leaves(PARAMS_YAML), ids=".".join)
def test_deleting_a_leaf_of_params_yaml_changes_nothing(path: tuple[str, ...]) -> None:
    """All values in the repository's `params.yaml` are defaults, so deleting one changes nothing."""
    expected = resolve.resolve(params.parse(PARAMS_YAML)).model_dump()
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    del get(values, path[:-1])[path[-1]]
    assert resolve.resolve(params.parse(values)).model_dump() == expected


@pytest.mark.parametrize("path", [("features",), ("features", "forecast"), ("evaluation",), ("training",)])
def test_a_section_without_keys_has_its_defaults(path: tuple[str, ...]) -> None:
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    get(values, path[:-1])[path[-1]] = None
    assert resolve.resolve(params.parse(values)) == resolve.resolve(params.parse(PARAMS_YAML))


def test_a_deleted_leaf_has_its_default_and_the_others_are_kept() -> None:
    values = {"sketches": {"source": "quickdraw", "quickdraw": {"cap": {"train": 9, "valid": 8}}}}
    del values["sketches"]["quickdraw"]["cap"]["train"]
    cap = params.parse(values).sketches.quickdraw.cap
    assert (cap.train, cap.valid) == (2000, 8)


def test_the_default_of_a_section_has_the_defaults_of_its_keys() -> None:
    """Otherwise a section with one key would change the others."""

    def check(model: Any, location: str) -> None:
        for name, field in model.model_fields.items():
            annotation = field.annotation
            if isinstance(annotation, type) and issubclass(annotation, params.Strict):
                assert field.default == annotation(), f"{location}.{name}"
                check(annotation, f"{location}.{name}")

    check(params.Params, "params")


def test_params_yaml_is_short_and_names_every_architecture() -> None:
    """Those that are off by default are named in comments."""
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    for task in params.TASKS:
        off = set(registry.names(task)) - set(PARAMS_YAML["models"][task])
        assert set(PARAMS_YAML["models"][task]) <= set(registry.names(task))
        assert all(re.search(rf"^# .*\b{name}\b", text, re.MULTILINE) for name in off)


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
def test_the_error_for_a_renamed_key_has_the_new_name(path: str, new: str) -> None:
    with pytest.raises(UserError, match=f"this key was renamed to '{new}'"):
        resolve.resolve(params.parse(nested(path, 1)))


@pytest.mark.parametrize("key", ["device", "threads"])
def test_the_error_for_a_moved_key_has_the_new_path(key: str) -> None:
    with pytest.raises(UserError, match=rf"training\.{key}: unknown key .* this key moved to runtime\.{key}"):
        params.parse({"training": {key: 1}})


def test_a_training_on_several_devices_needs_a_strategy() -> None:
    with pytest.raises(UserError, match="runtime: strategy: none requires devices: 1"):
        params.parse({"runtime": {"strategy": "none", "devices": 2}})
    with pytest.raises(UserError, match="mixed_float16 requires devices: 1; several devices take mixed_bf"):
        params.parse({"runtime": {"precision": "mixed_float16", "devices": 2}})
    assert params.parse({"runtime": {"devices": "all"}}).runtime.devices == "all"
