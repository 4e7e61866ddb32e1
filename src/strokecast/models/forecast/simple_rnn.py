"""One SimpleRNN layer over the window, and a head that forecasts all days of the horizon at once.

Sources: Elman, 1990, https://doi.org/10.1207/s15516709cog1402_1; Géron, Hands-On Machine Learning, 3rd edition,
chapter 15 (for time series).

Shape legend: B batch, W window (`input_size`), C channels, U units, H horizon, F known future features, D targets,
Q quantile levels.
Kind: sequence to vector. cuDNN has no kernel for it.
When to use it: for short windows, and to measure what gates (`gru`) or depth (`deep_rnn`) gain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import RecurrentForecaster
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class SimpleRnnConfig(RecurrentForecaster):
    """Settings of `forecast.simple_rnn`."""

    activation: Literal["tanh", "relu", "elu"] = Field("tanh", description="activation of the layer")
    look_ahead: bool = Field(
        False,
        description="each step reads the known features of the days after it, not its own; the head reads only the state",
    )


@register(
    "forecast",
    "simple_rnn",
    SimpleRnnConfig,
    testing=SimpleRnnConfig(units=8, head_units=4),
    training={"epochs": 12, "learning_rate": 0.005},
    search_space={
        "units": Range(16, 64, log=True),
        "dropout": Range(0.0, 0.4),
        "head_units": Choices((0, 16, 32, 64)),
    },
)
def build(config: SimpleRnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head, look_ahead
    from strokecast.models.layers.recurrent import encode_window

    inputs, past, future = forecast_inputs(spec)
    reads_ahead = config.look_ahead and future is not None
    state = encode_window(  # [B, U]
        keras.layers.SimpleRNN,
        look_ahead(past, future) if reads_ahead else past,
        config,
        activation=config.activation,
    )
    forecast = head(state, past, future, config, spec, config.head_units, reads_future=not reads_ahead)
    return keras.Model(inputs, forecast, name="simple_rnn")
