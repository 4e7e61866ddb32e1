"""One SimpleRNN layer over the window, and a head that gives all days of the horizon at once.

Source: Elman, 1990, https://doi.org/10.1207/s15516709cog1402_1; for series: Géron, Hands-On Machine Learning,
3rd edition, chapter 15.

Shape legend: B batch, W window, C channels, U units, H horizon, F future features, D targets, Q quantile levels.
Kind: sequence to vector. cuDNN has no kernel for it.
When to use it: for short windows, and to see what gates (`gru`) or depth (`deep_rnn`) are worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import RecurrentForecaster
from strokecast.models.common.registry import register


class SimpleRnnConfig(RecurrentForecaster):
    """Settings of `forecast.simple_rnn`."""

    activation: Literal["tanh", "relu", "elu"] = Field("tanh", description="of the layer")
    look_ahead: bool = Field(
        False,
        description="each step reads what is known of the days after it, not of its own; the head reads the state alone",
    )


@register("forecast", "simple_rnn", SimpleRnnConfig, testing=SimpleRnnConfig(units=8, head_units=4))
def build(config: SimpleRnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head, look_ahead
    from strokecast.models.layers.recurrent import read_window

    inputs, past, future = forecast_inputs(spec)
    ahead = config.look_ahead and future is not None
    state = read_window(  # [B, U]
        keras.layers.SimpleRNN,
        look_ahead(past, future) if ahead else past,
        config,
        activation=config.activation,
    )
    days = head(state, past, future, config, spec, config.head_units, reads_future=not ahead)
    return keras.Model(inputs, days, name="simple_rnn")
