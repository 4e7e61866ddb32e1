"""A stack of SimpleRNN layers over the window.

Sources: Elman, 1990, https://doi.org/10.1207/s15516709cog1402_1; Géron, Hands-On Machine Learning, 3rd edition,
chapter 15 (the deep RNN).

Shape legend: B batch, W window (`input_size`), C channels, U units, H horizon, F known future features, D targets,
Q quantile levels.
Kind: sequence to vector; all layers but the last return sequences. cuDNN has no kernel for it.
When to use it: beside `simple_rnn`, to measure what depth gains. On a single daily series it usually gains little.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import RecurrentForecaster
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class DeepRnnConfig(RecurrentForecaster):
    """Settings of `forecast.deep_rnn`."""

    layers: int = Field(3, ge=2, le=16, description="number of stacked SimpleRNN layers")
    activation: Literal["tanh", "relu", "elu"] = Field("tanh", description="activation of each layer")


@register(
    "forecast",
    "deep_rnn",
    DeepRnnConfig,
    testing=DeepRnnConfig(units=8, layers=2, head_units=4),
    training={"epochs": 6, "learning_rate": 0.005},
    search_space={
        "units": Range(16, 64, log=True),
        "dropout": Range(0.0, 0.4),
        "head_units": Choices((0, 16, 32, 64)),
        "layers": Range(2, 4),
    },
)
def build(config: DeepRnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head
    from strokecast.models.layers.recurrent import encode_window

    inputs, past, future = forecast_inputs(spec)
    state = encode_window(  # [B, U]
        keras.layers.SimpleRNN,
        past,
        config,
        config.layers,
        activation=config.activation,
    )
    forecast = head(state, past, future, config, spec, config.head_units)
    return keras.Model(inputs, forecast, name="deep_rnn")
