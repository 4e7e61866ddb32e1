"""The settings of each stage: their files, what changes them, and what `read_stage` returns."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from strokecast import params
from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.common.paths import SETTINGS
from strokecast.models.common import resolve
from strokecast.params.stages import is_skipped, read_stage, write_stages

ROOT = Path(__file__).resolve().parents[3]

Write = Callable[[dict[str, Any]], dict[str, Any]]


def read_params_yaml() -> dict[str, Any]:
    values: dict[str, Any] = YAML(typ="safe").load(ROOT / "params.yaml")
    return values


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Function that writes the files for some values of params.yaml and returns them: stage → contents."""
    numbers = count()

    def write_values(values: dict[str, Any]) -> dict[str, Any]:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        write_stages(folder, resolve.resolve(params.parse(values)))
        paths = folder.rglob("*.json")
        return {path.relative_to(folder).with_suffix("").as_posix(): files.read_json(path) for path in paths}

    return write_values


def dependencies(values: dict[str, Any]) -> set[str]:
    """The settings files, without folder and suffix, that the stages of dvc.yaml depend on."""
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    names = set()
    for stage in stages.values():
        items: Any = [""]
        if "foreach" in stage:
            items = stage["foreach"]
            if isinstance(items, str):  # "${models.classify}"
                items = values
                for key in stage["foreach"].strip("${}").split("."):
                    items = items.get(key, {})  # as in `vars` of dvc.yaml
        for dep in stage.get("do", stage).get("deps", []):
            if not dep.startswith(f"{SETTINGS}/"):
                continue
            name = dep.removeprefix(f"{SETTINGS}/").removesuffix(".json")
            for item in items:
                names.add(name.replace("${item}", str(item)).replace("${key}", str(item)))
    return names


def test_the_files_are_those_that_dvc_yaml_depends_on(write: Write) -> None:
    values = read_params_yaml()
    assert set(write(values)) - {"runtime"} == dependencies(values)
    values["distil"] = {"watch": {"teacher": "two_stream", "student": "cnn_rnn"}}
    assert set(write(values)) - {"runtime"} == dependencies(values) >= {"train-watch/distil"}


def change_model(values: dict[str, Any], task: str, name: str, **config: Any) -> dict[str, Any]:
    values["models"][task][name] = {**(values["models"][task][name] or {}), "config": config}
    return values


@pytest.mark.parametrize(
    ("task", "name", "config", "changed"),
    [
        ("classify", "gru", {"units": 5}, {"train-classify/gru", "evaluate-classify", "judge"}),
        ("watch", "frame_average", {"features": 5}, {"train-watch/frame_average", "evaluate-watch"}),
        ("forecast", "gru", {"units": 5}, {"train-forecast/gru", "evaluate-forecast"}),
    ],
)
def test_a_changed_config_changes_only_the_files_of_stages_that_read_it(
    write: Write, task: str, name: str, config: dict[str, Any], changed: set[str]
) -> None:
    before = write(read_params_yaml())
    after = write(change_model(read_params_yaml(), task, name, **config))
    assert {stage for stage in before if before[stage] != after[stage]} == changed


def test_a_key_at_its_default_changes_no_file(write: Write) -> None:
    before = write(read_params_yaml())
    values = read_params_yaml()
    values.setdefault("features", {}).setdefault("forecast", {})["embargo"] = (
        params.ForecastFeatures().embargo
    )
    values.setdefault("quality", {}).setdefault("sketches", {})["max_quarantined"] = (
        params.SketchQuality().max_quarantined
    )
    units = before["train-classify/gru"]["models"]["classify"]["gru"]["config"]["units"]
    assert write(change_model(values, "classify", "gru", units=units)) == before


def test_settings_of_a_source_that_is_not_used_change_no_file(write: Write) -> None:
    before = write(read_params_yaml())
    values = read_params_yaml()
    unused = "quickdraw" if values["sketches"]["source"] != "quickdraw" else "doodles"
    values["sketches"][unused] = {"classes": ["cat", "moon"]}
    assert write(values) == before


@pytest.mark.parametrize(
    ("key", "value", "reruns"),
    [
        ("precision", "mixed_bfloat16", True),
        ("tf32", False, True),
        ("devices", 2, True),
        ("memory_growth", False, False),
        ("worker_timeout", 7, False),
    ],
)
def test_only_runtime_keys_that_change_numbers_change_the_files_of_trainings(
    write: Write, tmp_path: Path, key: str, value: object, reruns: bool
) -> None:
    before, after = write(read_params_yaml()), write({**read_params_yaml(), "runtime": {key: value}})
    changed = {stage for stage in before if before[stage] != after[stage]}
    trainings = {stage for stage in before if stage.startswith("train-")}
    assert changed == (trainings if reruns else {"runtime"})
    assert getattr(read_stage("train-classify/gru", tmp_path / "1").runtime, key) == value


def test_a_stage_reads_what_it_depends_on_and_nothing_else(tmp_path: Path) -> None:
    settings = resolve.resolve(params.parse(read_params_yaml()))
    write_stages(tmp_path, settings)
    training = read_stage("train-classify/gru", tmp_path)
    assert training.entries("classify") == {"gru": settings.entries("classify")["gru"]}
    assert training.recipe("classify", "gru") == settings.recipe("classify", "gru")
    assert training.runtime == settings.runtime
    for section in ("sketches", "series", "quality", "features", "evaluation", "draw", "preprocess"):
        with pytest.raises(AttributeError):
            getattr(training, section)
    with pytest.raises(AttributeError):
        training.entries("watch")

    evaluation = read_stage("evaluate-watch", tmp_path)
    assert evaluation.evaluation.watch == settings.evaluation.watch
    with pytest.raises(AttributeError):
        _ = evaluation.evaluation.classify

    preprocess = read_stage("preprocess-forecast", tmp_path)
    assert preprocess.features.forecast == settings.features.forecast
    with pytest.raises(AttributeError):
        _ = preprocess.features.classify


def test_a_missing_file_is_reported_with_what_writes_it(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read_stage("judge", tmp_path)
    expected = f"{tmp_path}/judge.json: no such file; run `dvc repro`, whose stage `params` writes it from params.yaml"
    assert str(caught.value) == expected


def test_the_settings_of_a_task_without_enabled_models_skip_it(tmp_path: Path) -> None:
    values = read_params_yaml()
    values["models"]["watch"] = {}
    values["models"]["forecast"] = {"linear": {"enabled": False}}
    write_stages(tmp_path, resolve.resolve(params.parse(values)))
    for stage in ("preprocess-watch", "preprocess-forecast", "validate-series"):
        assert is_skipped(read_stage(stage, tmp_path)), stage
    for stage in ("preprocess-classify", "preprocess-draw"):
        assert not is_skipped(read_stage(stage, tmp_path)), stage
    assert files.read_json(tmp_path / "preprocess-watch.json") == {"models": {"watch": {}}}


@pytest.mark.parametrize("refits", [{"refit_every": 30}, {"refit_every_by_model": {"gru": 30}}])
def test_an_evaluation_that_refits_reads_what_the_trainings_read(
    tmp_path: Path, refits: dict[str, Any]
) -> None:
    values = read_params_yaml()
    values["evaluation"]["forecast"] |= refits
    settings = resolve.resolve(params.parse(values))
    write_stages(tmp_path, settings)
    evaluation = read_stage("evaluate-forecast", tmp_path)
    assert evaluation.features.forecast == settings.features.forecast
    assert evaluation.runtime == settings.runtime
    assert evaluation.recipe("forecast", "gru") == settings.recipe("forecast", "gru")
