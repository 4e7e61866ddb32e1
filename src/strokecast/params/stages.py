"""The settings of each DVC stage: the part of `params.yaml` that it reads, with all defaults filled in.

The stage `params` writes one file per stage to `data/params/`, and each stage depends only on its file. So an edit of
`params.yaml` reruns the stages whose settings it changes; adding or deleting a key at its default reruns none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.common.paths import SETTINGS
from strokecast.params.base import DATASETS, TASKS
from strokecast.params.distil import DISTIL
from strokecast.params.runtime import WITHOUT_RERUN, Runtime
from strokecast.params.schema import Params
from strokecast.params.training import Recipe

_TRAINING = (
    *(f"runtime.{key}" for key in Runtime.model_fields if key not in WITHOUT_RERUN),
    "training.on_failure",
)
_RUNTIME = "runtime.json"  # the keys of `WITHOUT_RERUN`; no stage depends on it


def stages(params: Params) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each stage's name and the dotted key paths of the settings that it reads."""
    for dataset in DATASETS:
        source = getattr(params, dataset).source
        yield f"download-{dataset}", (f"{dataset}.source", f"{dataset}.{source}")
    yield "validate-sketches", ("quality.sketches", "quality.reference")
    windows = ("features.forecast",) if params.is_enabled("forecast") else ()
    yield "validate-series", ("quality.series", "quality.reference", *windows)
    for task in TASKS:
        runner = () if task == "forecast" else ("preprocess",)
        skipped = f"models.{task}"  # instead of `features`, see `is_skipped`
        yield f"preprocess-{task}", (f"features.{task}", *runner) if params.is_enabled(task) else (skipped,)
        for name in params.entries(task):
            yield f"train-{task}/{name}", (params.location(task, name), *_TRAINING)
    yield "judge", ("draw", "models.draw", "models.classify")
    for task in TASKS:
        judge = ("draw",) if task == "draw" else ()
        taught = (f"{DISTIL}.{task}",) if task in params.distil else ()
        further = (*taught, *judge, *_refits(params, task))
        yield f"evaluate-{task}", (f"evaluation.{task}", f"models.{task}", *further)


def _refits(params: Params, task: str) -> tuple[str, ...]:
    """What an evaluation reads in addition if it trains the forecasters again as the origins move on."""
    if task != "forecast" or not params.evaluation.forecast.refits:
        return ()
    return ("features.forecast", *_TRAINING)


def is_skipped(settings: Params) -> bool:
    """Whether the settings of a stage `preprocess-<task>` are those of a task without an enabled model."""
    return not hasattr(settings, "features")


def write_stages(folder: Path, params: Params) -> None:
    """Write `<folder>/<stage>.json` for every stage, and `runtime.json` with the keys that rerun none.

    Args:
        folder: exists and is empty.
        params: with the defaults of the architectures filled in (`strokecast.models.common.resolve`).
    """
    for stage, values in stage_values(params).items():
        path = folder / f"{stage}.json"
        path.parent.mkdir(exist_ok=True)
        files.write_json(path, values)
    files.write_json(folder / _RUNTIME, params.runtime.model_dump(mode="json", include={*WITHOUT_RERUN}))


def stage_values(params: Params) -> dict[str, dict[str, Any]]:
    """The settings of every stage as JSON values."""
    values = params.model_dump(mode="json")
    return {stage: _select(values, paths) for stage, paths in stages(params)}


def read_stage(stage: str, folder: Path = SETTINGS) -> Params:
    """The settings of one stage.

    Sections that the stage does not depend on are removed: reading one raises an AttributeError, so a stage cannot read
    settings whose changes do not rerun it.

    Args:
        stage: e.g. `download-sketches`, `train-classify/gru`.
        folder: the output of the stage `params`.

    Raises:
        UserError: if the file does not exist.
    """
    path = folder / f"{stage}.json"
    try:
        values = files.read_json(path)
    except FileNotFoundError:
        raise UserError(
            "no such file",
            location=str(path),
            fix="run `dvc repro`, whose stage `params` writes it from params.yaml",
        ) from None
    if "runtime" in values and (folder / _RUNTIME).exists():
        values["runtime"] |= files.read_json(folder / _RUNTIME)
    params = Params.model_validate(values)
    _prune(params, values)
    return params


def _select(values: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The values at the dotted `paths`, nested as in `values`."""
    selected: dict[str, Any] = {}
    for path in paths:
        source: Any = values
        target = selected
        *parents, last = path.split(".")
        for key in parents:
            source = source[key]
            target = target.setdefault(key, {})
        target[last] = source[last]
    return selected


def _prune(model: BaseModel, values: Mapping[str, Any]) -> None:
    """Remove the fields of `model` that `values` lacks. Recipes are kept: the `training` of each model is complete."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, Recipe):
            continue
        if name not in values:
            del model.__dict__[name]
        elif isinstance(value, BaseModel):
            _prune(value, values[name])
