"""Finds the trained models of a task: which are evaluated, and which are excluded and why."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.common.paths import MODELS, model_dir, training_label
from strokecast.models.common import model_folder
from strokecast.params import ModelEntry

_RERUN = "run `dvc repro`"


@dataclass(frozen=True)
class TrainedModel:
    """One model of `params.yaml`, trained with one of its seeds.

    Attributes:
        name: of the model.
        seed: of the training.
        folder: `models/<task>/<name>/seed-<n>`.
        run: contents of its `run.json`.
    """

    name: str
    seed: int
    folder: Path
    run: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The `training_id` of its MLflow run; "" for a combination, which has none."""
        return str(self.run["training_id"])

    @property
    def key(self) -> tuple[str, int]:
        """Name and seed."""
        return self.name, self.seed

    @property
    def kind(self) -> str:
        """`network`, `rule`, `estimator`, or `combination` for a weighted mean of models, which has no training."""
        return str(self.run["kind"])


@dataclass(frozen=True)
class TrainedModels:
    """The trained models of a task.

    Attributes:
        finished: these are evaluated; in the order of `params.yaml`, then of the seeds.
        disabled: names of models with `enabled: false`.
        obsolete: names of model folders that `params.yaml` no longer lists.
        failed: labels of trainings that failed, such as `gru-seed1`.
    """

    finished: Sequence[TrainedModel]
    disabled: Sequence[str]
    obsolete: Sequence[str]
    failed: Sequence[str] = ()

    @property
    def names(self) -> list[str]:
        """Names of the finished models, each once."""
        return list(dict.fromkeys(model.name for model in self.finished))

    def by_name(self, name: str) -> list[TrainedModel]:
        """The trained models of one name, in the order of its seeds."""
        return [model for model in self.finished if model.name == name]

    @property
    def excluded(self) -> list[str]:
        """Everything that is not evaluated."""
        return [*self.disabled, *self.failed, *self.obsolete]

    def excluded_message(self) -> str:
        """One line that names what is not evaluated and why; "" if nothing is excluded."""
        reasons = {
            "disabled": self.disabled,
            "training failed": self.failed,
            "no longer in params.yaml": self.obsolete,
        }
        clauses = [f"{reason}: {', '.join(names)}" for reason, names in reasons.items() if names]
        return f"not evaluated: {'; '.join(clauses)}" if clauses else ""


def find_trained_models(task: str, entries: Mapping[str, ModelEntry], models: Path = MODELS) -> TrainedModels:
    """The trained models of a task.

    Args:
        task: one of `strokecast.params.TASKS`.
        entries: the task's models from `params.yaml`, in its order.
        models: folder that holds `<task>/<name>/seed-<n>/`.

    Raises:
        UserError: if a training is missing or unfinished, or every training failed.
    """
    enabled = {name: entry for name, entry in entries.items() if entry.enabled}
    disabled = [name for name, entry in entries.items() if not entry.enabled]
    finished, failed = [], []
    for name, entry in enabled.items():
        for seed in entry.seeds:
            model = _read(name, seed, model_dir(task, name, seed, models))
            if model.run["status"] == "finished":
                finished.append(model)
            else:
                failed.append(training_label(name, seed))
    if not finished:
        raise UserError(
            f"every training of {task} failed ({', '.join(failed)})",
            location=f"params.yaml: models.{task}",
            fix="see the error in the run.json of each",
        )
    folders = sorted(path.name for path in (models / task).iterdir() if path.is_dir())
    obsolete = [name for name in folders if name not in entries and not name.startswith(".")]
    return TrainedModels(finished, disabled, obsolete, failed)


def _read(name: str, seed: int, folder: Path) -> TrainedModel:
    if not (folder / "run.json").exists():
        raise UserError(f"{name} has no training with seed {seed}", location=str(folder), fix=_RERUN)
    run = model_folder.read(folder, "run.json", ("name", "seed", "status"))
    if run.get("status") not in ("finished", "failed"):
        raise UserError(
            f"the training of {name} has the status {run.get('status')!r}",
            location=f"{folder}/run.json",
            allowed="finished | failed",
            fix=_RERUN,
        )
    if (run["name"], run["seed"]) != (name, seed):
        raise UserError(
            f"holds {run['name']} with seed {run['seed']}",
            location=str(folder),
            allowed=f"{name} with seed {seed}",
            fix=_RERUN,
        )
    return TrainedModel(name, seed, folder, run)


def check_same_data(models: Sequence[TrainedModel], digest: str) -> None:
    """Check that every model was trained on the records that the test records belong to.

    Raises:
        UserError: names the first model that was trained on other data.
    """
    for model in models:
        if model.run["dataset"]["digest"] != digest:
            raise UserError(f"{model.name} was trained on other data", location=str(model.folder), fix=_RERUN)


def read_history(model: TrainedModel) -> list[dict[str, str]]:
    """The rows of its `history.csv` as text; empty for models without a network."""
    if not model.id:
        return []
    with (model.folder / "history.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def display_labels(trained_models: TrainedModels) -> dict[str, list[str]]:
    """Labels in figures, by model: `gru` for its first seed, `gru-seed2` for a further one."""
    labels = {}
    for name in trained_models.names:
        first, *others = trained_models.by_name(name)
        labels[name] = [first.name, *(training_label(name, model.seed) for model in others)]
    return labels


def learning_curve_rows(trained_models: TrainedModels, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The learning curves of all trained models as one long table.

    Returns:
        Rows with `model` (its display label), `seed`, `epoch` and `columns`.
    """
    rows = []
    for name, labels in display_labels(trained_models).items():
        for model, label in zip(trained_models.by_name(name), labels, strict=True):
            for row in read_history(model):
                values = {column: float(row[column] or "nan") for column in columns}
                rows.append({"model": label, "seed": model.seed, "epoch": int(row["epoch"]), **values})
    return rows
