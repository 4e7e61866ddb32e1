"""Recurrent layers of our own cells, normalised at every time step.

Sources: Ba, Kiros and Hinton, 2016, https://arxiv.org/abs/1607.06450; Géron, Hands-On Machine Learning, 3rd edition,
chapter 15. The cells: `models/layers/layer_norm_rnn.py`, `models/layers/layer_norm_lstm.py`.

Shape legend: B batch, W window, C channels, U units, H horizon, F future features, D targets, Q quantile levels.
Kind: sequence to vector; all layers but the last return their whole sequence. Cells of our own cannot run on
cuDNN.
When to use it: where a plain recurrent network trains unsteadily.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import RecurrentForecaster
from strokecast.models.common.registry import register


class LayerNormRnnConfig(RecurrentForecaster):
    """Settings of `forecast.layer_norm_rnn`."""

    cell: Literal["simple_rnn", "lstm"] = Field("simple_rnn", description="what is normalised")
    layers: int = Field(1, ge=1, le=16, description="layers on top of each other")
    activation: Literal["tanh", "relu", "elu"] = Field("tanh", description="of state and candidate")


@register(
    "forecast",
    "layer_norm_rnn",
    LayerNormRnnConfig,
    testing=LayerNormRnnConfig(units=8, layers=2, head_units=4),
)
def build(config: LayerNormRnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head
    from strokecast.models.layers.layer_norm_lstm import layer_norm_lstm
    from strokecast.models.layers.layer_norm_rnn import layer_norm_rnn
    from strokecast.models.layers.recurrent import read_window

    inputs, past, future = forecast_inputs(spec)
    state = read_window(  # [B, U]
        layer_norm_lstm if config.cell == "lstm" else layer_norm_rnn,
        past,
        config,
        config.layers,
        activation=config.activation,
    )
    days = head(state, past, future, config, spec, config.head_units)
    return keras.Model(inputs, days, name="layer_norm_rnn")
