"""Broken numbers, no memory, no disk: each stops the training in one line that helps."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.params import ClassifyRecipe
from strokecast.training import guards, model_files, optimizers, run, steps
from strokecast.training.checkpoint import CheckpointManager
from strokecast.training.guards import TrainingError
from strokecast.training.job import TrainingJob
from strokecast.training.objectives import Objective


def classify_recipe(**keys: Any) -> ClassifyRecipe:
    """A recipe without warm-up and augmentation, unless `keys` switches them on."""
    neutral = {"epochs": 20, "batch_size": 128, "learning_rate": 0.002, "warmup_epochs": 0}
    off = dict.fromkeys(("augment_scale", "augment_rotation", "augment_jitter", "augment_drop"), 0.0)
    return ClassifyRecipe(**{**neutral, **off, **keys})


def network(poison: Callable[[Any], Any]) -> Any:
    """Dense a → poison → Dense b → Dense c, on {"x": [B, 2]}."""
    import keras

    class Poison(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return poison(x)

        def compute_output_spec(self, x: Any) -> Any:
            return keras.KerasTensor(x.shape, x.dtype)

    x = keras.Input((2,), name="x")
    y = Poison(name="poison")(keras.layers.Dense(3, name="a")(x))
    y = keras.layers.Dense(1, name="c")(keras.layers.Dense(3, name="b")(y))
    return keras.Model({"x": x}, y)


def steps_of(model: Any, **more: Any) -> steps.CompiledSteps:
    import tensorflow as tf

    def loss(target: Any, output: Any) -> Any:
        return tf.reduce_mean(tf.square(output - target), axis=-1)

    objective = Objective(((1,), "float32"), loss, loss, None)
    return steps.compile_steps(
        model, optimizers.make(classify_recipe(epochs=1)), objective, more.pop("global_clipnorm", 1.0), **more
    )


def train(compiled: steps.CompiledSteps, x: float) -> None:
    import tensorflow as tf

    compiled.train({"x": tf.fill((4, 2), x)}, tf.zeros((4, 1)), np.float32(0.1))


@pytest.mark.parametrize("clip", [{}, {"global_clipnorm": None}, {"global_clipnorm": None, "clipvalue": 0.1}])
def test_the_first_layer_whose_gradient_broke_is_named(clip: dict[str, Any]) -> None:
    import tensorflow as tf

    @tf.custom_gradient
    def poison(x: Any) -> Any:
        # its output is fine; what it hands back for inputs above 50 is not
        return x, lambda upstream: tf.where(tf.abs(x) > 50.0, float("nan"), upstream)

    compiled = steps_of(network(poison), **clip)
    for _ in range(3):
        train(compiled, 0.5)
        compiled.detector.check(1, 1, "models.x.y")
    train(compiled, 1000.0)
    train(compiled, 0.5)  # all is NaN by now; the error names the first break
    with pytest.raises(TrainingError) as raised:
        compiled.detector.check(2, 5, "models.x.y")
    line = str(raised.value)
    assert line.startswith("models.x.y: the gradient became nan in epoch 2, at step 5; ")
    assert "the gradient broke first in layer a (a/bias), in 2 of 6 variables" in line
    assert line.endswith("lower learning_rate, or set global_clipnorm")


def test_an_infinite_loss_is_named() -> None:
    compiled = steps_of(network(lambda x: x))
    train(compiled, 1e30)
    with pytest.raises(TrainingError, match=r"the training loss became inf in epoch 1, .*layer c \(c/bias\)"):
        compiled.detector.check(1, 1, "models.x.y")


@pytest.mark.slow
def test_nan_in_a_training_keeps_the_last_good_checkpoint(
    processed_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN comes in with the data of the second epoch."""
    from strokecast.training import augment

    def make(*_: Any) -> Any:
        import tensorflow as tf

        calls = tf.Variable(0, dtype=tf.int64)

        def change(inputs: dict[str, Any], label: Any, seed: Any) -> dict[str, Any]:
            bad = tf.where(calls.assign_add(1) > 14, float("nan"), 0.0)
            return {**inputs, "strokes": inputs["strokes"] + bad}

        change.calls = calls  # type: ignore[attr-defined]
        return change

    monkeypatch.setattr(augment, "make", make)
    saved: list[tuple[int, int]] = []
    save = CheckpointManager.save

    def recorded(self: CheckpointManager, state: Any) -> None:
        save(self, state)
        saved.append((state.epoch, state.step))

    monkeypatch.setattr(CheckpointManager, "save", recorded)
    recipe = classify_recipe(epochs=9, batch_size=8, checkpoint_steps=2)
    with pytest.raises(
        TrainingError, match=r"the training loss became nan in epoch 2, .*broke first in layer"
    ):
        fit(processed_data, tmp_path, recipe, checkpoint_dir=tmp_path / "record")
    newest = sorted((tmp_path / "record").iterdir())[-1]
    assert newest.name == f"checkpoint-{saved[-1][0]:06d}-{saved[-1][1]:09d}.npz"
    with np.load(newest) as stored:
        assert all(np.isfinite(stored[name]).all() for name in stored.files)
    assert not (tmp_path / "model.keras").exists()


def fit(
    processed_data: Path, folder: Path, recipe: ClassifyRecipe, checkpoint_dir: Path | None = None
) -> None:
    folder.mkdir(exist_ok=True)
    job = TrainingJob.create("classify", "gru", 1, {"units": 4, "layers": 1}, recipe)
    run.train_network(
        job, processed_data / "classify", folder, lambda row: None, checkpoint_dir=checkpoint_dir
    )


def real_error() -> None:
    """Allocate 4 PiB: TensorFlow's allocator retries for 10 seconds, then refuses."""
    import tensorflow as tf

    tf.zeros((2**22, 2**28))


def error_of_the_same_type() -> None:
    import tensorflow as tf

    raise tf.errors.ResourceExhaustedError(None, None, "failed to allocate memory")


@pytest.mark.parametrize(
    "run_out_of_memory", [error_of_the_same_type, pytest.param(real_error, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"batch_size": 64}, "out of memory with batch_size: 64; set batch_size: 32"),
        (
            {"max_tokens_per_batch": 8192},
            "out of memory with max_tokens_per_batch: 8192; set max_tokens_per_batch: 4096",
        ),
        ({"batch_size": 1}, "out of memory with batch_size: 1; choose a smaller network"),
    ],
)
def test_out_of_memory_suggests_half_the_batch(
    processed_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    recipe: dict[str, int],
    message: str,
    run_out_of_memory: Callable[[], None],
) -> None:
    monkeypatch.setattr(steps, "compile_steps", lambda *_: run_out_of_memory())
    with pytest.raises(TrainingError) as ended:
        fit(processed_data, tmp_path, classify_recipe(epochs=1, **recipe))
    assert str(ended.value) == f"models.classify.gru: {message}"


def test_python_out_of_memory_gives_the_same_message() -> None:
    with (
        pytest.raises(TrainingError, match="batch_size: 64"),
        guards.memory(classify_recipe(epochs=1, batch_size=128), "here"),
    ):
        bytearray(2**62)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """`small_disk(kilobytes)`: a tmpfs of that size."""
    mounted: list[Path] = []

    def mount(kilobytes: int) -> Path:
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("a tmpfs cannot be mounted here: it needs root")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_full_disk_while_a_checkpoint_is_written(
    processed_data: Path, small_disk: Callable[[int], Path]
) -> None:
    record = small_disk(64)
    (record / "ballast").write_bytes(b"x" * 40_000)
    with pytest.raises(OSError) as ended:
        fit(processed_data, record.parent / "model", classify_recipe(epochs=8, batch_size=8), record)
    assert ended.value.errno == errno.ENOSPC
    assert str(ended.value.filename).startswith(str(record / "checkpoint-"))
    remaining = [path.name for path in record.iterdir() if path.name != "ballast"]
    assert all(name.startswith("checkpoint-") for name in remaining), "no half-written file"
    for name in remaining:
        with np.load(record / name) as stored:
            assert all(stored[member] is not None for member in stored.files), "and the good one is intact"


@pytest.mark.slow
def test_a_full_disk_while_the_model_is_written(
    processed_data: Path, small_disk: Callable[[int], Path]
) -> None:
    place = small_disk(8)
    with pytest.raises(OSError) as ended:
        fit(processed_data, place, classify_recipe(epochs=1))
    assert (ended.value.errno, ended.value.filename) == (errno.ENOSPC, str(place / "model.keras"))
    assert not (place / "model.keras").exists()


@pytest.mark.slow
def test_a_full_disk_while_the_history_is_written(small_disk: Callable[[int], Path]) -> None:
    place = small_disk(4)
    rows = tuple({"epoch": n, "train_loss": 1 / (n + 1)} for n in range(1000))
    with pytest.raises(OSError) as ended:
        model_files.write_history(place, "history.csv", ("epoch", "train_loss"), rows)
    assert (ended.value.errno, ended.value.filename) == (errno.ENOSPC, str(place / "history.csv"))
    assert list(place.iterdir()) == []


def test_determinism_and_xla_together_are_refused() -> None:
    with pytest.raises(ValueError, match="deterministic and jit_compile exclude each other"):
        classify_recipe(deterministic=True, jit_compile=True)


def test_a_training_error_is_a_user_error_of_one_line() -> None:
    error = guards.non_finite_error("the loss became nan", "models.x.y")
    assert isinstance(error, UserError)
    assert "\n" not in str(error)
