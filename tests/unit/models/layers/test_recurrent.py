"""Recurrent stacks ignore padding with every normalisation; L2 regularisation is a loss of the network."""

from typing import Any

import numpy as np
import pytest


@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
@pytest.mark.parametrize("training", [False, True])
def test_padding_does_not_affect_the_output(
    norm: Any, training: bool, strokes: np.ndarray, length: np.ndarray
) -> None:
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.recurrent import recurrent_stack

    keras.utils.set_random_seed(0)
    inputs, points, mask = drawing_inputs(True)
    state = recurrent_stack(keras.layers.GRU, points, 4, 2, mask=mask, norm=norm, bidirectional=True)
    model = keras.Model(inputs, state)
    weights = model.get_weights()
    expected = model({"strokes": strokes, "length": length}, training=training).numpy()
    model.set_weights(weights)  # batch normalisation has updated its moments
    padded = {"strokes": np.pad(strokes, ((0, 0), (0, 6), (0, 0))), "length": length}
    np.testing.assert_allclose(model(padded, training=training).numpy(), expected, atol=1e-5)


def test_masked_bidirectional_equals_keras_on_valid_steps(sequences: np.ndarray, mask: np.ndarray) -> None:
    import keras

    from strokecast.models.layers.recurrent import MaskedBidirectional

    for return_sequences in (False, True):
        keras_layer = keras.layers.Bidirectional(keras.layers.GRU(4, return_sequences=return_sequences))
        layer = MaskedBidirectional(keras.layers.GRU(4, return_sequences=return_sequences))
        expected = keras_layer(sequences, mask=mask).numpy()
        layer.build(sequences.shape)
        layer.set_weights(keras_layer.get_weights())
        output = layer(sequences, mask=mask).numpy()
        if return_sequences:
            expected, output = expected[mask], output[mask]
        np.testing.assert_allclose(output, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["lstm", "gru", "simple_rnn", "layer_norm_lstm", "wavenet", "transformer"])
def test_l2_is_a_loss_of_the_network(name: str) -> None:
    from strokecast.models.common import registry

    architecture = registry.get("classify", name)
    config = registry.config("classify", name, {**architecture.testing.model_dump(), "l2": 0.5})
    model = architecture.build(config, {"classes": ["a", "b"]})
    kernels = [
        weight.numpy()
        for weight in model.trainable_weights
        if "kernel" in weight.name
        and not weight.path.startswith(("logits", "input_projection/kernel", "patch_projection"))
    ]
    if name == "wavenet":
        kernels.append(model.get_layer("input_projection").kernel.numpy())
    penalty = float(sum(np.square(kernel).sum() for kernel in kernels)) * 0.5
    assert float(sum(model.losses)) == pytest.approx(penalty, rel=1e-4)
    assert not architecture.build(architecture.testing, {"classes": ["a", "b"]}).losses
