"""LSTM cell with layer normalisation at every gate and dropout inside the recurrence.

Sources: Ba, Kiros and Hinton, 2016 (layer normalisation), https://arxiv.org/abs/1607.06450, with one norm per gate
and one for the cell state as in Ha and Eck, 2017, https://arxiv.org/abs/1704.03477; Gal and Ghahramani, 2016
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

    W, U, b, their initialisers and the per-sequence dropout masks are those of `keras.layers.LSTMCell`; only the
    step differs.

    Args:
        units: size of the hidden and of the cell state.
        activation: activation of candidate and cell state. `tanh` saturates. `relu`, `elu` and `softplus` do not;
            the normalisation keeps their states bounded.
        dropout: dropout rate of the inputs.
        recurrent_dropout: dropout rate inside the recurrence.
        dropout_kind: `variational`: one mask for x and one for h per sequence, the same at each of its time steps
            (Gal and Ghahramani). `per_step`: new masks at each time step, for x and for the candidate g only, so
            that the cell state loses nothing (Semeniuta et al.).
        epsilon: added to the variance.
        seed: seed of the dropout masks.
        kwargs: further arguments of `keras.layers.LSTMCell` (initialisers, regularisers, name).

    Call arguments:
        inputs: float [B, C], x.
        states: [h, c], each float [B, U].
        training: whether dropout is active.

    Returns:
        (h' [B, U], [h' [B, U], c' [B, U]]).

    Raises:
        ValueError: if `dropout_kind` is not one of the two.
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
        """Create W, U, b and the gains (initially 1)."""
        super().build(input_shape)
        self.gate_gain = self.add_weight((4, self.units), initializer="ones", name="gate_gain")
        self.cell_gain = self.add_weight((self.units,), initializer="ones", name="cell_gain")
        self.cell_bias = self.add_weight((self.units,), initializer="zeros", name="cell_bias")

    def get_dropout_mask(self, step_input: Any) -> Any:
        """Return the sequence's mask of x, or None with `per_step`. Called by `keras.layers.RNN`."""
        return super().get_dropout_mask(step_input) if self.dropout_kind == "variational" else None

    def get_recurrent_dropout_mask(self, step_input: Any) -> Any:
        """Return the sequence's mask of h, or None with `per_step`. Called by `keras.layers.RNN`."""
        return super().get_recurrent_dropout_mask(step_input) if self.dropout_kind == "variational" else None

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """Compute one time step."""
        hidden, cell = states
        per_step = training and self.dropout_kind == "per_step"
        variational = training and self.dropout_kind == "variational"
        if self.dropout and per_step:
            inputs = keras.random.dropout(inputs, self.dropout, seed=self.seed_generator)
        elif self.dropout and variational:
            inputs = inputs * self.get_dropout_mask(inputs)
        recurrent_input = hidden
        if self.recurrent_dropout and variational:
            recurrent_input = hidden * self.get_recurrent_dropout_mask(hidden)
        gates = ops.matmul(inputs, self.kernel) + ops.matmul(
            recurrent_input, self.recurrent_kernel
        )  # [B, 4U]
        gates = self._normalise(ops.reshape(gates, (-1, 4, self.units)))  # [B, 4, U]
        gates = gates * self.gate_gain + ops.reshape(self.bias, (4, self.units))
        input_gate = ops.sigmoid(gates[:, 0])
        forget_gate = ops.sigmoid(gates[:, 1])
        candidate = self.activation(gates[:, 2])
        output_gate = ops.sigmoid(gates[:, 3])
        if self.recurrent_dropout and per_step:
            candidate = keras.random.dropout(candidate, self.recurrent_dropout, seed=self.seed_generator)
        cell = forget_gate * cell + input_gate * candidate
        hidden = output_gate * self.activation(self._normalise(cell) * self.cell_gain + self.cell_bias)
        return hidden, [hidden, cell]

    def _normalise(self, values: Any) -> Any:
        """Normalise to mean 0 and variance 1 over the last axis."""
        centred = values - ops.mean(values, axis=-1, keepdims=True)
        return centred * ops.rsqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + self.epsilon)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "dropout_kind": self.dropout_kind, "epsilon": self.epsilon}


def layer_norm_lstm(units: int, *, return_sequences: bool, name: str, **settings: Any) -> Any:
    """Return a `keras.layers.RNN` of `LayerNormLSTMCell`; arguments are those of `keras.layers.LSTM`."""
    cell = LayerNormLSTMCell(units, name=f"{name}_cell", **settings)
    return keras.layers.RNN(cell, return_sequences=return_sequences, name=name)
