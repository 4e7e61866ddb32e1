"""Stacked dilated causal convolutions with gates, residual and skip connections; no recurrence.

Source: van den Oord et al., 2016, https://arxiv.org/abs/1609.03499; the stacks: `models/layers/wavenet.py`.

Shape legend: B batch, T padded points, F filters, K classes.
Kind: sequence to vector. The dilation doubles from block to block (1, 2, 4 ...), so that with kernel k and n blocks
the receptive field is 1 + (k - 1) (2^n - 1) points. Mean and maximum then pool over all valid points.
When to use it: if training time matters. All points are computed in parallel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import Config, Directions, Positions, Time
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range


class WavenetConfig(Config):
    """Settings of `classify.wavenet`."""

    filters: int = Field(48, ge=1, le=4096, description="channels of each block")
    kernel: int = Field(3, ge=2, le=64, description="kernel size of each convolution, points")
    blocks: int = Field(6, ge=1, le=12, description="blocks per stack; the dilation doubles from 1")
    stacks: int = Field(1, ge=1, le=8, description="number of stacks; each starts at dilation 1")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout rate in blocks and before the head")
    norm: Literal["none", "layer", "batch"] = Field(
        "none", description="normalisation of each block's input: over its channels, or over the batch"
    )
    l2: float = Field(
        0.0, ge=0, le=1, description="factor of the squared weights of the convolutions in the loss"
    )
    positions: Positions = True
    time: Time = False
    directions: Directions = True


@register(
    "classify",
    "wavenet",
    WavenetConfig,
    testing=WavenetConfig(filters=6, kernel=2, blocks=3, stacks=2, dropout=0.0),
    training={"epochs": 10},
    search_space={
        "filters": Range(24, 96, log=True),
        "kernel": Range(2, 5),
        "blocks": Range(4, 7),
        "stacks": Range(1, 3),
        "dropout": Range(0.0, 0.4),
    },
)
def build(config: WavenetConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T] → logits [B, K]."""
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.pooling import mean_max
    from strokecast.models.layers.wavenet import gated_stacks

    inputs, points, mask = drawing_inputs(
        config.positions, config.time, config.directions
    )  # points [B, T, C], mask [B, T]
    regularizer = keras.regularizers.L2(config.l2) if config.l2 else None
    x = gated_stacks(  # [B, T, F]
        points,
        mask,
        filters=config.filters,
        kernel=config.kernel,
        blocks=config.blocks,
        stacks=config.stacks,
        dropout=config.dropout,
        norm=config.norm,
        regularizer=regularizer,
    )
    x = keras.layers.Activation("relu", name="skips_relu")(x)
    x = keras.layers.Conv1D(
        config.filters, 1, activation="relu", kernel_regularizer=regularizer, name="output_projection"
    )(x)
    pooled = mean_max(x, mask)  # [B, 2F]
    if config.dropout:
        pooled = keras.layers.Dropout(config.dropout, name="dropout")(pooled)
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(pooled)  # [B, K]
    return keras.Model(inputs, logits, name="wavenet")
