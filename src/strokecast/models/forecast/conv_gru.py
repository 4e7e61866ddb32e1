"""A strided causal convolution shortens the window, GRU layers read what is left.

Source: Géron, Hands-On Machine Learning, 3rd edition, chapter 15 (a 1D convolutional layer before a GRU).

Shape legend: B batch, W window, C channels, S = ceil(W / stride), E filters, U units, H horizon, F future features,
D targets, Q quantile levels.
Kind: sequence to vector. Keeps cuDNN's conditions (tanh/sigmoid, no recurrent dropout) while `recurrent_dropout` is 0.
When to use it: for long windows: the recurrent layers take a stride's share of the steps, and what lies far back is
nearer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import RecurrentForecaster
from strokecast.models.common.registry import register


class ConvGruConfig(RecurrentForecaster):
    """Settings of `forecast.conv_gru`."""

    filters: int = Field(32, ge=1, le=4096, description="channels that the convolution gives")
    kernel: int = Field(4, ge=1, le=365, description="days that each of its outputs sees")
    stride: int = Field(2, ge=1, le=365, description="days that it moves at a time, at most `kernel`")
    layers: int = Field(1, ge=1, le=16, description="GRU layers on top of each other")

    @model_validator(mode="after")
    def _check_stride(self) -> Self:
        if self.stride > self.kernel:
            raise PydanticCustomError("stride", "stride should be at most kernel: days would be passed over")
        return self


@register("forecast", "conv_gru", ConvGruConfig, testing=ConvGruConfig(filters=6, units=8, head_units=4))
def build(config: ConvGruConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head
    from strokecast.models.layers.recurrent import read_window

    inputs, past, future = forecast_inputs(spec)
    before = (
        config.kernel - 1 - (spec["window"] - 1) % config.stride
    )  # so that the last output ends on the last day
    x = keras.layers.ZeroPadding1D((before, 0), name="pad")(past)
    x = keras.layers.Conv1D(  # [B, S, E]
        config.filters, config.kernel, strides=config.stride, activation="relu", name="conv"
    )(x)
    state = read_window(keras.layers.GRU, x, config, config.layers)  # [B, U]
    days = head(state, past, future, config, spec, config.head_units)
    return keras.Model(inputs, days, name="conv_gru")
