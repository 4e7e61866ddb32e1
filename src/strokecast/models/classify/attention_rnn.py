"""A bidirectional recurrent network whose steps are pooled by attention.

Source: Yang et al., 2016, https://aclanthology.org/N16-1174 (GRU encoder and attention of one level); the score
is that of Bahdanau, Cho and Bengio, 2015, https://arxiv.org/abs/1409.0473.

Shape legend: B batch, T padded points, U units a direction, K classes.
Kind: sequence to vector; all recurrent layers return their sequences, for attention to choose from. Keeps
cuDNN's conditions (tanh/sigmoid, no recurrent dropout, right-padded masks) while recurrent_dropout is 0.
When to use it: where one wants to see what a decision rests on. `models.layers.attention.attention_weights(model)`
gives the weight of each point [B, T], to be drawn over the drawing. And where drawings are long: no point has to
survive in a state until the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import (
    Config,
    Directions,
    Dropout,
    Norm,
    Positions,
    RecurrentDropout,
    Time,
)
from strokecast.models.common.registry import register


class AttentionRnnConfig(Config):
    """Settings of `classify.attention_rnn`."""

    cell: Literal["gru", "lstm", "simple_rnn"] = Field("gru", description="of the recurrent layers")
    units: int = Field(64, ge=1, le=4096, description="units of each layer and direction")
    layers: int = Field(2, ge=1, le=16, description="bidirectional layers on top of each other")
    attention_units: int = Field(64, ge=1, le=4096, description="size in which points are compared")
    dropout: Dropout = 0.1
    recurrent_dropout: RecurrentDropout = 0.0
    norm: Norm = "none"
    l2: float = Field(
        0.0, ge=0, le=1, description="factor of the recurrent layers' squared weights in the loss"
    )
    positions: Positions = True
    time: Time = False
    directions: Directions = False


@register(
    "classify",
    "attention_rnn",
    AttentionRnnConfig,
    testing=AttentionRnnConfig(units=8, layers=2, attention_units=6, dropout=0.0),
)
def build(config: AttentionRnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T] → logits [B, K]."""
    import keras

    from strokecast.models.layers.attention import LAYER, AttentionWeights, WeightedSum
    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.recurrent import CELLS, recurrent_stack

    inputs, points, real = drawing_inputs(
        config.positions, config.time, config.directions
    )  # points [B, T, C], real [B, T]
    steps = recurrent_stack(  # [B, T, 2U]
        CELLS[config.cell],
        points,
        config.units,
        config.layers,
        mask=real,
        dropout=config.dropout,
        bidirectional=True,
        norm=config.norm,
        l2=config.l2,
        return_sequences=True,
        recurrent_dropout=config.recurrent_dropout,
    )
    weights = AttentionWeights(config.attention_units, name=LAYER)(steps, real)  # [B, T]
    pooled = WeightedSum(name="pooled")(steps, weights)  # [B, 2U]
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(pooled)  # [B, K]
    return keras.Model(inputs, logits, name="attention_rnn")
