"""LSTM layers over the window, and a head that gives all days of the horizon at once.

Source: Hochreiter and Schmidhuber, 1997, https://doi.org/10.1162/neco.1997.9.8.1735

Shape legend: B batch, W window, C channels, U units, H horizon, F future features, D targets, Q quantile levels.
Kind: sequence to vector; all layers but the last return their whole sequence. Keeps cuDNN's conditions
(tanh/sigmoid, no recurrent dropout) while `activation` and `recurrent_dropout` stay as they are.
When to use it: long windows, and years of data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Activation, RecurrentForecaster
from strokecast.models.common.registry import register


class LstmConfig(RecurrentForecaster):
    """Settings of `forecast.lstm`."""

    layers: int = Field(1, ge=1, le=16, description="LSTM layers on top of each other")
    activation: Activation = "tanh"


@register("forecast", "lstm", LstmConfig, testing=LstmConfig(units=8, layers=2, head_units=4))
def build(config: LstmConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head
    from strokecast.models.layers.recurrent import read_window

    inputs, past, future = forecast_inputs(spec)
    state = read_window(  # [B, U]
        keras.layers.LSTM,
        past,
        config,
        config.layers,
        activation=config.activation,
    )
    days = head(state, past, future, config, spec, config.head_units)
    return keras.Model(inputs, days, name="lstm")
