"""The layer-normalised LSTM cell against its equations; its dropout masks; saved and loaded custom cells."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

STEPS, CHANNELS, UNITS = 9, 5, 7


def test_a_step_follows_the_equations(batch: np.ndarray) -> None:
    from strokecast.models.layers.layer_norm_lstm import LayerNormLSTMCell

    cell = LayerNormLSTMCell(UNITS, activation="relu")
    cell.build((None, CHANNELS))
    rng = np.random.default_rng(3)
    for weight in cell.weights:
        if weight.name != "seed_generator_state":
            weight.assign(rng.normal(size=weight.shape))
    x, h, c = batch[:, 0], *rng.normal(size=(2, 4, UNITS)).astype(np.float32)
    hidden, (_, state) = cell(x, [h, c])

    def norm(v: np.ndarray) -> np.ndarray:
        return (v - v.mean(axis=-1, keepdims=True)) / np.sqrt(v.var(axis=-1, keepdims=True) + 1e-3)

    def sigmoid(v: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-v))

    W, U, b = (weight.numpy() for weight in (cell.kernel, cell.recurrent_kernel, cell.bias))
    gain = cell.gate_gain.numpy()
    gates = []
    for n in range(4):
        columns = slice(n * UNITS, (n + 1) * UNITS)
        gates.append(gain[n] * norm(x @ W[:, columns] + h @ U[:, columns]) + b[columns])
    c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * np.maximum(gates[2], 0)
    normed = cell.cell_gain.numpy() * norm(c) + cell.cell_bias.numpy()
    np.testing.assert_allclose(state.numpy(), c, atol=1e-4)
    np.testing.assert_allclose(hidden.numpy(), sigmoid(gates[3]) * np.maximum(normed, 0), atol=1e-4)


@pytest.mark.parametrize("activation", ["relu", "elu", "softplus"])
def test_the_state_stays_bounded_without_a_saturating_activation(activation: str) -> None:
    import keras
    import tensorflow as tf

    from strokecast.models.layers.layer_norm_lstm import layer_norm_lstm

    keras.utils.set_random_seed(0)
    layer = layer_norm_lstm(UNITS, return_sequences=False, name="lstm", activation=activation)
    x = 5 * np.random.default_rng(0).normal(size=(2, 400, CHANNELS)).astype(np.float32)
    output = tf.function(layer, autograph=False)(x).numpy()  # eager steps take seconds
    assert np.isfinite(output).all()
    assert np.abs(output).max() < 50


@pytest.mark.parametrize("kind", ["variational", "per_step"])
def test_dropout_masks_are_per_sequence_or_per_step(kind: str) -> None:
    """With h and U at 0 and the same x at each step, the outputs of two steps differ only by their masks."""
    import keras

    from strokecast.models.layers.layer_norm_lstm import LayerNormLSTMCell

    keras.utils.set_random_seed(1)
    cell = LayerNormLSTMCell(UNITS, dropout=0.5, dropout_kind=kind)
    layer = keras.layers.RNN(cell, return_sequences=True)
    x = np.ones((8, STEPS, CHANNELS), np.float32)
    layer.build(x.shape)
    cell.recurrent_kernel.assign(np.zeros((UNITS, 4 * UNITS)))
    bias = np.zeros(4 * UNITS)
    bias[UNITS : 2 * UNITS] = -100  # closed forget gate: each step is independent
    cell.bias.assign(bias)
    output = layer(x, training=True).numpy()
    steps_equal = np.allclose(output[:, 1:], output[:, :1], atol=1e-6)
    assert steps_equal == (kind == "variational")
    assert not np.allclose(output[:1], output[1:], atol=1e-6), "each drawing has its own mask"
    next_batch = layer(x, training=True).numpy()
    assert not np.allclose(next_batch, output), "each batch has its own masks"
    inference = layer(x, training=False).numpy()
    np.testing.assert_allclose(
        inference[:, 1:], np.broadcast_to(inference[:, :1], inference[:, 1:].shape), atol=1e-6
    )


def test_per_step_recurrent_dropout_keeps_the_cell_state() -> None:
    """With an open forget gate and a closed input gate, the cell state passes all steps unchanged."""
    import keras

    from strokecast.models.layers.layer_norm_lstm import LayerNormLSTMCell

    keras.utils.set_random_seed(0)
    cell = LayerNormLSTMCell(UNITS, recurrent_dropout=0.5, dropout_kind="per_step")
    cell.build((None, CHANNELS))
    bias = np.zeros(4 * UNITS)
    bias[:UNITS], bias[UNITS : 2 * UNITS] = -100, 100
    cell.bias.assign(bias)
    state = np.random.default_rng(0).normal(size=(3, UNITS)).astype(np.float32)
    states = [np.zeros_like(state), state]
    for _ in range(20):
        _, states = cell(np.ones((3, CHANNELS), np.float32), states, training=True)
    np.testing.assert_allclose(states[1], state, rtol=1e-5)


def test_custom_cells_are_saved_and_loaded(tmp_path: Path, batch: np.ndarray) -> None:
    import keras

    from strokecast.models.layers.gru_cell import GRUCell
    from strokecast.models.layers.layer_norm_lstm import LayerNormLSTMCell
    from strokecast.models.layers.lstm_cell import LSTMCell

    x = keras.Input((None, CHANNELS))
    mask = keras.Input((None,), dtype="bool")
    cells: list[Any] = [LSTMCell(3), GRUCell(3, reset_after=False)]
    cells.append(LayerNormLSTMCell(3, "elu", recurrent_dropout=0.2, dropout_kind="per_step", epsilon=1e-2))
    y = x
    for cell in cells:
        y = keras.layers.RNN(cell, return_sequences=True)(y, mask=mask)
    y = keras.layers.Bidirectional(keras.layers.RNN(LayerNormLSTMCell(3, dropout=0.1)))(y, mask=mask)
    model = keras.Model([x, mask], y)
    model.save(tmp_path / "cells.keras")
    loaded = keras.models.load_model(tmp_path / "cells.keras")
    inputs = [batch, np.arange(STEPS) < np.array([1, 4, 9, 6])[:, None]]
    np.testing.assert_allclose(loaded(inputs), model(inputs), atol=1e-6)
    name = model.layers[-2].name
    loaded_cell = next(layer.cell for layer in loaded.layers if layer.name == name)
    settings = (loaded_cell.epsilon, loaded_cell.dropout_kind, loaded_cell.recurrent_dropout)
    assert settings == (1e-2, "per_step", 0.2)


def test_an_unknown_kind_of_dropout_raises() -> None:
    from strokecast.models.layers.layer_norm_lstm import LayerNormLSTMCell

    with pytest.raises(ValueError, match="variational or per_step, received 'kept'"):
        LayerNormLSTMCell(3, dropout_kind="kept")  # type: ignore[arg-type]
