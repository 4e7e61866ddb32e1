"""A deep stack of SimpleRNN layers over the strokes of a drawing: the plainest recurrent network.

Source: Elman, 1990, https://doi.org/10.1207/s15516709cog1402_1

Shape legend: B batch, T padded points, U units (twice that where bidirectional), K classes.
Kind: sequence to vector; all layers but the last return their whole sequence.
When to use it: as the baseline that shows what gates are worth. It is small and fast, but what it saw some
tens of points ago is gone, and its gradients need clipping and a small learning rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import Norm, RecurrentClassifier, RecurrentDropout
from strokecast.models.common.registry import register


class SimpleRnnConfig(RecurrentClassifier):
    """Settings of `classify.simple_rnn`."""

    units: int = Field(64, ge=1, le=4096, description="units of each layer (and direction)")
    layers: int = Field(3, ge=1, le=16, description="SimpleRNN layers on top of each other")
    recurrent_dropout: RecurrentDropout = 0.0
    activation: Literal["tanh", "relu", "elu"] = Field("tanh", description="of each layer")
    norm: Norm = "layer"


@register(
    "classify",
    "simple_rnn",
    SimpleRnnConfig,
    testing=SimpleRnnConfig(units=8, layers=3, dropout=0.0, norm="none"),
)
def build(config: SimpleRnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T] → logits [B, K]."""
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.recurrent import read_drawing

    inputs, points, real = drawing_inputs(
        config.positions, config.time, config.directions
    )  # points [B, T, C], real [B, T]
    state = read_drawing(keras.layers.SimpleRNN, points, real, config)  # [B, U]
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(state)  # [B, K]
    return keras.Model(inputs, logits, name="simple_rnn")
