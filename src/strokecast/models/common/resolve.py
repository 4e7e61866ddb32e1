"""`params.yaml` with the defaults of every architecture filled in: what the pipeline runs by."""

from __future__ import annotations

from pathlib import Path

from strokecast import params
from strokecast.common.errors import UserError
from strokecast.common.paths import PARAMS
from strokecast.models.common import distil, registry, residual
from strokecast.models.common.config import Config
from strokecast.models.common.registry import Architecture
from strokecast.params import ModelEntry, Params

_READ_WITHOUT_NETWORK = (
    "calibration_origins",
    "online_correction",
)  # recipe keys that models without a network read


def load(path: Path = PARAMS) -> Params:
    """Read, check and resolve a `params.yaml`.

    Raises:
        UserError: for anything that is not allowed, down to the config of every architecture.
    """
    settings = resolve(params.load(path))
    settings.check_enabled()
    return settings


def resolve(settings: Params) -> Params:
    """`settings` with the complete `config` and `training` of every model, and the country of `holiday_country: auto`.

    The recipe of a model without a network has the defaults in all keys that it does not read, so that an edit of these
    does not rerun it.

    Raises:
        UserError: for an unknown architecture, or a key, type or range that its config or recipe does not allow.
    """
    entries = {
        task: {name: _resolve_entry(settings, task, name) for name in settings.entries(task)}
        for task in params.TASKS
    }
    taught = {task: entries[task].pop(params.DISTIL) for task in settings.distil}
    forecast = settings.features.forecast.for_source(settings.series.source)
    evaluation = {task: _resolve_baseline(settings, task) for task in params.TASKS}
    return settings.model_copy(
        update={
            "features": settings.features.model_copy(update={"forecast": forecast}),
            "models": settings.models.model_copy(update=entries),
            "distil": taught,
            "evaluation": settings.evaluation.model_copy(update=evaluation),
        }
    )


def _resolve_entry(settings: Params, task: str, name: str) -> ModelEntry:
    entry = settings.entries(task)[name]
    architecture = registry.get(task, name)
    values = registry.config(task, name, entry.architecture_config)
    declared = architecture.training
    if isinstance(values, distil.DistilConfig):
        student, values = distil.student(task, values)
        declared = student.training
    config = values.model_dump(mode="json")
    recipe = settings.recipe(task, name, declared)
    if architecture.kind != "network":
        read = {key: getattr(recipe, key) for key in _READ_WITHOUT_NETWORK if hasattr(recipe, key)}
        recipe = params.RECIPES[task](**read)
    if entry.enabled:
        _check_data(settings, task, architecture, values)
        if getattr(recipe, "pretrain_epochs", 0) and architecture.pretraining is None:
            raise UserError(
                f"{name} has no pretraining",
                location=f"params.yaml: {settings.location(task, name)}.training.pretrain_epochs",
                allowed="0",
                fix="set it in the `training:` of models.watch.inflated alone",
            )
    return entry.model_copy(update={"config": config, "training": recipe.model_dump(mode="json")})


def _check_data(settings: Params, task: str, architecture: Architecture, config: Config) -> None:
    """Check the config against what params.yaml says of the data, before these exist.

    A config may have `check_spec(spec, location)`. It raises a UserError if it does not fit `features.<task>`.
    """
    location = f"params.yaml: {settings.location(task, architecture.name)}"
    spec = getattr(settings.features, task).model_dump()
    if task == "forecast":
        spec["future"] = [] if spec["lags"] == "auto" else [f"lag_{lag}" for lag in spec["lags"]]
        residual.check(getattr(config, "residual", "none"), spec, location=location)
    check_spec = getattr(config, "check_spec", None)
    if check_spec is not None:
        check_spec(spec, location)


def _resolve_baseline(settings: Params, task: str) -> object:
    """The evaluation settings of a task; the default baseline is none if the task does not have that model."""
    evaluation = getattr(settings.evaluation, task)
    if getattr(evaluation, "baseline", None) in (None, *settings.entries(task)):
        return evaluation
    return evaluation.model_copy(update={"baseline": None})
