"""LSTM layers over the window, and a head that forecasts all days of the horizon at once.

Source: Hochreiter and Schmidhuber, 1997, https://doi.org/10.1162/neco.1997.9.8.1735

Shape legend: B batch, W window (`input_size`), C channels, U units, H horizon, F known future features, D targets,
Q quantile levels.
Kind: sequence to vector; all layers but the last return sequences. Meets cuDNN's conditions (tanh/sigmoid, no
recurrent dropout) with the default `activation` and `recurrent_dropout`.
When to use it: for long windows and years of data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Activation, RecurrentForecaster
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class LstmConfig(RecurrentForecaster):
    """Settings of `forecast.lstm`."""

    layers: int = Field(1, ge=1, le=16, description="number of stacked LSTM layers")
    activation: Activation = "tanh"


@register(
    "forecast",
    "lstm",
    LstmConfig,
    testing=LstmConfig(units=8, layers=2, head_units=4),
    search_space={
        "units": Range(16, 64, log=True),
        "dropout": Range(0.0, 0.4),
        "head_units": Choices((0, 16, 32, 64)),
        "layers": Range(1, 3),
    },
)
def build(config: LstmConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head
    from strokecast.models.layers.recurrent import encode_window

    inputs, past, future = forecast_inputs(spec)
    state = encode_window(  # [B, U]
        keras.layers.LSTM,
        past,
        config,
        config.layers,
        activation=config.activation,
    )
    forecast = head(state, past, future, config, spec, config.head_units)
    return keras.Model(inputs, forecast, name="lstm")
