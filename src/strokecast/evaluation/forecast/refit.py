"""Refits forecasters as the origins move on, so that each test day is forecast from all days before it.

The first test days are forecast by the evaluated model itself. From then on, every `every` days the same model is
trained with the same seed and the same training loop on all earlier days. The last of these are its validation days, as
many as in the first training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.pool import run_in_new_process
from strokecast.evaluation.common.trained_models import TrainedModel
from strokecast.params import Params


@dataclass(frozen=True)
class Refitter:
    """Trains models again.

    Attributes:
        params: `params.yaml`.
        validated: `data/validated/series`.
        work_dir: folder for the data and the models of the refits.
        every: days from one refit to the next.
    """

    params: Params
    validated: Path
    work_dir: Path
    every: int

    def refit(self, model: TrainedModel, days: Sequence[str], valid_days: int) -> list[Path]:
        """Refit a model before each of `days`, in a separate process like a training stage.

        Args:
            model: the trained model.
            days: first days that the refits do not see, YYYY-MM-DD.
            valid_days: number of validation days.

        Returns:
            The model folders, one per day.

        Raises:
            UserError: from preprocessing and training.
        """
        if days:
            run_in_new_process(_refit, (self, model.name, model.seed, tuple(days), valid_days))
        return [self.model_dir(model.name, model.seed, day) for day in days]

    def model_dir(self, name: str, seed: int, day: str) -> Path:
        """Folder of the refit before `day`."""
        return self.work_dir / "models" / name / f"seed-{seed}" / day


def assign_origins(
    positions: NDArray[np.int64], first: int, every: int | None
) -> dict[int, NDArray[np.int64]]:
    """Which refit forecasts which origins.

    Args:
        positions: int64 [O] of the origins.
        first: position of the first test day; the evaluated model was trained on all days before it.
        every: days from one refit to the next; None: no refits.

    Returns:
        Position of the first day that the refit does not see → rows of `positions`.
    """
    if every is None:
        return {first: np.arange(len(positions))}
    starts = first + (positions - first) // every * every
    return {int(start): np.flatnonzero(starts == start) for start in np.unique(starts)}


def _refit(refitter: Refitter, name: str, seed: int, days: Sequence[str], valid_days: int) -> None:
    from strokecast.features.timeseries import forecast
    from strokecast.training import run
    from strokecast.training.job import TrainingJob

    params = refitter.params
    entry, features = params.entries("forecast")[name], params.features.forecast
    job = TrainingJob.create("forecast", name, seed, entry.config, params.recipe("forecast", name))
    for day in days:
        processed = refitter.work_dir / "data" / day
        if not processed.is_dir():
            valid_from = str(np.datetime64(day) - np.timedelta64(valid_days, "D"))
            moved = features.model_copy(update={"valid_from": valid_from, "test_from": day})
            forecast.preprocess(refitter.validated, processed, moved)
        folder = refitter.model_dir(name, seed, day)
        folder.mkdir(parents=True)
        run.train(job, folder, params.training, _ignore_epoch, None, processed)


def _ignore_epoch(row: Mapping[str, Any]) -> None:
    return
