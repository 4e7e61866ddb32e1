"""Decoder of the networks of `draw`: from a condition vector to the points of a drawing.

Source: the decoder of Ha and Eck, 2017, https://arxiv.org/abs/1704.03477, section 3.2.

Shape legend: B batch, T padded points, D condition size, U units, M mixture components.
`strokecast.inference.sampling` finds the layers by the names below and runs them step by step.
"""

from __future__ import annotations

from typing import Any, Literal

import keras

from strokecast.models.layers.layer_norm_lstm import layer_norm_lstm
from strokecast.models.layers.stroke5 import ConcatPerStep, PreviousPoint

LABEL = "class_embedding"
CONDITION = "condition"
HIDDEN, CELL = "initial_hidden", "initial_cell"
DECODER = "decoder"
MIXTURE = "mixture"


def decode(
    strokes: Any,
    length: Any,
    condition: Any,
    *,
    units: int,
    mixtures: int,
    norm: Literal["none", "layer"],
    dropout: float,
    recurrent_dropout: float,
    l2: float,
) -> Any:
    """Predict the density of each point from the previous true point (teacher forcing) and the decoder's state.

    The condition determines the initial state through a dense layer with tanh, and is also an input at each step.
    No mask is needed: the recurrence is causal and padding comes last.

    Args:
        strokes: float32 [B, T, 3].
        length: int32 [B].
        condition: float [B, D], describes what to draw.
        units: U.
        mixtures: M.
        norm: `layer`: layer normalisation at every gate, by a custom cell that does not run on cuDNN.
        dropout: dropout rate of the decoder's output.
        recurrent_dropout: dropout rate inside the recurrence. With `layer`, a new mask for the candidate at each step
            (Semeniuta et al., as in the paper); otherwise one mask for the state for all steps.
        l2: L2 regularisation factor of the decoder's kernels.

    Returns:
        float [B, T + 1, 6M + 3], raw parameters of the mixture (`layers.mixture`) per step.
    """
    points = PreviousPoint(name="previous_point")(strokes, length)  # [B, T + 1, 5]
    condition = keras.layers.Identity(name=CONDITION)(condition)
    inputs = ConcatPerStep(name="with_condition")(points, condition)  # [B, T + 1, 5 + D]
    initial_state = [
        keras.layers.Dense(units, activation="tanh", name=name)(condition) for name in (HIDDEN, CELL)
    ]
    settings: dict[str, Any] = {"recurrent_dropout": recurrent_dropout}
    if l2:
        settings["kernel_regularizer"] = keras.regularizers.L2(l2)
        settings["recurrent_regularizer"] = keras.regularizers.L2(l2)
    if norm == "layer":
        rnn = layer_norm_lstm(units, return_sequences=True, name=DECODER, dropout_kind="per_step", **settings)
    else:
        rnn = keras.layers.LSTM(units, return_sequences=True, name=DECODER, **settings)
    states = rnn(inputs, initial_state=initial_state)  # [B, T + 1, U]
    if dropout:
        states = keras.layers.Dropout(dropout, name="dropout")(states)
    return keras.layers.Dense(6 * mixtures + 3, name=MIXTURE)(states)
