"""LSTM cell, written gate by gate.

Source: Hochreiter and Schmidhuber, 1997, https://doi.org/10.1162/neco.1997.9.8.1735, with the forget gate of
Gers, Schmidhuber and Cummins, 2000, https://doi.org/10.1162/089976600300015015, whose bias starts at 1
(Jozefowicz, Zaremba and Sutskever, 2015, https://proceedings.mlr.press/v37/jozefowicz15.html).

Shape legend: B batch, C input channels, U units. Explained with a figure in `docs/lstm.md`.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="strokecast")
class LSTMCell(keras.layers.Layer):
    """One time step of an LSTM, for `keras.layers.RNN`.

    Input gate      i = sigmoid(x W_i + h U_i + b_i)
    Forget gate     f = sigmoid(x W_f + h U_f + b_f)
    Candidate       g = tanh(x W_g + h U_g + b_g)
    Output gate     o = sigmoid(x W_o + h U_o + b_o)
    Cell state      c' = f * c + i * g
    Hidden state    h' = o * tanh(c')

    Weights are concatenated in the order i, f, g, o: `kernel` W [C, 4U], `recurrent_kernel` U [U, 4U], `bias` b
    [4U]. The layout is that of `keras.layers.LSTM`, so weights can be exchanged with it.

    Args:
        units: size of the hidden and of the cell state.

    Call arguments:
        inputs: float [B, C], x.
        states: [h, c], each float [B, U].

    Returns:
        (h' [B, U], [h' [B, U], c' [B, U]]).

    Example:
        >>> keras.layers.RNN(LSTMCell(4), return_sequences=True)(ops.ones((2, 5, 3))).shape
        (2, 5, 4)
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, units]
        self.output_size = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create W, U and b. The forget gate's bias starts at 1, the other biases at 0."""
        channels, units = input_shape[-1], self.units

        def open_forget_gate(shape: Any, dtype: Any = None) -> Any:
            zeros, ones = ops.zeros((units,), dtype), ops.ones((units,), dtype)
            return ops.concatenate([zeros, ones, zeros, zeros])

        self.kernel = self.add_weight((channels, 4 * units), initializer="glorot_uniform", name="kernel")
        self.recurrent_kernel = self.add_weight(
            (units, 4 * units), initializer="orthogonal", name="recurrent_kernel"
        )
        self.bias = self.add_weight((4 * units,), initializer=open_forget_gate, name="bias")

    def call(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        """Compute one time step."""
        hidden, cell = states
        gates = ops.matmul(inputs, self.kernel) + ops.matmul(hidden, self.recurrent_kernel) + self.bias
        into_input, into_forget, into_candidate, into_output = ops.split(gates, 4, axis=-1)  # each [B, U]
        input_gate = ops.sigmoid(into_input)
        forget_gate = ops.sigmoid(into_forget)
        candidate = ops.tanh(into_candidate)
        output_gate = ops.sigmoid(into_output)
        cell = forget_gate * cell + input_gate * candidate
        hidden = output_gate * ops.tanh(cell)
        return hidden, [hidden, cell]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "units": self.units}
