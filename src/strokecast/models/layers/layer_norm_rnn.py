"""SimpleRNN cell with layer normalisation between its linear part and its activation.

Source: Ba, Kiros and Hinton, 2016, https://arxiv.org/abs/1607.06450; as a Keras cell in Géron, Hands-On Machine
Learning, 3rd edition, chapter 15.

Shape legend: B batch, C input channels, U units.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="strokecast")
class LayerNormRNNCell(keras.layers.SimpleRNNCell):
    """One time step of a layer-normalised SimpleRNN, for `keras.layers.RNN`.

        h' = activation(gain * N(x W + h U) + b),   N(v) = (v - mean(v)) / sqrt(var(v) + epsilon)

    with mean and variance over the units of one example. W, U, b, their initialisers and the per-sequence dropout
    masks are those of `keras.layers.SimpleRNNCell`.

    Args:
        units: size of the state.
        epsilon: added to the variance.
        kwargs: further arguments of `keras.layers.SimpleRNNCell` (activation, dropout, recurrent_dropout, regularisers, name).

    Call arguments:
        inputs: float [B, C], x.
        states: [h], float [B, U].
        training: whether dropout is active.

    Returns:
        (h' [B, U], [h']).
    """

    def __init__(self, units: int, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.epsilon = epsilon

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create W, U, b and the gain (initially 1)."""
        super().build(input_shape)
        self.gain = self.add_weight((self.units,), initializer="ones", name="gain")

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """Compute one time step."""
        (state,) = states
        if training and self.dropout:
            inputs = inputs * self.get_dropout_mask(inputs)
        if training and self.recurrent_dropout:
            state = state * self.get_recurrent_dropout_mask(state)
        total = ops.matmul(inputs, self.kernel) + ops.matmul(state, self.recurrent_kernel)  # [B, U]
        total = total - ops.mean(total, axis=-1, keepdims=True)
        total = total * ops.rsqrt(ops.mean(ops.square(total), axis=-1, keepdims=True) + self.epsilon)
        state = self.activation(total * self.gain + self.bias)
        return state, [state]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "epsilon": self.epsilon}


def layer_norm_rnn(units: int, *, return_sequences: bool, name: str, **settings: Any) -> Any:
    """Return a `keras.layers.RNN` of `LayerNormRNNCell`; arguments are those of `keras.layers.SimpleRNN`."""
    cell = LayerNormRNNCell(units, name=f"{name}_cell", **settings)
    return keras.layers.RNN(cell, return_sequences=return_sequences, name=name)
