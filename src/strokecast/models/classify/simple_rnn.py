"""A stack of SimpleRNN layers over the points of a drawing: the plainest recurrent network.

Source: Elman, 1990, https://doi.org/10.1207/s15516709cog1402_1

Shape legend: B batch, T padded points, U units (2U if bidirectional), K classes.
Kind: sequence to vector; all layers but the last return sequences.
When to use it: as the baseline that shows what gates gain. It is small and fast, but it forgets what it read some
tens of points ago: it stays below all gated networks. Its gradients need clipping and a small learning rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import (
    Bidirectional,
    Directions,
    Norm,
    RecurrentClassifier,
    RecurrentDropout,
)
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class SimpleRnnConfig(RecurrentClassifier):
    """Settings of `classify.simple_rnn`."""

    units: int = Field(64, ge=1, le=4096, description="units of each layer (and direction)")
    layers: int = Field(2, ge=1, le=16, description="number of stacked SimpleRNN layers")
    recurrent_dropout: RecurrentDropout = 0.0
    activation: Literal["tanh", "relu", "elu"] = Field("tanh", description="activation of each layer")
    norm: Norm = "layer"
    directions: Directions = True
    bidirectional: Bidirectional = True


@register(
    "classify",
    "simple_rnn",
    SimpleRnnConfig,
    testing=SimpleRnnConfig(units=8, layers=3, dropout=0.0, norm="none", bidirectional=False),
    training={"epochs": 9},
    search_space={
        "units": Range(32, 128, log=True),
        "layers": Range(1, 3),
        "dropout": Range(0.0, 0.4),
        "points_per_step": Choices((1, 2, 4)),
        "bidirectional": Choices((False, True)),
    },
)
def build(config: SimpleRnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T] → logits [B, K]."""
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.recurrent import encode_strokes

    inputs, points, mask = drawing_inputs(
        config.positions, config.time, config.directions
    )  # points [B, T, C], mask [B, T]
    state = encode_strokes(keras.layers.SimpleRNN, points, mask, config)  # [B, U]
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(state)  # [B, K]
    return keras.Model(inputs, logits, name="simple_rnn")
