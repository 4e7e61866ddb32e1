"""The trainings of a task: which folders are judged, and which are passed over."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.common.files import read_json
from strokecast.common.paths import MODELS
from strokecast.params import ModelEntry

AGAIN = "run `dvc repro`"


@dataclass(frozen=True)
class Training:
    """One training: a model of `params.yaml` with one of its seeds."""

    name: str
    seed: int
    folder: Path
    run: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The `training_id` of its MLflow run."""
        return str(self.run["training_id"])

    @property
    def kind(self) -> str:
        """`network`, `rule` or `estimator`."""
        return str(self.run["kind"])


@dataclass(frozen=True)
class Roster:
    """What is judged, in the order of `params.yaml`, and what is passed over, by name."""

    trainings: Sequence[Training]
    off: Sequence[str]
    leftover: Sequence[str]
    failed: Sequence[str] = ()

    @property
    def names(self) -> list[str]:
        """The models, each once."""
        return list(dict.fromkeys(training.name for training in self.trainings))

    def of(self, name: str) -> list[Training]:
        """The trainings of one model, in the order of its seeds."""
        return [training for training in self.trainings if training.name == name]

    @property
    def not_shown(self) -> list[str]:
        """All that is not judged, by name."""
        return [*self.off, *self.failed, *self.leftover]

    def passed_over(self) -> str:
        """One line that names what is not judged; empty if there is nothing."""
        parts = []
        if self.off:
            parts.append(f"switched off: {', '.join(self.off)}")
        if self.failed:
            parts.append(f"training failed: {', '.join(self.failed)}")
        if self.leftover:
            parts.append(f"left over, no longer in params.yaml: {', '.join(self.leftover)}")
        return f"not shown: {'; '.join(parts)}" if parts else ""


def folder_of(task: str, name: str, seeds: Sequence[int], seed: int, models: Path = MODELS) -> Path:
    """Where a training lies: the first seed in the model's folder, the others one level below."""
    home = models / task / name
    return home if seed == seeds[0] else home / f"seed-{seed}"


def roster(task: str, entries: Mapping[str, ModelEntry], models: Path = MODELS) -> Roster:
    """The trainings of a task.

    Args:
        task: of `strokecast.params.TASKS`.
        entries: the task's models from `params.yaml`, in its order.
        models: folder that holds `<task>/<name>/`.

    Raises:
        UserError: if no model is switched on, a training is missing or was begun and did not end, or
            all failed.
    """
    on = {name: entry for name, entry in entries.items() if entry.enabled}
    off = [name for name, entry in entries.items() if not entry.enabled]
    if not on:
        raise UserError(
            f"no model of {task} is switched on",
            where=f"params.yaml: models.{task}",
            fix="set `enabled: true` for at least one",
        )
    trainings, failed = [], []
    for name, entry in on.items():
        for seed in entry.seeds:
            training = _training(name, seed, folder_of(task, name, entry.seeds, seed, models))
            if training.run["status"] == "finished":
                trainings.append(training)
            else:
                failed.append(name if seed == entry.seeds[0] else f"{name}-seed{seed}")
    if not trainings:
        raise UserError(
            f"every training of {task} failed ({', '.join(failed)})",
            where=f"params.yaml: models.{task}",
            fix="run.json of each says why",
        )
    home = models / task
    leftover = sorted(p.name for p in home.iterdir() if p.is_dir() and p.name not in entries)
    return Roster(trainings, off, [name for name in leftover if not name.startswith(".")], failed)


def _training(name: str, seed: int, folder: Path) -> Training:
    try:
        run = read_json(folder / "run.json")
    except FileNotFoundError:
        raise UserError(f"no training of {name} with seed {seed}", where=str(folder), fix=AGAIN) from None
    if run.get("status") not in ("finished", "failed"):
        raise UserError(
            f"the training of {name} is {run.get('status')!r}",
            where=f"{folder}/run.json",
            allowed="finished | failed",
            fix=AGAIN,
        )
    if (run["name"], run["seed"]) != (name, seed):
        raise UserError(
            f"holds {run['name']} with seed {run['seed']}",
            where=str(folder),
            allowed=f"{name} with seed {seed}",
            fix=AGAIN,
        )
    return Training(name, seed, folder, run)


def check_data(trainings: Sequence[Training], digest: str) -> None:
    """Every training must have seen the records that the test records belong to.

    Raises:
        UserError: names the training that has not.
    """
    for training in trainings:
        if training.run["dataset"]["digest"] != digest:
            raise UserError(
                f"{training.name} was trained on other data", where=str(training.folder), fix=AGAIN
            )


def history(training: Training) -> list[dict[str, str]]:
    """The rows of its `history.csv`, as written; none where no network was trained."""
    with (training.folder / "history.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def labels(found: Roster) -> dict[str, list[str]]:
    """What each training is called beside others, by model: `gru`, and `gru-seed2` for a further seed."""
    named = {}
    for name in found.names:
        first, *further = found.of(name)
        named[name] = [first.name, *(f"{name}-seed{training.seed}" for training in further)]
    return named


def curves(found: Roster, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The learning curves of all trainings as one long table: `model` (its label), `seed`, `epoch`, `columns`."""
    rows = []
    for name, named in labels(found).items():
        for training, label in zip(found.of(name), named, strict=True):
            for row in history(training):
                values = {column: float(row[column] or "nan") for column in columns}
                rows.append({"model": label, "seed": training.seed, "epoch": int(row["epoch"]), **values})
    return rows
