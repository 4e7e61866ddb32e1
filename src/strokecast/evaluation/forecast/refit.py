"""Fits forecasters again as the origins move on, on all days before each refit, the validation days included.

A model is refitted before the first origin, and from then on before each origin at which its last fit is `refit_every` days
old. Keys of its config that are null are chosen again: by a fit without the latest days, as many as the validation split has,
on their windows. Then the model is fitted on all days. A network starts at the weights of its last fit and trains
`refit_epochs` epochs. If its inputs have changed, e.g. by a holiday that is new in the training days, it starts from new weights and trains
as many epochs as its first training needed to its best one. It has no days of its own for validation, so of these epochs it
keeps the one with the lowest loss on the latest days, which it has learned too.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.console import progress
from strokecast.common.pool import run_in_new_process
from strokecast.evaluation.common.ranking import Key
from strokecast.evaluation.common.trained_models import TrainedModel
from strokecast.features.records import spec as specs
from strokecast.inference import networks
from strokecast.models.common import residual
from strokecast.params import ForecastRecipe, Params, Recipe


@dataclass(frozen=True)
class Refitter:
    """Fits models again.

    Attributes:
        params: `params.yaml`.
        validated: `data/validated/series`.
        work_dir: folder for the data and the models of the refits.
    """

    params: Params
    validated: Path
    work_dir: Path

    def every(self, name: str) -> int | None:
        """Days after which a model is fitted again; None: never."""
        settings = self.params.evaluation.forecast
        return settings.refit_every_by_model.get(name, settings.refit_every)

    def calibration_origins(self, model: TrainedModel) -> int | None:
        """Largest number of origins that a slow rule is calibrated on; None for other models."""
        recipe = self.params.recipe("forecast", model.name)
        if model.kind != "rule" or not isinstance(recipe, ForecastRecipe):
            return None
        return recipe.calibration_origins if networks.load_statistical(model.folder).slow else None

    def refit(
        self, models: Sequence[TrainedModel], days: Mapping[Key, Sequence[str]], valid_days: int
    ) -> dict[Key, list[Path]]:
        """Refit models before given days, in a separate process like a training stage.

        Args:
            models: the trained models.
            days: (name, seed) → first days that its refits do not see, YYYY-MM-DD, rising.
            valid_days: number of validation days.

        Returns:
            (name, seed) → the model folders, one per day.

        Raises:
            UserError: from preprocessing and training.
        """
        folders = {
            model.key: [self.model_dir(model.name, model.seed, day) for day in days[model.key]]
            for model in models
        }
        if any(folders.values()):
            run_in_new_process(_refit_all, (self, tuple(models), dict(days), valid_days))
        return folders

    def model_dir(self, name: str, seed: int, day: str) -> Path:
        """Folder of the refit before `day`."""
        return self.work_dir / "models" / name / f"seed-{seed}" / day


def assign_origins(positions: NDArray[np.int64], every: int) -> dict[int, NDArray[np.int64]]:
    """Which refit forecasts which origins.

    Args:
        positions: int64 [O] of the origins, rising.
        every: days from one refit to the next.

    Returns:
        Position of the first day that the refit does not see, which is an origin → rows of `positions`.
    """
    starts: list[int] = []
    for position in map(int, positions):
        if not starts or position - starts[-1] >= every:
            starts.append(position)
    last = np.searchsorted(starts, positions, side="right") - 1
    return {start: np.flatnonzero(last == at) for at, start in enumerate(starts)}


def _refit_all(
    refitter: Refitter, models: Sequence[TrainedModel], days: Mapping[Key, Sequence[str]], valid_days: int
) -> None:
    """All refits in the order of their days, so that models of one day share its processed data."""
    fits = {model.key: model.folder for model in models}  # the last fit of each model
    all_days = sorted({day for one in days.values() for day in one})
    for day in progress(all_days, "refitting", len(all_days), "day"):
        due = [model for model in models if day in days[model.key]]
        data = _Data(refitter, day, valid_days, any(model.kind == "network" for model in due))
        for model in due:
            fits[model.key] = _refit(refitter, model, day, data, fits[model.key])
        shutil.rmtree(refitter.work_dir / "data")


@dataclass(frozen=True)
class _Data:
    """Processed data of the refits before one day.

    Attributes:
        refitter: whose settings hold.
        day: first day that is not seen, YYYY-MM-DD.
        valid_days: number of validation days.
        records: whether a network needs TFRecords.
    """

    refitter: Refitter
    day: str
    valid_days: int
    records: bool

    @cached_property
    def all_days(self) -> Path:
        """Folder of data whose training windows reach to the last day."""
        return self._preprocess("all_days", learn_valid=True, records=self.records)

    @cached_property
    def without_valid(self) -> Path:
        """Folder of data whose training windows end before the validation days."""
        return self._preprocess("without_valid", learn_valid=False, records=False)

    def _preprocess(self, name: str, *, learn_valid: bool, records: bool) -> Path:
        from strokecast.features.timeseries import forecast

        folder = self.refitter.work_dir / "data" / self.day / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        valid_from = str(np.datetime64(self.day) - np.timedelta64(self.valid_days, "D"))
        moved = {"valid_from": valid_from, "test_from": self.day}
        settings = self.refitter.params.features.forecast.model_copy(update=moved)
        forecast.preprocess(
            self.refitter.validated, folder, settings, learn_valid=learn_valid, records=records
        )
        return folder


def _refit(refitter: Refitter, model: TrainedModel, day: str, data: _Data, last_fit: Path) -> Path:
    from strokecast.training import run
    from strokecast.training.job import TrainingJob

    params = refitter.params
    entry, recipe = params.entries("forecast")[model.name], params.recipe("forecast", model.name)
    config = dict(entry.config)
    if "residual" in config:  # a refit learns the validation windows, so it keeps what the training chose
        config["residual"] = residual.resolve(config["residual"], specs.load(model.folder, "forecast"))
    folder = refitter.model_dir(model.name, model.seed, day)
    folder.mkdir(parents=True)

    def job(recipe: Recipe) -> TrainingJob:
        return TrainingJob.create("forecast", model.name, model.seed, config, recipe, runtime=params.runtime)

    if model.kind == "estimator" and _selected_config(model.folder):
        run.train(job(recipe), folder, _ignore_epoch, None, data.without_valid, calibrate=False)
        config |= _selected_config(folder)

    def train(recipe: Recipe, initial_weights: Path | None = None) -> None:
        run.train(
            job(recipe),
            folder,
            _ignore_epoch,
            None,
            data.all_days,
            calibrate=False,
            initial_weights=initial_weights,
        )

    if model.kind != "network":
        train(recipe)
        return folder
    epochs = params.evaluation.forecast.refit_epochs
    if epochs is not None:
        try:
            train(_refit_recipe(recipe, epochs), last_fit)
        except run.InitialWeightsError:
            epochs = None
    if epochs is None:
        train(_refit_recipe(recipe, int(model.run["best_epoch"])))
    return folder


def _selected_config(folder: Path) -> dict[str, Any]:
    from strokecast.models.common import array_model

    return array_model.load(folder, array_model.ArrayModel).selected_config()


def _refit_recipe(recipe: Recipe, epochs: int) -> Recipe:
    changed = {"epochs": epochs, "warmup_epochs": min(recipe.warmup_epochs, epochs - 1), "patience": None}
    return recipe.model_copy(update=changed)


def _ignore_epoch(row: Mapping[str, Any]) -> None:
    return
