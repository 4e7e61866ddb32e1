"""GRU layers over the window, and a head that gives all days of the horizon at once.

Source: Cho et al., 2014, https://arxiv.org/abs/1406.1078 (with the reset gate after the product, as cuDNN has it)

Shape legend: B batch, W window, C channels, U units, H horizon, F future features, D targets, Q quantile levels.
Kind: sequence to vector; all layers but the last return their whole sequence. Keeps cuDNN's conditions
(tanh/sigmoid, no recurrent dropout) while `activation` and `recurrent_dropout` stay as they are.
When to use it: the first recurrent one to try: a quarter fewer weights than an LSTM, and mostly the same error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Activation, RecurrentForecaster
from strokecast.models.common.registry import register


class GruConfig(RecurrentForecaster):
    """Settings of `forecast.gru`."""

    layers: int = Field(1, ge=1, le=16, description="GRU layers on top of each other")
    activation: Activation = "tanh"


@register("forecast", "gru", GruConfig, testing=GruConfig(units=8, layers=2, head_units=4))
def build(config: GruConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head
    from strokecast.models.layers.recurrent import read_window

    inputs, past, future = forecast_inputs(spec)
    state = read_window(keras.layers.GRU, past, config, config.layers, activation=config.activation)  # [B, U]
    days = head(state, past, future, config, spec, config.head_units)
    return keras.Model(inputs, days, name="gru")
