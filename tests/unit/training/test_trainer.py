"""A training that resumes on another number of devices, with stand-ins for network and data."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from strokecast.common.errors import UserError
from strokecast.params import ClassifyRecipe
from strokecast.training.checkpoint import TrainState
from strokecast.training.trainer import Trainer


def trainer(replicas: int, **recipe: Any) -> Trainer:
    """A trainer on `replicas` devices whose checkpoint two devices have written after the last epoch."""
    state = TrainState(epoch=1, best_epoch=1, valid_speeds=[1.0], replicas=2)
    return Trainer(
        model=SimpleNamespace(set_weights=lambda weights: None),
        steps=SimpleNamespace(),  # type: ignore[arg-type]
        train_batches=lambda epoch, step: SimpleNamespace(dataset=(), steps=1),  # type: ignore[arg-type,return-value]
        valid=(),
        batch_norm_data=None,
        recipe=ClassifyRecipe(epochs=1, warmup_epochs=0, **recipe),
        average=SimpleNamespace(),  # type: ignore[arg-type]
        checkpoints=SimpleNamespace(load=lambda: state),  # type: ignore[arg-type]
        location="models.classify.gru",
        counts_hits=False,
        replicas=replicas,
    )


def test_a_deterministic_training_keeps_its_number_of_devices() -> None:
    with pytest.raises(
        UserError, match=r"gru\.training\.deterministic: .* ran on 2 devices, and this one has 1: "
    ):
        trainer(1, deterministic=True).fit()
    assert trainer(2, deterministic=True).fit().best_epoch == 1


@pytest.mark.parametrize(("replicas", "lines"), [(1, 1), (2, 0)])
def test_another_number_of_devices_is_one_line(
    replicas: int, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trainer(replicas).fit().best_epoch == 1
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == lines
    assert all("resumes on 1 device what 2 devices began" in line for line in printed)
