"""A stack of custom LSTM cells with layer normalisation at every gate and dropout at every time step.

Sources: Ba, Kiros and Hinton, 2016, https://arxiv.org/abs/1607.06450; Gal and Ghahramani, 2016,
https://arxiv.org/abs/1512.05287; Semeniuta, Severyn and Barth, 2016, https://arxiv.org/abs/1603.05118.
The cell: `models/layers/layer_norm_lstm.py`.

Shape legend: B batch, T padded points, U units (2U if bidirectional), K classes.
Kind: sequence to vector. A custom cell cannot run on cuDNN.
When to use it: if an LSTM overfits or its training is unstable, and speed on a GPU does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import (
    Bidirectional,
    Config,
    Directions,
    Dropout,
    PointsPerStep,
    Positions,
    Time,
)
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class LayerNormLstmConfig(Config):
    """Settings of `classify.layer_norm_lstm`."""

    units: int = Field(48, ge=1, le=4096, description="units of each layer (and direction)")
    layers: int = Field(2, ge=1, le=16, description="number of stacked layers")
    dropout: Dropout = 0.1
    recurrent_dropout: float = Field(
        0.0, ge=0, lt=1, description="dropout rate inside the recurrence, at each point"
    )
    dropout_kind: Literal["variational", "per_step"] = Field(
        "per_step",
        description="variational: one mask per drawing, on inputs and state; per_step: a new mask per point, on inputs and candidate",
    )
    activation: Literal["tanh", "relu", "elu", "softplus"] = Field(
        "tanh", description="activation of candidate and cell state; only tanh saturates"
    )
    l2: float = Field(0.0, ge=0, le=1, description="factor of the squared weights of the cells in the loss")
    points_per_step: PointsPerStep = 2
    positions: Positions = True
    time: Time = False
    directions: Directions = True
    bidirectional: Bidirectional = True


@register(
    "classify",
    "layer_norm_lstm",
    LayerNormLstmConfig,
    testing=LayerNormLstmConfig(units=8, layers=2, dropout=0.0, bidirectional=False),
    training={"epochs": 8},
    search_space={
        "units": Range(24, 96, log=True),
        "layers": Range(1, 3),
        "dropout": Range(0.0, 0.4),
        "points_per_step": Choices((1, 2, 4)),
        "bidirectional": Choices((False, True)),
    },
)
def build(config: LayerNormLstmConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T] → logits [B, K]."""
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.layer_norm_lstm import layer_norm_lstm
    from strokecast.models.layers.masking import stack_steps
    from strokecast.models.layers.recurrent import recurrent_stack

    inputs, points, mask = drawing_inputs(
        config.positions, config.time, config.directions
    )  # points [B, T, C], mask [B, T]
    points, mask = stack_steps(points, mask, config.points_per_step)
    state = recurrent_stack(  # [B, U]
        layer_norm_lstm,
        points,
        config.units,
        config.layers,
        mask=mask,
        dropout=config.dropout,
        bidirectional=config.bidirectional,
        l2=config.l2,
        recurrent_dropout=config.recurrent_dropout,
        dropout_kind=config.dropout_kind,
        activation=config.activation,
    )
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(state)  # [B, K]
    return keras.Model(inputs, logits, name="layer_norm_lstm")
