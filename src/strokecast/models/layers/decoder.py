"""From a vector to a drawing, a point at a time: the part that the networks of `draw` share.

Source: the decoder of Ha and Eck, 2017, https://arxiv.org/abs/1704.03477, section 3.2.

Shapes: B batch, T padded points, D condition, U units, M mixtures. `strokecast.inference.sampling` finds the
layers by the names given here and goes through them step by step.
"""

from __future__ import annotations

from typing import Any, Literal

import keras

from strokecast.models.layers.layer_norm_lstm import layer_norm_lstm
from strokecast.models.layers.stroke5 import AtEachStep, PointBefore

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
    """Teacher-forced: at each step, what comes next, from the true point before and all that the state holds.

    The condition sets the first state, through a dense layer with tanh, and is read again at each step.
    No mask is needed: the recurrence looks back only, and padding comes last.

    Args:
        strokes: float32 [B, T, 3].
        length: int32 [B].
        condition: float [B, D]: what to draw.
        units: U.
        mixtures: M.
        norm: `layer`: layer normalisation at every gate; a cell of our own, not on cuDNN.
        dropout: share of units dropped from what the decoder gives.
        recurrent_dropout: share of units dropped inside the recurrence: with `layer`, of the candidate, anew
            at each step (Semeniuta et al., as the paper has it); else of the state, the same at each step.
        l2: factor of the decoder's squared weights in the loss.

    Returns:
        float [B, T + 1, 6M + 3], parameters of the mixture (`layers.mixture`) at each step.
    """
    points = PointBefore(name="point_before")(strokes, length)  # [B, T + 1, 5]
    condition = keras.layers.Identity(name=CONDITION)(condition)
    seen = AtEachStep(name="with_condition")(points, condition)  # [B, T + 1, 5 + D]
    first = [keras.layers.Dense(units, activation="tanh", name=name)(condition) for name in (HIDDEN, CELL)]
    settings: dict[str, Any] = {"recurrent_dropout": recurrent_dropout}
    if l2:
        settings["kernel_regularizer"] = keras.regularizers.L2(l2)
        settings["recurrent_regularizer"] = keras.regularizers.L2(l2)
    if norm == "layer":
        rnn = layer_norm_lstm(units, return_sequences=True, name=DECODER, dropout_kind="per_step", **settings)
    else:
        rnn = keras.layers.LSTM(units, return_sequences=True, name=DECODER, **settings)
    states = rnn(seen, initial_state=first)  # [B, T + 1, U]
    if dropout:
        states = keras.layers.Dropout(dropout, name="dropout")(states)
    return keras.layers.Dense(6 * mixtures + 3, name=MIXTURE)(states)
