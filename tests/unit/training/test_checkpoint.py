"""An interrupted training resumes bit for bit; a damaged checkpoint is skipped."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common import signals
from strokecast.inference import networks
from strokecast.params import ClassifyRecipe, DrawRecipe, ForecastRecipe, Recipe, WatchRecipe
from strokecast.training import checkpoint, run
from strokecast.training.checkpoint import CheckpointManager, TrainState
from strokecast.training.job import TrainingJob


def classify_recipe(**keys: Any) -> ClassifyRecipe:
    """A recipe without warm-up and augmentation, unless `keys` switches them on."""
    neutral = {"epochs": 20, "batch_size": 128, "learning_rate": 0.002, "warmup_epochs": 0}
    off = dict.fromkeys(("augment_scale", "augment_rotation", "augment_jitter", "augment_drop"), 0.0)
    return ClassifyRecipe(**{**neutral, **off, **keys})


def watch_recipe(**keys: Any) -> WatchRecipe:
    """A recipe without warm-up and augmentation, unless `keys` switches them on."""
    neutral = {"epochs": 20, "batch_size": 128, "learning_rate": 0.002, "warmup_epochs": 0}
    off = dict.fromkeys(("augment_scale", "augment_rotation", "augment_shift"), 0.0)
    return WatchRecipe(**{**neutral, **off, **keys})


def draw_recipe(**keys: Any) -> DrawRecipe:
    """A recipe without warm-up and augmentation, unless `keys` switches them on."""
    neutral = {"epochs": 20, "batch_size": 128, "learning_rate": 0.002, "warmup_epochs": 0}
    off = {"intra_op_threads": None, "augment_scale": 0.0}
    return DrawRecipe(**{**neutral, **off, **keys})


class Variable:
    """The interface of a variable that CheckpointManager uses."""

    def __init__(self, value: Any) -> None:
        self.value = np.asarray(value)
        self.shape, self.dtype = self.value.shape, self.value.dtype.name

    def numpy(self) -> Any:
        return self.value

    def assign(self, value: Any) -> None:
        self.value = value


def variables(fill: float = 0.0) -> list[Variable]:
    return [Variable(np.full((3, 2), fill, np.float32)), Variable(np.array([7, int(fill)], np.uint32))]


def state(epoch: int, step: int = 0) -> TrainState:
    rows: list[checkpoint.HistoryRow] = [{"epoch": epoch, "train_loss": 1 / 3}]
    return TrainState(epoch, step, rows, 0.1 + epoch, epoch, [np.full(4, epoch, np.float32)], 1.5, [10.0])


def same(back: TrainState | None, expected: TrainState) -> bool:
    assert back is not None
    best = [value.tolist() for value in back.best] == [value.tolist() for value in expected.best]
    return best and {**vars(back), "best": 0} == {**vars(expected), "best": 0}


def test_a_saved_state_is_restored(tmp_path: Path) -> None:
    CheckpointManager(tmp_path / "record", variables(5.0)).save(state(2, 7))
    restored = variables()
    back = CheckpointManager(tmp_path / "record", restored).load()
    assert same(back, state(2, 7))
    assert restored[0].value.tolist() == [[5.0, 5.0]] * 3
    assert (restored[1].value.tolist(), restored[1].value.dtype) == ([7, 5], np.uint32)


def test_before_the_first_epoch_the_best_loss_is_infinite(tmp_path: Path) -> None:
    CheckpointManager(tmp_path, variables()).save(TrainState(step=3))
    back = CheckpointManager(tmp_path, variables()).load()
    assert back == TrainState(step=3)
    assert back is not None
    assert back.best_loss == math.inf


def test_the_newest_two_are_kept_and_the_newest_is_taken(tmp_path: Path) -> None:
    for number, (epoch, step) in enumerate([(0, 9), (0, 18), (1, 0), (1, 9)]):
        CheckpointManager(tmp_path, variables(number)).save(state(epoch, step))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint-000001-000000000.npz",
        "checkpoint-000001-000000009.npz",
    ]
    restored = variables()
    assert same(CheckpointManager(tmp_path, restored).load(), state(1, 9))
    assert restored[0].value[0, 0] == 3.0


def test_without_a_folder_nothing_is_saved(tmp_path: Path) -> None:
    keeper = CheckpointManager(None, variables())
    keeper.save(state(1))
    assert keeper.load() is None


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    position = content.index(np.full(4, 2, np.float32).tobytes())  # inside the best weights
    content[position] ^= 1
    path.write_bytes(content)


def foreign(path: Path) -> None:
    CheckpointManager(path.parent / "other", [Variable(np.zeros(5))]).save(state(9))
    next((path.parent / "other").iterdir()).replace(path)
    (path.parent / "other").rmdir()


@pytest.mark.parametrize("damage", [cut, flip, foreign, lambda path: path.write_bytes(b"")])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    tmp_path: Path, damage: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    for epoch in (1, 2):
        CheckpointManager(tmp_path, variables(epoch)).save(state(epoch))
    damage(tmp_path / "checkpoint-000002-000000000.npz")
    (tmp_path / ".checkpoint.tmp-1").write_bytes(b"half written")
    restored = variables()
    assert same(CheckpointManager(tmp_path, restored).load(), state(1))
    assert restored[0].value[0, 0] == 1.0
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("checkpoint checkpoint-000002-000000000.npz is skipped: ")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-000001-000000000.npz"]


def test_no_whole_checkpoint_is_a_start_from_nothing(tmp_path: Path) -> None:
    CheckpointManager(tmp_path, variables()).save(state(1))
    cut(tmp_path / "checkpoint-000001-000000000.npz")
    assert CheckpointManager(tmp_path, variables()).load() is None


@pytest.fixture
def deterministic() -> Iterator[None]:
    from tensorflow.python.framework import config

    yield
    config.disable_op_determinism()


CONV = {"filters": [4, 4], "kernels": [5, 3], "strides": [2, 2], "units": 6, "layers": 1, "dropout": 0.3}
BUSY = {
    "epochs": 4,
    "batch_size": 16,
    "learning_rate": 0.02,
    "optimizer": "adamw",
    "patience": 3,
    "augment_drop": 0.2,
    "checkpoint_steps": 2,
    "deterministic": True,
}
AUGMENTED = {"augment_jitter": 0.1, "augment_rotation": 10.0}
SKETCH = {
    **{"encoder_units": 4, "latent": 3, "units": 5, "mixtures": 2, "embedding": 2, "norm": "layer"},
    **{"dropout": 0.2, "recurrent_dropout": 0.2, "kl_decay": 0.9},
}


INFLATED = {"filters": [3, 4], "kernels": [3, 3], "depths": [3, 2], "time_strides": [2, 1], "features": 5}
BUSY_FORECAST = {key: value for key, value in BUSY.items() if key != "augment_drop"}
BUSY_WATCH = {key: value for key, value in BUSY.items() if key != "augment_drop"}


class KillError(Exception):
    """Stands for a kill of the process."""


@pytest.mark.parametrize(
    ("task", "name", "config", "recipe", "kills"),
    [
        pytest.param(
            "classify",
            "conv_rnn",
            CONV,
            classify_recipe(**BUSY, **AUGMENTED, weight_averaging="ema"),
            [2, 3],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "classify",
            "conv_rnn",
            CONV | {"ensemble_size": 2, "image": 3},
            classify_recipe(**BUSY, **AUGMENTED, weight_averaging="swa", swa_start=0.3),
            [5],
            marks=pytest.mark.slow,
        ),
        (
            "forecast",
            "linear",
            {},
            ForecastRecipe(**BUSY_FORECAST, weight_averaging="ema"),
            [2, 3],
        ),
        pytest.param(  # killed in the pretraining, then in the main phase
            "watch",
            "inflated",
            INFLATED,
            watch_recipe(**BUSY_WATCH, augment_rotation=10.0, weight_averaging="ema", pretrain_epochs=2),
            [2, 7],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "draw",
            "sketch_rnn",
            SKETCH,
            draw_recipe(**BUSY, augment_scale=0.1, weight_averaging="ema"),
            [2, 3],
            marks=pytest.mark.slow,
        ),
    ],
)
@pytest.mark.slow
def test_a_resumed_training_ends_like_an_undisturbed_one(
    processed_data: Path,
    tmp_path: Path,
    deterministic: None,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    name: str,
    config: dict[str, Any],
    recipe: Recipe,
    kills: list[int],
) -> None:
    def train(folder_name: str, checkpoint_dir: Path | None) -> dict[str, Any]:
        folder = tmp_path / folder_name
        folder.mkdir(exist_ok=True)
        job = TrainingJob.create(task, name, 5, config, recipe)
        return run.train_network(
            job, processed_data / task, folder, lambda row: None, checkpoint_dir=checkpoint_dir
        )

    undisturbed = train("undisturbed", None)
    save = CheckpointManager.save
    for kill in kills:
        remaining = [kill]

        def dies(self: CheckpointManager, state: TrainState, remaining: list[int] = remaining) -> None:
            save(self, state)
            remaining[0] -= 1
            if remaining[0] == 0:
                raise KillError

        with monkeypatch.context() as patch:
            patch.setattr(CheckpointManager, "save", dies)
            with pytest.raises(KillError):
                train("cut", tmp_path / "record")
    cut_off = train("cut", tmp_path / "record")
    assert cut_off["best_epoch"] == undisturbed["best_epoch"]
    first, second = (networks.load_network(tmp_path / name).get_weights() for name in ("undisturbed", "cut"))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first, second, strict=True))
    rows = [(tmp_path / name / "history.csv").read_text().splitlines() for name in ("undisturbed", "cut")]
    timeless = [[line.split(",")[:2] + line.split(",")[4:] for line in lines] for lines in rows]
    assert timeless[0] == timeless[1]


@pytest.mark.slow
def test_an_interrupted_training_keeps_its_running_step(
    processed_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os
    import signal

    calls: list[int] = []

    def check(self: Any, epoch: int, step: int, location: str) -> None:
        calls.append(step)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("strokecast.training.guards.NonFiniteDetector.check", check)
    job = TrainingJob.create(
        "classify", "gru", 5, {"units": 2, "layers": 1}, classify_recipe(epochs=2, batch_size=16)
    )
    with pytest.raises(signals.Interrupted) as ended:
        run.train_network(
            job,
            processed_data / "classify",
            tmp_path,
            lambda row: None,
            checkpoint_dir=tmp_path / "record",
        )
    assert (ended.value.number, str(ended.value)) == (signal.SIGTERM, f"after epoch 0, step {calls[-1]}")
    assert [path.name for path in (tmp_path / "record").iterdir()] == [
        f"checkpoint-000000-{calls[-1]:09d}.npz"
    ]
