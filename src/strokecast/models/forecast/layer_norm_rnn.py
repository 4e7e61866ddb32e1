"""Recurrent layers of custom cells with layer normalisation at every time step.

Sources: Ba, Kiros and Hinton, 2016, https://arxiv.org/abs/1607.06450; Géron, Hands-On Machine Learning, 3rd edition,
chapter 15. The cells: `models/layers/layer_norm_rnn.py`, `models/layers/layer_norm_lstm.py`.

Shape legend: B batch, W window (`input_size`), C channels, U units, H horizon, F known future features, D targets,
Q quantile levels.
Kind: sequence to vector; all layers but the last return sequences. Custom cells cannot run on cuDNN.
When to use it: if the training of a plain recurrent network is unstable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import RecurrentForecaster
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class LayerNormRnnConfig(RecurrentForecaster):
    """Settings of `forecast.layer_norm_rnn`."""

    cell: Literal["simple_rnn", "lstm"] = Field("simple_rnn", description="cell type")
    layers: int = Field(1, ge=1, le=16, description="number of stacked layers")
    activation: Literal["tanh", "relu", "elu"] = Field(
        "tanh", description="activation of state and candidate"
    )


@register(
    "forecast",
    "layer_norm_rnn",
    LayerNormRnnConfig,
    testing=LayerNormRnnConfig(units=8, layers=2, head_units=4),
    search_space={
        "units": Range(16, 64, log=True),
        "dropout": Range(0.0, 0.4),
        "head_units": Choices((0, 16, 32, 64)),
        "layers": Range(1, 3),
    },
)
def build(config: LayerNormRnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head
    from strokecast.models.layers.layer_norm_lstm import layer_norm_lstm
    from strokecast.models.layers.layer_norm_rnn import layer_norm_rnn
    from strokecast.models.layers.recurrent import encode_window

    inputs, past, future = forecast_inputs(spec)
    state = encode_window(  # [B, U]
        layer_norm_lstm if config.cell == "lstm" else layer_norm_rnn,
        past,
        config,
        config.layers,
        activation=config.activation,
    )
    forecast = head(state, past, future, config, spec, config.head_units)
    return keras.Model(inputs, forecast, name="layer_norm_rnn")
