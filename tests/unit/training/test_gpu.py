"""Training on a GPU, run by `make test-gpu`: memory, cuDNN's kernels, mixed precision, resuming."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.params import ClassifyRecipe, Runtime
from strokecast.training import run
from strokecast.training.job import TrainingJob

pytestmark = pytest.mark.gpu

GRU = {"units": 16, "layers": 2, "dropout": 0.0, "bidirectional": True}


class StopError(Exception):
    """Ends a training after an epoch."""


def job(seed: int = 1, epochs: int = 6, precision: Any = "float32", **recipe: Any) -> TrainingJob:
    off = dict.fromkeys(("augment_scale", "augment_rotation", "augment_jitter", "augment_drop"), 0.0)
    keys = {"epochs": epochs, "batch_size": 8, "learning_rate": 0.02, "warmup_epochs": 0, **off, **recipe}
    runtime = Runtime(device="gpu", precision=precision)
    return TrainingJob.create("classify", "gru", seed, GRU, ClassifyRecipe(**keys), runtime=runtime)


def train(
    processed: Path, folder: Path, training: TrainingJob, stop_after: int | None = None
) -> dict[str, Any]:
    """The facts of a training, and the last row of its history as `row`."""
    rows: list[Any] = []

    def after_epoch(row: Any) -> None:
        rows.append(row)
        if row["epoch"] == stop_after:
            raise StopError

    model_dir = folder / "model"
    model_dir.mkdir(parents=True, exist_ok=True)
    facts = run.train_network(
        training, processed / "classify", model_dir, after_epoch, checkpoint_dir=folder / "checkpoints"
    )
    return facts | {"row": rows[-1]}


def weights(folder: Path) -> list[Any]:
    from strokecast.inference import networks

    arrays: list[Any] = networks.load_network(folder / "model").get_weights()
    return arrays


def kernels(function: Any, log_dir: Path) -> set[str]:
    """Names of what runs on the GPU during `function()`."""
    import tensorflow as tf

    xplane_pb2 = importlib.import_module("tensorflow.tsl.profiler.protobuf.xplane_pb2")
    tf.profiler.experimental.start(str(log_dir))
    function()
    tf.profiler.experimental.stop()
    names = set()
    for path in log_dir.rglob("*.xplane.pb"):
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
        for plane in space.planes:
            if "GPU" in plane.name:
                names |= {event.name for event in plane.event_metadata.values()}
    return names


@pytest.mark.parametrize("switched_off", [False, True])
@pytest.mark.parametrize("layer", ["GRU", "LSTM"])
def test_cudnn_runs_where_it_is_said_to_run(tmp_path: Path, layer: str, switched_off: bool) -> None:
    import keras
    import tensorflow as tf

    from strokecast.training import cudnn

    inputs = keras.Input((20, 8))
    model = keras.Model(inputs, getattr(keras.layers, layer)(32)(inputs))
    if switched_off:
        cudnn.switch_off(model)
    forward = tf.function(lambda batch: model(batch, training=True))
    batch = tf.ones((16, 20, 8))
    forward(batch)  # tracing
    names = kernels(lambda: forward(batch).numpy(), tmp_path)
    runs = any("cudnn" in name.lower() or "rnn" in name.lower() for name in names)
    assert names, "the profiler saw no kernel"
    assert runs == (not switched_off) == ("" in cudnn.reasons(model, "gpu").values()), sorted(names)


def test_facts_name_the_gpu_and_cudnn(processed_data: Path, tmp_path: Path) -> None:
    facts = train(processed_data, tmp_path, job(epochs=1))
    assert facts["device"] == "gpu"
    assert facts["cudnn"].endswith(": yes")


def test_memory_is_taken_as_it_is_needed(processed_data: Path, tmp_path: Path) -> None:
    pynvml = pytest.importorskip("pynvml", reason="GPU memory is read with the extra `gpu`")
    train(processed_data, tmp_path, job(epochs=1))
    pynvml.nvmlInit()
    memory = pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByIndex(0))
    assert memory.used < memory.total / 2  # without growth, TensorFlow takes nearly all at the start


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_is_within_the_spread_of_seeds(
    processed_data: Path, tmp_path: Path, precision: str
) -> None:
    exact = [train(processed_data, tmp_path / str(seed), job(seed))["row"] for seed in (1, 2, 3)]
    mixed = train(processed_data, tmp_path / precision, job(precision=precision))["row"]
    accuracies = [row["valid_accuracy"] for row in exact]
    assert mixed["valid_accuracy"] >= np.mean(accuracies) - max(2 * np.std(accuracies), 0.06)


def test_a_training_resumes_on_the_gpu_to_the_same_weights(processed_data: Path, tmp_path: Path) -> None:
    training = job(epochs=3, deterministic=True)
    train(processed_data, tmp_path / "whole", training)
    with pytest.raises(StopError):
        train(processed_data, tmp_path / "resumed", training, stop_after=1)
    train(processed_data, tmp_path / "resumed", training)
    for expected, resumed in zip(weights(tmp_path / "whole"), weights(tmp_path / "resumed"), strict=True):
        np.testing.assert_array_equal(resumed, expected)
