"""GRU cell, written gate by gate.

Source: Cho et al., 2014, https://arxiv.org/abs/1406.1078; cuDNN computes the variant `reset_after`.

Shape legend: B batch, C input channels, U units.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="strokecast")
class GRUCell(keras.layers.Layer):
    """One time step of a gated recurrent unit, for `keras.layers.RNN`.

    Update gate     z = sigmoid(x W_z + h U_z + b_z)
    Reset gate      r = sigmoid(x W_r + h U_r + b_r)
    Candidate       g = tanh(x W_g + b_g + r * (h U_g + b'_g))    with reset_after
                    g = tanh(x W_g + (r * h) U_g + b_g)           as in the paper
    Hidden state    h' = z * h + (1 - z) * g

    Weights are concatenated in the order z, r, g, as in `keras.layers.GRU`: `kernel` W [C, 3U], `recurrent_kernel`
    U [U, 3U], `bias` [2, 3U] with `reset_after` (input bias b, state bias b'), else [3U].

    Args:
        units: size of the hidden state.
        reset_after: apply the reset gate after the product with U instead of before it.

    Call arguments:
        inputs: float [B, C], x.
        states: [h], float [B, U].

    Returns:
        (h' [B, U], [h' [B, U]]).
    """

    def __init__(self, units: int, reset_after: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.reset_after = reset_after
        self.state_size = units
        self.output_size = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create W, U and b. All biases start at 0."""
        gate_units = 3 * self.units
        self.kernel = self.add_weight(
            (input_shape[-1], gate_units), initializer="glorot_uniform", name="kernel"
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, gate_units), initializer="orthogonal", name="recurrent_kernel"
        )
        self.bias = self.add_weight(
            (2, gate_units) if self.reset_after else (gate_units,), initializer="zeros", name="bias"
        )

    def call(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        """Compute one time step."""
        hidden = states[0] if isinstance(states, list | tuple) else states
        input_bias, state_bias = (self.bias[0], self.bias[1]) if self.reset_after else (self.bias, 0.0)
        from_input = ops.matmul(inputs, self.kernel) + input_bias
        input_update, input_reset, input_candidate = ops.split(from_input, 3, axis=-1)  # each [B, U]
        if self.reset_after:
            from_state = ops.matmul(hidden, self.recurrent_kernel) + state_bias
            state_update, state_reset, state_candidate = ops.split(from_state, 3, axis=-1)
            reset_gate = ops.sigmoid(input_reset + state_reset)
            state_candidate = reset_gate * state_candidate
        else:
            gates, candidate_kernel = ops.split(self.recurrent_kernel, [2 * self.units], axis=-1)
            state_update, state_reset = ops.split(ops.matmul(hidden, gates), 2, axis=-1)
            reset_gate = ops.sigmoid(input_reset + state_reset)
            state_candidate = ops.matmul(reset_gate * hidden, candidate_kernel)
        update_gate = ops.sigmoid(input_update + state_update)
        candidate = ops.tanh(input_candidate + state_candidate)
        hidden = update_gate * hidden + (1 - update_gate) * candidate
        return hidden, [hidden]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "units": self.units, "reset_after": self.reset_after}
