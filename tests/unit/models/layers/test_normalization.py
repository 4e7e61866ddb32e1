"""The fused batch normalization is Keras's own: outputs, gradients, moving statistics, saved files."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from strokecast.models.layers.normalization import FusedBatchNormalization

SHAPES = [(7, 3), (4, 5, 3), (4, 6, 6, 3), (2, 3, 4, 4, 3)]


def layers(shape: tuple[int, ...]) -> list[Any]:
    """Keras's layer and ours, with the same weights other than the initial ones."""
    rng = np.random.default_rng(1)
    both = [keras.layers.BatchNormalization(momentum=0.8), FusedBatchNormalization(momentum=0.8)]
    weights = [rng.uniform(0.5, 2.0, shape[-1]).astype(np.float32) for _ in range(4)]
    for layer in both:
        layer.build(shape)
        layer.set_weights(weights)
    return both


@pytest.mark.parametrize("shape", SHAPES)
def test_training_step_equals_that_of_keras(shape: tuple[int, ...]) -> None:
    import tensorflow as tf

    x = tf.constant(np.random.default_rng(2).normal(3.0, 2.0, shape).astype(np.float32))
    factor = tf.constant(np.random.default_rng(3).normal(size=shape).astype(np.float32))
    results = []
    for layer in layers(shape):
        with tf.GradientTape() as tape:
            tape.watch(x)
            output = layer(x, training=True)
            loss = tf.reduce_sum(output * factor)
        gradients = tape.gradient(loss, [x, *(weight.value for weight in layer.trainable_variables)])
        results.append([output, *gradients, *layer.get_weights()])
    for expected, fused in zip(*results, strict=True):
        np.testing.assert_allclose(fused, expected, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_inference_does_not_use_or_change_the_statistics_of_the_batch(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(2).normal(3.0, 2.0, shape).astype(np.float32)
    expected, fused = layers(shape)
    before = fused.get_weights()
    np.testing.assert_allclose(fused(x), expected(x), rtol=1e-5)
    np.testing.assert_array_equal(fused.get_weights(), before)


def test_mask_leaves_out_padding_as_in_keras() -> None:
    x = np.random.default_rng(2).normal(size=(4, 5, 3)).astype(np.float32)
    mask = np.arange(5) < np.array([[5], [3], [1], [4]])
    expected, fused = layers(x.shape)
    np.testing.assert_array_equal(fused(x, training=True, mask=mask), expected(x, training=True, mask=mask))
    np.testing.assert_array_equal(fused.get_weights(), expected.get_weights())


def test_a_saved_network_loads_with_the_same_layer(tmp_path: Path) -> None:
    x = np.random.default_rng(2).normal(size=(4, 6, 6, 3)).astype(np.float32)
    inputs = keras.Input((6, 6, 3))
    model = keras.Model(inputs, FusedBatchNormalization(momentum=0.8, name="norm")(inputs))
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.get_layer("norm")) is FusedBatchNormalization
    np.testing.assert_array_equal(loaded(x), model(x))
