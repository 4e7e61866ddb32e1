"""A strided causal convolution shortens the window, then GRU layers read the shorter sequence.

Source: Géron, Hands-On Machine Learning, 3rd edition, chapter 15 (a 1D convolutional layer before a GRU).

Shape legend: B batch, W window (`input_size`), C channels, S = ceil(W / stride), E filters, U units, H horizon,
F known future features, D targets, Q quantile levels.
Kind: sequence to vector. Meets cuDNN's conditions (tanh/sigmoid, no recurrent dropout) with `recurrent_dropout` 0.
When to use it: for long windows. The recurrent layers have W / stride steps, so that distant days are fewer steps
away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import RecurrentForecaster
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class ConvGruConfig(RecurrentForecaster):
    """Settings of `forecast.conv_gru`."""

    filters: int = Field(32, ge=1, le=4096, description="output channels of the convolution")
    kernel: int = Field(4, ge=1, le=365, description="kernel size of the convolution, days")
    stride: int = Field(2, ge=1, le=365, description="stride of the convolution, days; at most `kernel`")
    layers: int = Field(1, ge=1, le=16, description="number of stacked GRU layers")

    @model_validator(mode="after")
    def _check_stride(self) -> Self:
        if self.stride > self.kernel:
            raise PydanticCustomError("stride", "stride should be at most kernel, otherwise days are skipped")
        return self


@register(
    "forecast",
    "conv_gru",
    ConvGruConfig,
    testing=ConvGruConfig(filters=6, units=8, head_units=4),
    training={"epochs": 12},
    search_space={
        "units": Range(16, 64, log=True),
        "dropout": Range(0.0, 0.4),
        "head_units": Choices((0, 16, 32, 64)),
        "filters": Range(16, 64, log=True),
        "layers": Range(1, 3),
    },
)
def build(config: ConvGruConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head
    from strokecast.models.layers.recurrent import encode_window

    inputs, past, future = forecast_inputs(spec)
    # Left padding so that the last output ends on the last day.
    padding = config.kernel - 1 - (spec["input_size"] - 1) % config.stride
    x = keras.layers.ZeroPadding1D((padding, 0), name="pad")(past)
    x = keras.layers.Conv1D(  # [B, S, E]
        config.filters, config.kernel, strides=config.stride, activation="relu", name="conv"
    )(x)
    state = encode_window(keras.layers.GRU, x, config, config.layers)  # [B, U]
    forecast = head(state, past, future, config, spec, config.head_units)
    return keras.Model(inputs, forecast, name="conv_gru")
