"""A bidirectional recurrent network with attention pooling over its states.

Source: Yang et al., 2016, https://aclanthology.org/N16-1174 (GRU encoder, one level of attention); the score function
is that of Bahdanau, Cho and Bengio, 2015, https://arxiv.org/abs/1409.0473.

Shape legend: B batch, T padded points, U units per direction, K classes.
Kind: sequence to vector; all recurrent layers return sequences, over which attention pools. Meets cuDNN's conditions
(tanh/sigmoid, no recurrent dropout, right-padded masks) with `recurrent_dropout` 0.
When to use it: to see which points a decision depends on: `models.layers.attention.attention_weights(model)` gives a
weight per point, [B, T]. Also for long drawings: no information has to survive in a state until the last point.
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
    PointsPerStep,
    Positions,
    RecurrentDropout,
    Time,
)
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class AttentionRnnConfig(Config):
    """Settings of `classify.attention_rnn`."""

    cell: Literal["gru", "lstm", "simple_rnn"] = Field("gru", description="cell type of the recurrent layers")
    units: int = Field(48, ge=1, le=4096, description="units per layer and direction")
    layers: int = Field(2, ge=1, le=16, description="number of stacked bidirectional layers")
    attention_units: int = Field(64, ge=1, le=4096, description="units of the attention score")
    dropout: Dropout = 0.1
    recurrent_dropout: RecurrentDropout = 0.0
    norm: Norm = "none"
    l2: float = Field(
        0.0, ge=0, le=1, description="factor of the squared weights of the recurrent layers in the loss"
    )
    points_per_step: PointsPerStep = 2
    positions: Positions = True
    time: Time = False
    directions: Directions = True


@register(
    "classify",
    "attention_rnn",
    AttentionRnnConfig,
    testing=AttentionRnnConfig(units=8, layers=2, attention_units=6, dropout=0.0),
    training={"epochs": 8},
    search_space={
        "units": Range(24, 96, log=True),
        "layers": Range(1, 3),
        "attention_units": Range(32, 128, log=True),
        "dropout": Range(0.0, 0.4),
        "points_per_step": Choices((1, 2, 4)),
    },
)
def build(config: AttentionRnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T] → logits [B, K]."""
    import keras

    from strokecast.models.layers.attention import LAYER, AttentionWeights, WeightedSum
    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.masking import stack_steps
    from strokecast.models.layers.recurrent import CELLS, recurrent_stack

    inputs, points, mask = drawing_inputs(
        config.positions, config.time, config.directions
    )  # points [B, T, C], mask [B, T]
    points, mask = stack_steps(points, mask, config.points_per_step)
    states = recurrent_stack(  # [B, T, 2U]
        CELLS[config.cell],
        points,
        config.units,
        config.layers,
        mask=mask,
        dropout=config.dropout,
        bidirectional=True,
        norm=config.norm,
        l2=config.l2,
        return_sequences=True,
        recurrent_dropout=config.recurrent_dropout,
    )
    weights = AttentionWeights(config.attention_units, name=LAYER)(states, mask)  # [B, T]
    pooled = WeightedSum(name="pooled")(states, weights)  # [B, 2U]
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(pooled)  # [B, K]
    return keras.Model(inputs, logits, name="attention_rnn")
