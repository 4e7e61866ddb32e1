"""Averaged weights against the same by hand; clipping by value, XLA, threads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.inference import networks
from strokecast.params import ClassifyRecipe
from strokecast.training import averaging, optimizers, run, steps
from strokecast.training.averaging import WeightAverage
from strokecast.training.job import TrainingJob
from strokecast.training.objectives import Objective


def classify_recipe(**keys: Any) -> ClassifyRecipe:
    """A recipe without warm-up and augmentation, unless `keys` switches them on."""
    neutral = {"epochs": 20, "batch_size": 128, "learning_rate": 0.002, "warmup_epochs": 0}
    off = dict.fromkeys(("augment_scale", "augment_rotation", "augment_jitter", "augment_drop"), 0.0)
    return ClassifyRecipe(**{**neutral, **off, **keys})


def network(l2: float = 0.0) -> Any:
    """A dense layer with batch normalisation on {"x": [B, 2]}; l2 of the dense layer."""
    import keras

    keras.utils.set_random_seed(3)
    x = keras.Input((2,), name="x")
    dense = keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L2(l2) if l2 else None, name="a")
    y = keras.layers.BatchNormalization(momentum=0.5)(dense(x))
    return keras.Model({"x": x}, keras.layers.Dense(1, name="b")(y))


def steps_of(model: Any, recipe: ClassifyRecipe, average: WeightAverage | None = None) -> steps.CompiledSteps:
    import tensorflow as tf

    def loss(target: Any, output: Any) -> Any:
        return tf.reduce_mean(tf.square(output - target), axis=-1)

    objective = Objective(((1,), "float32"), loss, loss, None)
    return steps.compile_steps(
        model,
        optimizers.make(recipe),
        objective,
        recipe.global_clipnorm,
        recipe.clipvalue,
        average,
        recipe.jit_compile,
    )


def train(compiled: steps.CompiledSteps, count: int, size: float = 1.0) -> None:
    import tensorflow as tf

    rng = np.random.default_rng(0)
    for n in range(count):
        x = rng.normal(0, size, (6, 2)).astype(np.float32)
        compiled.train({"x": tf.constant(x)}, tf.constant(x[:, :1]), np.float32(0.1 + 0.01 * n))


def test_ema_follows_the_formula_also_for_moving_statistics() -> None:
    recipe = classify_recipe(epochs=1, weight_averaging="ema", ema_decay=0.3)
    model = network()
    average = WeightAverage(model, recipe)
    compiled = steps_of(model, recipe, average)
    expected = model.get_weights()
    for done in range(4):
        train(compiled, 1)
        keep = min(0.3, (1 + done) / (10 + done))
        expected = [keep * a + (1 - keep) * w for a, w in zip(expected, model.get_weights(), strict=True)]
    assert len(expected) == 8, "two moving statistics among them"
    averaged = average.after_epoch(1)
    assert averaged is not None
    raw = model.get_weights()
    with average.swapped_in(averaged):
        for value, by_hand in zip(model.get_weights(), expected, strict=True):
            np.testing.assert_allclose(value, by_hand, atol=1e-6)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), raw, strict=True))
    assert not average.updates_batch_norm


def test_swa_is_the_mean_of_the_last_epochs() -> None:
    recipe = classify_recipe(epochs=8, weight_averaging="swa", swa_start=0.5)
    model = network()
    average = WeightAverage(model, recipe)
    compiled = steps_of(model, recipe, average)
    epoch_weights = []
    for epoch in range(1, 9):
        train(compiled, 2)
        averaged = average.after_epoch(epoch)
        again = average.after_epoch(epoch)
        assert (averaged is None) == (again is None) == (epoch <= 4)
        if averaged is None:
            continue
        epoch_weights.append(model.get_weights())
        average.commit(averaged)
        with average.swapped_in(averaged):
            for value, epochs in zip(model.get_weights(), zip(*epoch_weights, strict=True), strict=True):
                np.testing.assert_allclose(value, np.mean(epochs, axis=0), atol=1e-6)
    assert average.updates_batch_norm, "moving statistics have to be recomputed"


def test_without_averaging_there_are_no_variables() -> None:
    average = WeightAverage(network(), classify_recipe(epochs=1))
    assert average.variables == []
    assert average.after_epoch(1) is None


@pytest.mark.slow
def test_clip_value_bounds_each_entry_of_the_update() -> None:
    plain = {"epochs": 1, "optimizer": "sgd", "global_clipnorm": None}
    moved = []
    for clip in (None, 0.01):
        model = network()
        before = model.get_layer("a").get_weights()[0]
        train(steps_of(model, classify_recipe(**plain, clipvalue=clip)), 1, size=10.0)
        moved.append(float(np.abs(model.get_layer("a").get_weights()[0] - before).max()))
    assert moved[0] > 0.01
    assert moved[1] == pytest.approx(0.1 * 0.01, rel=1e-3)  # learning rate x bound


@pytest.mark.slow
def test_xla_trains_to_the_same_weights() -> None:
    ends = []
    for jit in (False, True):
        model = network()
        # not adam: a bias in front of batch normalisation has a gradient of rounding errors alone
        recipe = classify_recipe(epochs=1, jit_compile=jit, weight_averaging="ema", optimizer="sgd")
        compiled = steps_of(model, recipe, WeightAverage(model, recipe))
        train(compiled, 3)
        assert compiled.train.experimental_get_tracing_count() == 1  # type: ignore[attr-defined]
        ends.append(model.get_weights())
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_l2_of_the_config_pulls_the_weights_down() -> None:
    sizes = []
    for l2 in (0.0, 1.0):
        model = network(l2)
        train(steps_of(model, classify_recipe(epochs=1, optimizer="sgd")), 5)
        sizes.append(float(np.abs(model.get_layer("a").get_weights()[0]).sum()))
    assert sizes[1] < 0.9 * sizes[0]


@pytest.mark.parametrize("average", ["ema", pytest.param("swa", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_the_saved_weights_are_the_validated_ones(
    processed_data: Path, tmp_path: Path, average: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    validated: list[Any] = []
    swapped_in = averaging.WeightAverage.swapped_in

    def recorded(self: WeightAverage, averaged: Any) -> Any:
        validated.append(averaged)
        return swapped_in(self, averaged)

    monkeypatch.setattr(averaging.WeightAverage, "swapped_in", recorded)
    recipe = classify_recipe(
        epochs=3, batch_size=16, learning_rate=0.01, weight_averaging=average, swa_start=0.0
    )
    job = TrainingJob.create("classify", "gru", 1, {"units": 4, "layers": 1}, recipe)
    facts = run.train_network(job, processed_data / "classify", tmp_path, lambda row: None)
    averaged = networks.load_network(tmp_path).get_weights()
    for value, expected in zip(averaged, validated[facts["best_epoch"] - 1], strict=True):
        np.testing.assert_array_equal(value, expected)


@pytest.mark.slow
def test_threads_are_set_before_tensorflow_starts() -> None:
    code = (
        "import json, threading; from strokecast.common.import_hiding import start_tensorflow; start_tensorflow(); "
        "from strokecast.params import Runtime; from strokecast.training import devices; "
        "[devices.prepare(seed, Runtime(threads=3), 2, False) for seed in (1, 2)]; "
        "import tensorflow as tf; tf.zeros(2) + 1; t = tf.config.threading; print(json.dumps("
        "[t.get_intra_op_parallelism_threads(), t.get_inter_op_parallelism_threads()]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [2, 3]
