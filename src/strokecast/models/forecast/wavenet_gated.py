"""WaveNet: gated, dilated, causal convolutions with residual and skip connections.

Source: van den Oord et al., 2016, https://arxiv.org/abs/1609.03499; the stacks: `models/layers/wavenet.py`.

Shape legend: B batch, W window (`input_size`), C channels, E filters, H horizon, F known future features, D targets,
Q quantile levels.
Kind: sequence to vector; the head reads the sum of all skip connections at the last day. With kernel k, n blocks and
s stacks its receptive field is 1 + s (k - 1) (2^n - 1) days.
When to use it: in place of `wavenet` for deep stacks or long windows. Residual connections let gradients pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import L2, Forecaster, HeadUnits
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class WavenetGatedConfig(Forecaster):
    """Settings of `forecast.wavenet_gated`."""

    filters: int = Field(16, ge=1, le=4096, description="channels of each block")
    kernel: int = Field(2, ge=2, le=64, description="kernel size of each convolution, days")
    blocks: int = Field(5, ge=1, le=12, description="blocks per stack; the dilation doubles from 1")
    stacks: int = Field(1, ge=1, le=8, description="number of stacks; each starts at dilation 1")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout rate in blocks and before the head")
    norm: Literal["none", "layer", "batch"] = Field(
        "none", description="normalisation of each block's input: over its channels, or over the batch"
    )
    l2: L2 = 0.0
    head_units: HeadUnits = 32


@register(
    "forecast",
    "wavenet_gated",
    WavenetGatedConfig,
    testing=WavenetGatedConfig(filters=6, blocks=2, stacks=2, head_units=4),
    search_space={
        "filters": Range(8, 32, log=True),
        "kernel": Range(2, 5),
        "blocks": Range(3, 6),
        "stacks": Range(1, 3),
        "dropout": Range(0.0, 0.4),
        "head_units": Choices((0, 16, 32, 64)),
    },
)
def build(config: WavenetGatedConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head, last_day
    from strokecast.models.layers.wavenet import gated_stacks

    inputs, past, future = forecast_inputs(spec)
    regularizer = keras.regularizers.L2(config.l2) if config.l2 else None
    skips = gated_stacks(  # [B, W, E]
        past,
        None,
        filters=config.filters,
        kernel=config.kernel,
        blocks=config.blocks,
        stacks=config.stacks,
        dropout=config.dropout,
        norm=config.norm,
        regularizer=regularizer,
    )
    state = keras.layers.Activation("relu", name="skips_relu")(last_day(skips))  # [B, E]
    state = keras.layers.Dense(
        config.filters, activation="relu", kernel_regularizer=regularizer, name="output_projection"
    )(state)
    if config.dropout:
        state = keras.layers.Dropout(config.dropout, name="dropout")(state)
    forecast = head(state, past, future, config, spec, config.head_units)
    return keras.Model(inputs, forecast, name="wavenet_gated")
