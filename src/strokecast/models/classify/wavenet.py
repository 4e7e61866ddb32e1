"""Stacked dilated causal convolutions, gated, with residual and skip connections; no recurrence at all.

Source: van den Oord et al., 2016, https://arxiv.org/abs/1609.03499; the stacks: `models/layers/wavenet.py`.

Shape legend: B batch, T padded points, F filters, K classes.
Kind: sequence to vector. Dilations double from block to block (1, 2, 4 ...), so that with kernel k and n blocks
the last step sees 1 + (k - 1) (2^n - 1) points; the mean and the maximum over all real points then see all.
When to use it: where training time counts. All points are computed at once, and what lies within the reach of
the convolutions is as near as the last point.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import Config, Directions, Positions, Time
from strokecast.models.common.registry import register


class WavenetConfig(Config):
    """Settings of `classify.wavenet`."""

    filters: int = Field(64, ge=1, le=4096, description="channels of every block")
    kernel: int = Field(3, ge=2, le=64, description="points that each convolution sees")
    blocks: int = Field(6, ge=1, le=12, description="blocks of a stack; the dilation doubles from 1")
    stacks: int = Field(1, ge=1, le=8, description="stacks, each starting at dilation 1 again")
    dropout: float = Field(
        0.1, ge=0, lt=1, description="share of units dropped in blocks and before the head"
    )
    norm: Literal["none", "layer", "batch"] = Field(
        "none", description="normalise what enters each block: over its channels, or over the batch"
    )
    l2: float = Field(0.0, ge=0, le=1, description="factor of the convolutions' squared weights in the loss")
    positions: Positions = True
    time: Time = False
    directions: Directions = False


@register(
    "classify",
    "wavenet",
    WavenetConfig,
    testing=WavenetConfig(filters=6, kernel=2, blocks=3, stacks=2, dropout=0.0),
)
def build(config: WavenetConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T] → logits [B, K]."""
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.pooling import mean_max
    from strokecast.models.layers.wavenet import gated_stacks

    inputs, points, real = drawing_inputs(
        config.positions, config.time, config.directions
    )  # points [B, T, C], real [B, T]
    regularizer = keras.regularizers.L2(config.l2) if config.l2 else None
    whole = gated_stacks(  # [B, T, F]
        points,
        real,
        filters=config.filters,
        kernel=config.kernel,
        blocks=config.blocks,
        stacks=config.stacks,
        dropout=config.dropout,
        norm=config.norm,
        regularizer=regularizer,
    )
    whole = keras.layers.Activation("relu", name="skips_relu")(whole)
    whole = keras.layers.Conv1D(
        config.filters, 1, activation="relu", kernel_regularizer=regularizer, name="leave"
    )(whole)
    pooled = mean_max(whole, real)  # [B, 2F]
    if config.dropout:
        pooled = keras.layers.Dropout(config.dropout, name="dropout")(pooled)
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(pooled)  # [B, K]
    return keras.Model(inputs, logits, name="wavenet")
