"""An LSTM cell with layer normalisation at every gate and dropout at every time step.

Sources: Ba, Kiros and Hinton, 2016 (layer normalisation), https://arxiv.org/abs/1607.06450, one norm a gate and
one of the cell state as in Ha and Eck, 2017, https://arxiv.org/abs/1704.03477; Gal and Ghahramani, 2016
(variational dropout), https://arxiv.org/abs/1512.05287; Semeniuta, Severyn and Barth, 2016 (recurrent dropout
without memory loss), https://arxiv.org/abs/1603.05118.

Shape legend: B batch, C input channels, U units.
"""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import ops

DropoutKind = Literal["variational", "per_step"]


@keras.saving.register_keras_serializable(package="strokecast")
class LayerNormLSTMCell(keras.layers.LSTMCell):
    """One time step of a layer-normalised LSTM, for `keras.layers.RNN`.

    With N(v) = (v - mean(v)) / sqrt(var(v) + epsilon) over the units of one example and one gate:

    Input gate      i = sigmoid(gain_i * N(x W_i + h U_i) + b_i)
    Forget gate     f = sigmoid(gain_f * N(x W_f + h U_f) + b_f)
    Candidate       g = activation(gain_g * N(x W_g + h U_g) + b_g)
    Output gate     o = sigmoid(gain_o * N(x W_o + h U_o) + b_o)
    Cell state      c' = f * c + i * g
    Hidden state    h' = o * activation(gain_c * N(c') + b_c)

    W, U, b, their initial values and the drawing of masks once a sequence are those of
    `keras.layers.LSTMCell`; the step is our own.

    Args:
        units: size of the hidden and of the cell state.
        activation: of the candidate and of the cell state. `tanh` saturates; `relu`, `elu` or `softplus`
            do not, and normalisation keeps them from running away.
        dropout: share of the inputs dropped.
        recurrent_dropout: share of units dropped inside the recurrence.
        dropout_kind: `variational`: one mask of x and one of h, drawn once a sequence and kept at each of its
            time steps (Gal and Ghahramani); `per_step`: fresh masks at each time step, of x and of the
            candidate g alone, so that nothing is lost from memory (Semeniuta et al.).
        epsilon: added to the variance.
        seed: of the dropout masks.
        kwargs: of `keras.layers.LSTMCell` (initialisers, regularisers, name).

    Call arguments:
        inputs: float [B, C], x.
        states: [h, c], each float [B, U].
        training: whether to drop.

    Returns:
        (h' [B, U], [h' [B, U], c' [B, U]]).
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        dropout_kind: DropoutKind = "variational",
        epsilon: float = 1e-3,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        if dropout_kind not in ("variational", "per_step"):
            raise ValueError(f"dropout_kind should be variational or per_step, received {dropout_kind!r}")
        super().__init__(
            units,
            activation=activation,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            **kwargs,
        )
        self.dropout_kind = dropout_kind
        self.epsilon = epsilon
        self.dropout_mask_count = None  # one mask for all four gates

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make W, U, b and the gains (1 at first)."""
        super().build(input_shape)
        self.gate_gain = self.add_weight((4, self.units), initializer="ones", name="gate_gain")
        self.cell_gain = self.add_weight((self.units,), initializer="ones", name="cell_gain")
        self.cell_bias = self.add_weight((self.units,), initializer="zeros", name="cell_bias")

    def get_dropout_mask(self, step_input: Any) -> Any:
        """The sequence's mask of x; None where each step draws its own. `keras.layers.RNN` asks for it."""
        return super().get_dropout_mask(step_input) if self.dropout_kind == "variational" else None

    def get_recurrent_dropout_mask(self, step_input: Any) -> Any:
        """The sequence's mask of h; None where each step draws its own. `keras.layers.RNN` asks for it."""
        return super().get_recurrent_dropout_mask(step_input) if self.dropout_kind == "variational" else None

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step."""
        hidden, cell = states
        fresh = training and self.dropout_kind == "per_step"
        kept = training and self.dropout_kind == "variational"
        if self.dropout and fresh:
            inputs = keras.random.dropout(inputs, self.dropout, seed=self.seed_generator)
        elif self.dropout and kept:
            inputs = inputs * self.get_dropout_mask(inputs)
        seen = hidden
        if self.recurrent_dropout and kept:
            seen = hidden * self.get_recurrent_dropout_mask(hidden)
        gates = ops.matmul(inputs, self.kernel) + ops.matmul(seen, self.recurrent_kernel)  # [B, 4U]
        gates = self._normalise(ops.reshape(gates, (-1, 4, self.units)))  # [B, 4, U]
        gates = gates * self.gate_gain + ops.reshape(self.bias, (4, self.units))
        input_gate = ops.sigmoid(gates[:, 0])
        forget_gate = ops.sigmoid(gates[:, 1])
        candidate = self.activation(gates[:, 2])
        output_gate = ops.sigmoid(gates[:, 3])
        if self.recurrent_dropout and fresh:
            candidate = keras.random.dropout(candidate, self.recurrent_dropout, seed=self.seed_generator)
        cell = forget_gate * cell + input_gate * candidate
        hidden = output_gate * self.activation(self._normalise(cell) * self.cell_gain + self.cell_bias)
        return hidden, [hidden, cell]

    def _normalise(self, values: Any) -> Any:
        """Mean 0 and variance 1 over the last axis."""
        centred = values - ops.mean(values, axis=-1, keepdims=True)
        return centred * ops.rsqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + self.epsilon)

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        return {**super().get_config(), "dropout_kind": self.dropout_kind, "epsilon": self.epsilon}


def layer_norm_lstm(units: int, *, return_sequences: bool, name: str, **settings: Any) -> Any:
    """A `keras.layers.RNN` of `LayerNormLSTMCell`, with the arguments of `keras.layers.LSTM`."""
    cell = LayerNormLSTMCell(units, name=f"{name}_cell", **settings)
    return keras.layers.RNN(cell, return_sequences=return_sequences, name=name)
