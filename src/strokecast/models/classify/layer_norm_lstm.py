"""A stack of layer-normalised LSTM cells of our own, with dropout at every time step.

Sources: Ba, Kiros and Hinton, 2016, https://arxiv.org/abs/1607.06450; Gal and Ghahramani, 2016,
https://arxiv.org/abs/1512.05287; Semeniuta, Severyn and Barth, 2016, https://arxiv.org/abs/1603.05118.
The cell: `models/layers/layer_norm_lstm.py`.

Shape legend: B batch, T padded points, U units (twice that where bidirectional), K classes.
Kind: sequence to vector. A cell of our own cannot run on cuDNN.
When to use it: where an LSTM overfits or trains unsteadily and its speed on a GPU does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import Bidirectional, Config, Directions, Dropout, Positions, Time
from strokecast.models.common.registry import register


class LayerNormLstmConfig(Config):
    """Settings of `classify.layer_norm_lstm`."""

    units: int = Field(64, ge=1, le=4096, description="units of each layer (and direction)")
    layers: int = Field(2, ge=1, le=16, description="layers on top of each other")
    dropout: Dropout = 0.1
    recurrent_dropout: float = Field(
        0.1, ge=0, lt=1, description="share of units dropped inside the recurrence at each point"
    )
    dropout_kind: Literal["variational", "per_step"] = Field(
        "per_step",
        description="variational: one mask a drawing, of inputs and state; per_step: a fresh one each point, of inputs and candidate",
    )
    activation: Literal["tanh", "relu", "elu", "softplus"] = Field(
        "tanh", description="of candidate and cell state; all but tanh do not saturate"
    )
    l2: float = Field(0.0, ge=0, le=1, description="factor of the cells' squared weights in the loss")
    positions: Positions = True
    time: Time = False
    directions: Directions = False
    bidirectional: Bidirectional = False


@register(
    "classify",
    "layer_norm_lstm",
    LayerNormLstmConfig,
    testing=LayerNormLstmConfig(units=8, layers=2, dropout=0.0, recurrent_dropout=0.0),
)
def build(config: LayerNormLstmConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T] → logits [B, K]."""
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.layer_norm_lstm import layer_norm_lstm
    from strokecast.models.layers.recurrent import recurrent_stack

    inputs, points, real = drawing_inputs(
        config.positions, config.time, config.directions
    )  # points [B, T, C], real [B, T]
    state = recurrent_stack(  # [B, U]
        layer_norm_lstm,
        points,
        config.units,
        config.layers,
        mask=real,
        dropout=config.dropout,
        bidirectional=config.bidirectional,
        l2=config.l2,
        recurrent_dropout=config.recurrent_dropout,
        dropout_kind=config.dropout_kind,
        activation=config.activation,
    )
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(state)  # [B, K]
    return keras.Model(inputs, logits, name="layer_norm_lstm")
