"""Our recurrent cells against Keras's own layers, and against the equations."""

from typing import Any

import numpy as np
import pytest

STEPS, CHANNELS, UNITS = 9, 5, 7
MASKS = {
    "none": None,
    "right": np.arange(STEPS) < np.array([1, 4, 9, 6])[:, None],
    "scattered": np.random.default_rng(2).random((4, STEPS)) < 0.6,
}
PAIRS = [("LSTM", {}), ("GRU", {}), ("GRU", {"reset_after": False})]


def ours(kind: str) -> Any:
    from strokecast.models.layers.gru_cell import GRUCell
    from strokecast.models.layers.lstm_cell import LSTMCell

    return {"LSTM": LSTMCell, "GRU": GRUCell}[kind]


@pytest.fixture(scope="module")
def batch() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(4, STEPS, CHANNELS)).astype(np.float32)


def run(layer: Any, batch: np.ndarray, mask: Any) -> tuple[Any, list[Any]]:
    """Outputs, and gradients of a loss that weighs each output differently, by input and weights."""
    import tensorflow as tf

    x = tf.constant(batch)
    with tf.GradientTape() as tape:
        tape.watch(x)
        output = layer(x, mask=mask)
        weights = tf.reshape(tf.range(tf.size(output), dtype=tf.float32), tf.shape(output))
        loss = tf.reduce_sum(tf.sin(weights) * output)
    values = [weight.value for weight in layer.trainable_weights]
    return output.numpy(), [gradient.numpy() for gradient in tape.gradient(loss, [x, *values])]


@pytest.mark.parametrize(("kind", "settings"), PAIRS)
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("whole", [False, True])
def test_cells_equal_keras_in_outputs_and_gradients(
    kind: str, settings: dict[str, Any], mask: str, whole: bool, batch: np.ndarray
) -> None:
    import keras

    theirs = getattr(keras.layers, kind)(UNITS, return_sequences=whole, **settings)
    mine = keras.layers.RNN(ours(kind)(UNITS, **settings), return_sequences=whole)
    theirs.build(batch.shape)
    mine.build(batch.shape)
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=weight.shape).astype(np.float32) * 0.5 for weight in theirs.get_weights()]
    theirs.set_weights(weights)
    mine.set_weights(weights)
    expected, expected_gradients = run(theirs, batch, MASKS[mask])
    output, gradients = run(mine, batch, MASKS[mask])
    np.testing.assert_allclose(output, expected, atol=1e-5)
    assert len(gradients) == len(expected_gradients) == 4
    for mine_one, their_one in zip(gradients, expected_gradients, strict=True):
        assert np.abs(their_one).max() > 1e-3
        np.testing.assert_allclose(mine_one, their_one, atol=1e-5, rtol=1e-5)


def test_the_forget_gate_starts_open() -> None:
    cell = ours("LSTM")(UNITS)
    cell.build((None, CHANNELS))
    np.testing.assert_array_equal(cell.bias.numpy(), np.repeat([0, 1, 0, 0], UNITS))


def test_layer_norm_lstm_follows_its_equations(batch: np.ndarray) -> None:
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
        part = slice(n * UNITS, (n + 1) * UNITS)
        gates.append(gain[n] * norm(x @ W[:, part] + h @ U[:, part]) + b[part])
    c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * np.maximum(gates[2], 0)
    normed = cell.cell_gain.numpy() * norm(c) + cell.cell_bias.numpy()
    np.testing.assert_allclose(state.numpy(), c, atol=1e-4)
    np.testing.assert_allclose(hidden.numpy(), sigmoid(gates[3]) * np.maximum(normed, 0), atol=1e-4)


@pytest.mark.parametrize("activation", ["relu", "elu", "softplus"])
def test_without_saturation_the_state_stays_finite_over_long_drawings(activation: str) -> None:
    import keras

    from strokecast.models.layers.layer_norm_lstm import layer_norm_lstm

    keras.utils.set_random_seed(0)
    layer = layer_norm_lstm(UNITS, return_sequences=False, name="it", activation=activation)
    out = layer(5 * np.random.default_rng(0).normal(size=(2, 400, CHANNELS)).astype(np.float32)).numpy()
    assert np.isfinite(out).all()
    assert np.abs(out).max() < 50


@pytest.mark.parametrize("kind", ["variational", "per_step"])
def test_dropout_masks_are_kept_or_fresh(kind: str) -> None:
    """With h at 0, U at 0 and the same x at each step, steps differ by their masks alone."""
    import keras

    from strokecast.models.layers.layer_norm_lstm import LayerNormLSTMCell

    keras.utils.set_random_seed(1)
    cell = LayerNormLSTMCell(UNITS, dropout=0.5, dropout_kind=kind)
    layer = keras.layers.RNN(cell, return_sequences=True)
    x = np.ones((8, STEPS, CHANNELS), np.float32)
    layer.build(x.shape)
    cell.recurrent_kernel.assign(np.zeros((UNITS, 4 * UNITS)))
    bias = np.zeros(4 * UNITS)
    bias[UNITS : 2 * UNITS] = -100  # forget everything: each step stands alone
    cell.bias.assign(bias)
    out = layer(x, training=True).numpy()
    alike = np.allclose(out[:, 1:], out[:, :1], atol=1e-6)
    assert alike == (kind == "variational")
    assert not np.allclose(out[:1], out[1:], atol=1e-6), "each drawing has its own mask"
    again = layer(x, training=True).numpy()
    assert not np.allclose(again, out), "the next batch has others"
    still = layer(x, training=False).numpy()
    np.testing.assert_allclose(still[:, 1:], np.broadcast_to(still[:, :1], still[:, 1:].shape), atol=1e-6)


def test_per_step_recurrent_dropout_loses_nothing_from_memory() -> None:
    """Forget gate open, input gate shut: the cell state passes through all steps as it was."""
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


def test_cells_are_made_again_from_their_config(tmp_path: Any) -> None:
    import keras

    from strokecast.models.layers.layer_norm_lstm import LayerNormLSTMCell

    x = keras.Input((None, CHANNELS))
    real = keras.Input((None,), dtype="bool")
    cells = [ours("LSTM")(3), ours("GRU")(3, reset_after=False)]
    cells.append(LayerNormLSTMCell(3, "elu", recurrent_dropout=0.2, dropout_kind="per_step", epsilon=1e-2))
    y = x
    for cell in cells:
        y = keras.layers.RNN(cell, return_sequences=True)(y, mask=real)
    y = keras.layers.Bidirectional(keras.layers.RNN(LayerNormLSTMCell(3, dropout=0.1)))(y, mask=real)
    model = keras.Model([x, real], y)
    model.save(tmp_path / "cells.keras")
    loaded = keras.models.load_model(tmp_path / "cells.keras")
    batch = np.random.default_rng(0).normal(size=(4, STEPS, CHANNELS)).astype(np.float32)
    given = [batch, MASKS["right"]]
    np.testing.assert_allclose(loaded(given), model(given), atol=1e-6)
    kept = next(layer.cell for layer in loaded.layers if getattr(layer, "name", "") == model.layers[-2].name)
    assert (kept.epsilon, kept.dropout_kind, kept.recurrent_dropout) == (1e-2, "per_step", 0.2)


def test_an_unknown_kind_of_dropout_is_refused() -> None:
    from strokecast.models.layers.layer_norm_lstm import LayerNormLSTMCell

    with pytest.raises(ValueError, match="variational or per_step, received 'kept'"):
        LayerNormLSTMCell(3, dropout_kind="kept")  # type: ignore[arg-type]
