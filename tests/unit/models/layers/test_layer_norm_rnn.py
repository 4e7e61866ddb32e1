"""The layer-normalised SimpleRNN cell against its equation."""

import numpy as np

from strokecast.models.layers.layer_norm_rnn import LayerNormRNNCell


def test_a_step_follows_the_equation() -> None:
    rng = np.random.default_rng(0)
    cell = LayerNormRNNCell(5)
    x, h = (rng.normal(size=(3, size)).astype(np.float32) for size in (4, 5))
    cell.build((None, 4))
    weights = [rng.normal(size=values.shape).astype(np.float32) for values in cell.get_weights()]
    cell.set_weights(weights)
    kernel, recurrent, bias, gain = weights
    total = x @ kernel + h @ recurrent
    normal = (total - total.mean(axis=1, keepdims=True)) / np.sqrt(total.var(axis=1, keepdims=True) + 1e-3)
    output, (state,) = cell(x, [h])
    np.testing.assert_allclose(output, np.tanh(normal * gain + bias), atol=1e-5)
    np.testing.assert_array_equal(output, state)
