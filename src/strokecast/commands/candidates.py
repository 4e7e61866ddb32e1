"""Finds the model that a user wants to promote, with its evaluation: one training, or a combination of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.commands import model_lookup
from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.evaluation.promotion import scores
from strokecast.evaluation.promotion.scores import TestScores
from strokecast.inference import combination_folder
from strokecast.params import Params
from strokecast.tracking import board, combination_pyfunc, run_record


@dataclass(frozen=True)
class Candidate:
    """A trained model with what its evaluation stored.

    Attributes:
        run: its `run.json`; for a combination what `combination_pyfunc.run_facts` gives.
        spec: `spec.json` of its data.
        metrics: test metrics, `test/<name>` → value.
        scores: per test example.
        folder: of the training or the combination.
        pyfunc_dir: the saved model.
        is_combination: whether it is a combination of trainings, which has no run on the board.
    """

    run: Mapping[str, Any]
    spec: Mapping[str, Any]
    metrics: Mapping[str, float]
    scores: TestScores
    folder: Path
    pyfunc_dir: Path
    is_combination: bool = False

    @property
    def label(self) -> str:
        """Such as `gru-seed1`; the name of a combination."""
        return str(self.run["name"]) if self.is_combination else run_record.label(self.run)

    def ensure_run(self) -> str | None:
        """MLflow's id of the training's run; None if the user deleted it, or for a combination."""
        if self.is_combination:
            return None
        return board.ensure_run(self.folder, paths.REPORTS / self.scores.task)

    @property
    def validation_forecasts(self) -> Path:
        """Forecasts at validation origins, from which the intervals of `strokecast forecast` start; forecasters have them."""
        return self.folder / paths.VALIDATION_FORECASTS


def find(task: str, model: str, seed: int | None, settings: Params, work_dir: Path) -> Candidate:
    """The model that a user names.

    Args:
        task: one of `strokecast.params.TASKS`.
        model: its name, or `champion` for the one that validation chooses.
        seed: of the training; None: the lowest.
        settings: of params.yaml.
        work_dir: empty folder for the saved model of a combination.

    Raises:
        UserError: if there is no such model, or it was not evaluated since its training.
    """
    name = model_lookup.find_champion(task) if model == model_lookup.CHAMPION else model
    folder = model_lookup.find_model_dir(task, name, seed)
    spec = files.read_json(folder / "spec.json")
    if (folder / combination_folder.FILE).is_file():
        return _combination(task, folder, spec, settings, work_dir / "pyfunc")
    run = run_record.read_run_json(folder)
    path = paths.REPORTS / task / "trainings.json"
    evaluated = files.read_json(path) if path.is_file() else {}
    if run["training_id"] not in evaluated:
        raise UserError(
            f"{run_record.label(run)} was not evaluated since its training",
            location=str(path),
            fix=f"run `dvc repro evaluate-{task}`",
        )
    entry = evaluated[run["training_id"]]
    return Candidate(
        run,
        spec,
        entry["metrics"] | entry.get("slices", {}),
        scores.read(task, run["name"], run["seed"], settings),
        folder,
        folder / "pyfunc",
    )


def _combination(
    task: str, folder: Path, spec: Mapping[str, Any], settings: Params, target: Path
) -> Candidate:
    run = combination_pyfunc.run_facts(folder)
    combination_pyfunc.save(folder, target, run)
    rows = scores.read_summary(task)["models"]
    row = next(row for row in rows if row["model"] == folder.name)
    metrics = {f"test/{key}": value for key, value in row.items()}
    own = scores.read(task, folder.name, int(row["seeds"][0]), settings)
    return Candidate(run, spec, metrics, own, folder, target, is_combination=True)
