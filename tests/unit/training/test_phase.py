"""Trainings of two phases: a first network, whose weights are carried over."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.params import WatchRecipe
from strokecast.training import phase, run
from strokecast.training.job import TrainingJob

CONFIG = {"filters": [3], "kernels": [3], "depths": [3], "time_strides": [2], "features": 5, "dropout": 0.0}


def train(made: Path, folder: Path, name: str, config: dict[str, Any], **recipe: Any) -> list[dict[str, Any]]:
    folder.mkdir(exist_ok=True)
    rows: list[dict[str, Any]] = []
    job = TrainingJob.create(
        "watch", name, 5, config, WatchRecipe(epochs=1, batch_size=16, learning_rate=0.02, **recipe)
    )
    run.train_network(job, made / "watch", folder, rows.append, "cpu")
    return rows


def test_the_first_network_learns_and_its_weights_go_on(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models: list[Any] = []
    fit = phase.fit

    def noted(parts: Any, model: Any, *rest: Any) -> Any:
        models.append((model, [value.copy() for value in model.get_weights()]))
        return fit(parts, model, *rest)

    monkeypatch.setattr(phase, "fit", noted)
    rows = train(made, tmp_path, "inflated", CONFIG, pretrain_epochs=6)
    (first, _), (own, begun) = models
    kernels = [next(v for v in m.variables if v.path.endswith("conv_1/kernel")) for m in (first, own)]
    at = [variable.path for variable in own.variables].index(kernels[1].path)
    np.testing.assert_allclose(begun[at].sum(axis=0), kernels[0].numpy(), atol=1e-6)
    with (tmp_path / run.PRETRAINING_HISTORY).open() as file:
        before = list(csv.DictReader(file))
    assert (len(before), len(rows)) == (6, 1)
    assert float(before[-1]["train_loss"]) < float(before[0]["train_loss"])
    assert [int(row["epoch"]) for row in rows] == [1], "the board sees the network's own epochs alone"


def test_without_pretraining_there_is_one_phase(made: Path, tmp_path: Path) -> None:
    train(made, tmp_path, "inflated", CONFIG)
    assert not (tmp_path / run.PRETRAINING_HISTORY).exists()


def test_an_architecture_without_a_first_network_says_so(made: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"params\.yaml: models\.watch\.frame_average\.training: pretrain_epochs is set"
    ):
        train(made, tmp_path, "frame_average", {}, pretrain_epochs=1)


def test_the_first_recipe_warms_up_within_its_own_epochs() -> None:
    recipe = WatchRecipe(epochs=9, warmup_epochs=4, pretrain_epochs=2)
    first = phase.pretraining_recipe(recipe, True, "models.watch.inflated")
    assert first is not None
    assert (first.epochs, first.warmup_epochs) == (2, 1)
