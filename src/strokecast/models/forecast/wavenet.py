"""Stacked causal convolutions whose dilation doubles from layer to layer; no recurrence.

Sources: van den Oord et al., 2016, https://arxiv.org/abs/1609.03499; Géron, Hands-On Machine Learning, 3rd edition,
chapter 15 (this simplified form).

Shape legend: B batch, W window (`input_size`), C channels, E filters, H horizon, F known future features, D targets,
Q quantile levels.
Kind: sequence to vector; the head reads the output at the last day. With kernel k, n layers and s stacks its
receptive field is 1 + s (k - 1) (2^n - 1) days.
When to use it: if training time matters. All days are computed in parallel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import L2, Dropout, Forecaster, HeadUnits
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class WavenetConfig(Forecaster):
    """Settings of `forecast.wavenet`."""

    filters: int = Field(32, ge=1, le=4096, description="output channels of each convolution")
    kernel: int = Field(2, ge=2, le=64, description="kernel size of each convolution, days")
    layers: int = Field(4, ge=1, le=12, description="layers per stack; the dilation doubles from 1")
    stacks: int = Field(2, ge=1, le=8, description="number of stacks; each starts at dilation 1")
    dropout: Dropout = 0.0
    l2: L2 = 0.0
    head_units: HeadUnits = 32


@register(
    "forecast",
    "wavenet",
    WavenetConfig,
    testing=WavenetConfig(filters=6, layers=2, head_units=4),
    # At learning rate 0.008 the ReLUs die within the first epoch.
    training={"epochs": 12, "learning_rate": 0.004},
    search_space={
        "filters": Range(16, 64, log=True),
        "kernel": Range(2, 5),
        "layers": Range(2, 6),
        "stacks": Range(1, 3),
        "dropout": Range(0.0, 0.4),
        "head_units": Choices((0, 16, 32, 64)),
    },
)
def build(config: WavenetConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head, last_day

    inputs, past, future = forecast_inputs(spec)
    regularizer = keras.regularizers.L2(config.l2) if config.l2 else None
    x = past
    for stack in range(1, config.stacks + 1):
        for layer in range(config.layers):
            x = keras.layers.Conv1D(  # [B, W, E]
                config.filters,
                config.kernel,
                padding="causal",
                dilation_rate=2**layer,
                activation="relu",
                kernel_regularizer=regularizer,
                name=f"conv_{stack}_{layer + 1}",
            )(x)
            if config.dropout:
                x = keras.layers.SpatialDropout1D(config.dropout, name=f"dropout_{stack}_{layer + 1}")(x)
    forecast = head(last_day(x), past, future, config, spec, config.head_units)
    return keras.Model(inputs, forecast, name="wavenet")
