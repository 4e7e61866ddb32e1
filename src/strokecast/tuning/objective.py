"""One trial: an ordinary training of the model with other values, in a temporary folder, and its validation score."""

from __future__ import annotations

import math
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast import params
from strokecast.common import files, paths
from strokecast.features.records import spec as specs
from strokecast.models.common import registry, resolve
from strokecast.models.common.search_space import Value
from strokecast.params import Params
from strokecast.training import run
from strokecast.training.guards import TrainingError
from strokecast.training.job import TrainingJob
from strokecast.tuning import rolling, space

Report = Callable[[int, float], None]
"""Called with (step, score so far) while a trial runs; raises to stop the trial."""
OnEpoch = Callable[[Mapping[str, float | int]], None]


@dataclass(frozen=True)
class Metric:
    """The score of a task's trials.

    Attributes:
        name: its name in messages.
        column: the column of history.csv with the same meaning.
        higher_is_better: whether the search maximises it.
    """

    name: str
    column: str
    higher_is_better: bool


_ACCURACY = Metric("validation accuracy", "valid_accuracy", True)
_METRICS = {
    "classify": _ACCURACY,
    "watch": _ACCURACY,
    "draw": Metric("validation loss", "valid_loss", False),
    "forecast": Metric("MAE of the folds", "valid_loss", False),
}


def metric(task: str) -> Metric:
    """The score of a task: that by which validation chooses its champion, for generated drawings the validation loss."""
    return _METRICS[task]


class Objective:
    """Trains one model with the values of a trial. As a context manager, it holds the data of the folds.

    Args:
        settings: `params.yaml`, without the defaults of the architectures.
        task: of the model.
        name: of the model; it need not be in params.yaml.
        epochs: of each trial instead of the recipe's; None: those of the recipe.
        folds: rolling origins of a forecaster.

    Attributes:
        stopped: set if running trials are to end by `Interrupted`. Only objectives that train elsewhere read it.
    """

    def __init__(self, settings: Params, task: str, name: str, epochs: int | None, folds: int) -> None:
        registry.get(task, name)
        self._settings, self.task, self.name, self._epochs, self._folds = settings, task, name, epochs, folds
        self._fixed = {} if epochs is None else {"training.epochs": epochs}
        self.spec = specs.load(paths.PROCESSED / task, task)
        self.stopped = threading.Event()
        self._work_dir: Path | None = None
        self._fold_dirs: list[Path] = []

    def __enter__(self) -> Objective:
        self._work_dir = Path(tempfile.mkdtemp(prefix="strokecast-tune-"))
        return self

    def __exit__(self, *_: object) -> None:
        if self._work_dir is not None:
            shutil.rmtree(self._work_dir, ignore_errors=True)

    def entry(self, values: Mapping[str, Value], fixed: bool = True) -> params.ModelEntry:
        """The model's entry with all defaults and the values of a trial.

        Args:
            values: `config.<key>` or `training.<key>` → value.
            fixed: with the epochs of trials.

        Raises:
            UserError: if the values are not valid.
        """
        entry = self._settings.entries(self.task).get(self.name, params.ModelEntry())
        changes = space.nested({**values, **(self._fixed if fixed else {})})
        merged = {key: {**getattr(entry, key), **changes.get(key, {})} for key in ("config", "training")}
        entry = entry.model_copy(update={"enabled": True, **merged})
        models: dict[str, Any] = {task: {} for task in params.TASKS} | {self.task: {self.name: entry}}
        alone = self._settings.model_copy(update={"models": self._settings.models.model_copy(update=models)})
        return resolve.resolve(alone).entries(self.task)[self.name]

    def check(self, dimensions: space.Space) -> None:
        """Check the ends and choices of every dimension, each with all other keys as they are.

        Raises:
            UserError: for a key or a value that is not valid.
        """
        for key, dimension in dimensions.items():
            for value in dimension.grid():
                self.entry({key: value})

    def current(self, keys: Mapping[str, Any]) -> dict[str, Any]:
        """The values in effect for keys of the search."""
        entry = self.entry({}, fixed=False)
        values = {"config": entry.config, "training": entry.training}
        return {key: values[key.partition(".")[0]].get(key.partition(".")[2]) for key in keys}

    def setup(self, keys: Mapping[str, Any]) -> dict[str, Any]:
        """What all trials have in common: two searches with equal setups may share a study."""
        entry = self.entry({})
        network = registry.get(self.task, self.name).kind == "network"
        common = {"config": dict(entry.config), "training": dict(entry.training) if network else {}}
        for key in keys:
            section, _, name = key.partition(".")
            common[section].pop(name, None)
        folds = self._folds if self.task == "forecast" else None
        return {**common, "data": self.spec["digest"], "seed": entry.seeds[0], "folds": folds}

    def train(self, values: Mapping[str, Value], report: Report, on_epoch: OnEpoch) -> float:
        """Train with the values of a trial.

        Args:
            values: key → value.
            report: called after each epoch, or after each fold of a forecaster.
            on_epoch: called with each row of the history of a network that is not a forecaster.

        Returns:
            The score.

        Raises:
            TrainingError: if a loss is not finite or memory runs out.
            UserError: for other mistakes, which other trials would have, too.
            Interrupted: on SIGINT and SIGTERM.
        """
        entry = self.entry(values)
        recipe = params.RECIPES[self.task].model_validate(entry.training)
        job = TrainingJob.create(
            self.task,
            self.name,
            entry.seeds[0],
            entry.config,
            recipe,
            self.spec["digest"],
            self._settings.runtime,
        )
        if self.task == "forecast":
            return self._train_folds(job, report)

        def after_epoch(row: Mapping[str, float | int]) -> None:
            on_epoch(row)
            report(int(row["epoch"]), float(row[_METRICS[self.task].column]))

        return self._train_once(job, paths.PROCESSED / self.task, after_epoch)

    def _train_folds(self, job: TrainingJob, report: Report) -> float:
        """The mean over folds of the mean absolute error at the validation origins."""
        scores: list[float] = []
        for fold, processed in enumerate(self._folds_data()):
            scores.append(self._train_once(job, processed, lambda row: None))
            report(fold, sum(scores) / len(scores))
        return sum(scores) / len(scores)

    def _folds_data(self) -> list[Path]:
        """The processed data of all folds, which the first trial makes."""
        assert self._work_dir is not None, "used as a context manager"
        if not self._fold_dirs:
            self._fold_dirs = list(
                rolling.preprocess_folds(
                    paths.VALIDATED / "series",
                    self.spec,
                    self._settings.features.forecast,
                    self._folds,
                    self._work_dir,
                )
            )
        return self._fold_dirs

    def _train_once(self, job: TrainingJob, processed: Path, on_epoch: OnEpoch) -> float:
        folder = Path(tempfile.mkdtemp(dir=self._work_dir))
        losses: list[float] = []

        def after_epoch(row: Mapping[str, float | int]) -> None:
            losses.append(float(row["valid_loss"]))
            on_epoch(row)

        try:
            run.train(job, folder, after_epoch, None, processed)
            if self.task == "draw":
                score = min(losses)
            else:
                score = float(files.read_json(folder / paths.VALIDATION_SCORE)["value"])
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if job.architecture.kind == "network":
                import keras

                keras.backend.clear_session()
        if not math.isfinite(score):
            raise TrainingError(f"the score is {score}", location=job.location)
        return score
