"""Trainings with a pretraining, whose weights are transferred."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.params import WatchRecipe
from strokecast.training import model_files, phase, run
from strokecast.training.job import TrainingJob


def watch_recipe(**keys: Any) -> WatchRecipe:
    """A recipe without warm-up and augmentation, unless `keys` switches them on."""
    neutral = {"epochs": 20, "batch_size": 128, "learning_rate": 0.002, "warmup_epochs": 0}
    off = dict.fromkeys(("augment_scale", "augment_rotation", "augment_shift"), 0.0)
    return WatchRecipe(**{**neutral, **off, **keys})


CONFIG = {"filters": [3], "kernels": [3], "depths": [3], "time_strides": [2], "features": 5, "dropout": 0.0}


def train(
    processed_data: Path, folder: Path, name: str, config: dict[str, Any], **recipe: Any
) -> list[dict[str, Any]]:
    folder.mkdir(exist_ok=True)
    rows: list[dict[str, Any]] = []
    job = TrainingJob.create(
        "watch", name, 5, config, watch_recipe(epochs=1, batch_size=16, learning_rate=0.02, **recipe)
    )
    run.train_network(job, processed_data / "watch", folder, rows.append)
    return rows


@pytest.mark.slow
def test_the_pretrained_weights_are_transferred(
    processed_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models: list[Any] = []
    fit = phase.fit

    def recorded(context: Any, model: Any, *rest: Any) -> Any:
        models.append((model, [value.copy() for value in model.get_weights()]))
        return fit(context, model, *rest)

    monkeypatch.setattr(phase, "fit", recorded)
    rows = train(processed_data, tmp_path, "inflated", CONFIG, pretrain_epochs=6)
    (first, _), (own, initial) = models
    kernels = [next(v for v in m.variables if v.path.endswith("conv_1/kernel")) for m in (first, own)]
    at = [variable.path for variable in own.variables].index(kernels[1].path)
    np.testing.assert_allclose(initial[at].sum(axis=0), kernels[0].numpy(), atol=1e-6)
    with (tmp_path / model_files.PRETRAINING_HISTORY).open() as file:
        pretraining = list(csv.DictReader(file))
    assert (len(pretraining), len(rows)) == (6, 1)
    assert float(pretraining[-1]["train_loss"]) < float(pretraining[0]["train_loss"])
    assert [int(row["epoch"]) for row in rows] == [1], "on_epoch gets the rows of the second phase only"


@pytest.mark.slow
def test_without_pretraining_there_is_one_phase(processed_data: Path, tmp_path: Path) -> None:
    train(processed_data, tmp_path, "inflated", CONFIG)
    assert not (tmp_path / model_files.PRETRAINING_HISTORY).exists()


def test_an_architecture_without_pretraining_is_an_error(processed_data: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"params\.yaml: models\.watch\.frame_average\.training: pretrain_epochs is set"
    ):
        train(processed_data, tmp_path, "frame_average", {}, pretrain_epochs=1)


def test_the_warm_up_fits_into_the_pretraining_epochs() -> None:
    recipe = watch_recipe(epochs=9, warmup_epochs=4, pretrain_epochs=2)
    first = phase.pretraining_recipe(recipe, True, "models.watch.inflated")
    assert first is not None
    assert (first.epochs, first.warmup_epochs) == (2, 1)
