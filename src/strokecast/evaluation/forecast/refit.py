"""Trains forecasters again as the origins move on: each test day is forecast by what all days before it taught.

The first days of the test split are forecast by the training that is judged. From then on, every `every` days, the same
model is trained with the same seed through the same training loop on all days before, the last of which are its
validation days, as many as before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.pool import in_its_own_process
from strokecast.evaluation.common.trainings import Training
from strokecast.params import Params


@dataclass(frozen=True)
class Again:
    """How trainings are repeated.

    Attributes:
        settings: `params.yaml`.
        validated: `data/validated/series`.
        home: where data and models of the repeated trainings go.
        every: days from one to the next.
    """

    settings: Params
    validated: Path
    home: Path
    every: int

    def folders(self, training: Training, days: Sequence[str], valid: int) -> list[Path]:
        """Train again before each of `days`, in a process of its own as a stage does; one folder each.

        Args:
            training: the one that is repeated.
            days: first days that the trainings do not see, YYYY-MM-DD.
            valid: validation days.

        Raises:
            UserError: as preprocessing and training do.
        """
        if days:
            in_its_own_process(_train, (self, training.name, training.seed, tuple(days), valid))
        return [self._model(training.name, training.seed, day) for day in days]

    def _model(self, name: str, seed: int, day: str) -> Path:
        return self.home / "models" / name / f"seed-{seed}" / day


def blocks(positions: NDArray[np.int64], first: int, every: int | None) -> dict[int, NDArray[np.int64]]:
    """Which origins each training answers: by the position of the day before which it was trained, rows of `positions`.

    Args:
        positions: int [O] of the origins.
        first: position of the first test day, before which all were trained.
        every: days from one training to the next; None: there is no other.
    """
    if every is None:
        return {first: np.arange(len(positions))}
    starts = first + (positions - first) // every * every
    return {int(start): np.flatnonzero(starts == start) for start in np.unique(starts)}


def _train(again: Again, name: str, seed: int, days: Sequence[str], valid: int) -> None:
    from strokecast.features.timeseries import forecast
    from strokecast.training import run

    entry, features = again.settings.entries("forecast")[name], again.settings.features.forecast
    recipe = again.settings.recipe("forecast", name)
    for day in days:
        processed = again.home / "data" / day
        if not processed.is_dir():
            before = str(np.datetime64(day) - np.timedelta64(valid, "D"))
            moved = features.model_copy(update={"valid_from": before, "test_from": day})
            forecast.preprocess(again.validated, processed, moved)
        folder = again._model(name, seed, day)
        folder.mkdir(parents=True)
        run.train(
            "forecast",
            name,
            entry.config,
            recipe,
            seed,
            folder,
            again.settings.training,
            _nothing,
            None,
            processed,
        )


def _nothing(row: Mapping[str, Any]) -> None:
    return
