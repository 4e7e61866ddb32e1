"""Batches that the tests of the layers share, and the comparison of a custom cell with a Keras layer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

STEPS, CHANNELS = 9, 5
CELL_MASKS = {
    "none": None,
    "right_padded": np.arange(STEPS) < np.array([1, 4, 9, 6])[:, None],
    "scattered": np.random.default_rng(2).random((4, STEPS)) < 0.6,
}


@pytest.fixture(scope="session")
def length() -> np.ndarray:
    """Lengths of 5 padded sequences, int32 [5]."""
    return np.array([1, 4, 7, 10, 11], np.int32)


@pytest.fixture(scope="session")
def mask(length: np.ndarray) -> np.ndarray:
    """Valid steps of the padded sequences, bool [5, 11]."""
    valid: np.ndarray = np.arange(11) < length[:, None]
    return valid


@pytest.fixture(scope="session")
def strokes(mask: np.ndarray) -> np.ndarray:
    """Drawings float32 [5, 11, 3], zero on padding."""
    rng = np.random.default_rng(0)
    drawings = rng.normal(size=(5, 11, 3)).astype(np.float32)
    drawings[:, :, 2] = drawings[:, :, 2] > 0.8
    drawings[~mask] = 0
    return drawings


@pytest.fixture(scope="session")
def sequences() -> np.ndarray:
    """Sequences float32 [5, 11, 8] with noise on padding: layers must not read it."""
    return np.random.default_rng(1).normal(size=(5, 11, 8)).astype(np.float32)


@pytest.fixture(scope="session")
def batch() -> np.ndarray:
    """Unpadded sequences float32 [4, 9, 5], for cells."""
    return np.random.default_rng(0).normal(size=(4, STEPS, CHANNELS)).astype(np.float32)


@pytest.fixture
def assert_equal_to_keras(batch: np.ndarray) -> Callable[[Any, Any, str], None]:
    """Assert that an RNN of a custom cell equals a Keras layer with the same weights, in outputs and gradients."""

    def compare(keras_layer: Any, cell: Any, mask: str) -> None:
        import keras

        layer = keras.layers.RNN(cell, return_sequences=keras_layer.return_sequences)
        keras_layer.build(batch.shape)
        layer.build(batch.shape)
        rng = np.random.default_rng(1)
        shapes = [weight.shape for weight in keras_layer.get_weights()]
        weights = [rng.normal(size=shape).astype(np.float32) * 0.5 for shape in shapes]
        keras_layer.set_weights(weights)
        layer.set_weights(weights)
        expected, expected_gradients = _run(keras_layer, batch, CELL_MASKS[mask])
        output, gradients = _run(layer, batch, CELL_MASKS[mask])
        np.testing.assert_allclose(output, expected, atol=1e-5)
        assert len(gradients) == len(expected_gradients) == 4
        for gradient, expected_gradient in zip(gradients, expected_gradients, strict=True):
            assert np.abs(expected_gradient).max() > 1e-3
            np.testing.assert_allclose(gradient, expected_gradient, atol=1e-5, rtol=1e-5)

    return compare


def _run(layer: Any, batch: np.ndarray, mask: Any) -> tuple[Any, list[Any]]:
    """Outputs, and the gradients by input and weights of a loss that weighs each output differently."""
    import tensorflow as tf

    x = tf.constant(batch)
    with tf.GradientTape() as tape:
        tape.watch(x)
        output = layer(x, mask=mask)
        weights = tf.reshape(tf.range(tf.size(output), dtype=tf.float32), tf.shape(output))
        loss = tf.reduce_sum(tf.sin(weights) * output)
    values = [weight.value for weight in layer.trainable_weights]
    return output.numpy(), [gradient.numpy() for gradient in tape.gradient(loss, [x, *values])]
