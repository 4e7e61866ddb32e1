"""Finds the folder of a trained model by the name that a user gives to a command, and the champion of a task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from strokecast.common.errors import UserError, suggest
from strokecast.common.files import read_json
from strokecast.common.paths import MODELS, REPORTS, VALIDATION_FORECASTS, model_dir, model_dirs
from strokecast.inference import combination_folder
from strokecast.models.common import model_folder
from strokecast.models.common import registry as architectures
from strokecast.tracking import registry

CHAMPION = "champion"


@dataclass(frozen=True)
class FoundModel:
    """A trained model that a user named.

    Attributes:
        name: of the model or the combination.
        folder: of the training, of the combination, or of the files of a registered version.
        label: how the outcome of a command names it.
        is_copy: whether the folder is that of a registered version without files about validation.
    """

    name: str
    folder: Path
    label: str
    is_copy: bool = False


def find(task: str, model: str, seed: int | None) -> FoundModel:
    """The model that a user names.

    `champion` is the registered champion of the task (`strokecast promote`), or, if there is none, the model that
    validation chose. The label says which of the two it is.

    Args:
        task: one of `strokecast.params.TASKS`.
        model: name of a model or of a combination, or `champion`.
        seed: of the training; None: the model's lowest seed, or that of the registered champion.

    Raises:
        UserError: as `find_champion` and `find_model_dir`, or if the registered champion has another seed.
    """
    if model != CHAMPION:
        return FoundModel(model, find_model_dir(task, model, seed), model)
    version = registry.champion(task)
    if version is None:
        name = find_champion(task)
        return FoundModel(name, find_model_dir(task, name, seed), f"{name} (the champion of reports/{task})")
    if seed is not None and str(seed) != version.tag("seed"):
        raise UserError(
            f"the registered champion of {task} is {version.label}", location="--seed", fix="omit this option"
        )
    name, label = version.tag("model"), f"{version.label}, the registered champion of {task}"
    if version.tag("seed"):  # a combination has none
        folder = model_dir(task, name, int(version.tag("seed")))
        if _is_training(folder, version.tag("training_id")):
            return FoundModel(name, folder, label)
    has_validation = (version.model_dir / VALIDATION_FORECASTS).is_file()
    return FoundModel(name, version.model_dir, label, is_copy=not has_validation)


def _is_training(folder: Path, training_id: str) -> bool:
    """Whether a folder still holds a training: it may have been trained again or removed since."""
    try:
        return bool(read_json(folder / "run.json").get("training_id") == training_id)
    except (OSError, UserError):
        return False


def find_champion(task: str) -> str:
    """The model that validation chose, as `reports/<task>/summary.json` names it.

    Raises:
        UserError: if the report does not exist or has no model.
    """
    path = REPORTS / task / "summary.json"
    try:
        champion = read_json(path).get("champion")
    except FileNotFoundError:
        raise UserError("no such file", location=str(path), fix=f"run `dvc repro evaluate-{task}`") from None
    if champion is None:
        raise UserError(
            f"no model of {task} was evaluated",
            location=str(path),
            fix="enable one in params.yaml and run `dvc repro`",
        )
    return str(champion["model"])


def trained_names(task: str) -> list[str]:
    """The names of the models of a task that have a training, in alphabetical order."""
    return sorted({path.parents[1].name for path in (MODELS / task).glob("*/seed-*/config.json")})


def usable_names(task: str) -> list[str]:
    """The names of the trained models of a task, then those of its evaluated combinations."""
    return [*trained_names(task), *combination_folder.find(task)]


def _how_to_train(task: str, name: str) -> str:
    """How to train an architecture that has no training; "" for other names."""
    if name not in architectures.names(task):
        return ""
    return (
        f"it is an architecture: set `{name}: {{enabled: true}}` in models.{task} of params.yaml and run "
        f"`dvc repro evaluate-{task}`"
    )


def find_model_dir(task: str, name: str, seed: int | None) -> Path:
    """The folder of a trained model, or of a combination of models.

    Args:
        task: one of `strokecast.params.TASKS`.
        name: of the model or the combination.
        seed: of the training; None: the model's lowest seed. A combination has none.

    Raises:
        UserError: if there is no such model or seed, with the existing ones; or if the training is not finished.
    """
    names = trained_names(task)
    combinations = combination_folder.find(task)
    if name in combinations:
        if seed is not None:
            raise UserError(
                f"{name} is the mean over all seeds of its members", location="--seed", fix="omit this option"
            )
        return combinations[name]
    if name not in names:
        known = [*names, *combinations, CHAMPION] if names else []
        raise UserError(
            f"no trained model {name!r}",
            location=str(MODELS / task),
            allowed=known,
            fix=_how_to_train(task, name) or (suggest(name, known) if known else "run `dvc repro`"),
        )
    folders = [folder for folder in model_dirs(task, name) if (folder / "config.json").is_file()]
    seeds = {int(model_folder.read(folder, "config.json", ("seed",))["seed"]): folder for folder in folders}
    if seed is not None and seed not in seeds:
        raise UserError(
            f"{name} was not trained with seed {seed}",
            location="--seed",
            allowed=map(str, sorted(seeds)),
        )
    folder = folders[0] if seed is None else seeds[seed]
    has_run = (folder / "run.json").exists()
    status = model_folder.read(folder, "run.json", ("status",))["status"] if has_run else "finished"
    if status != "finished":
        raise UserError(
            f"the training of {name} has the status {status!r}", location=str(folder), fix="run `dvc repro`"
        )
    return folder
