"""One linear map from the values of the window and one from the known features of each forecast day to the horizon.

Source: Géron, Hands-On Machine Learning, 3rd edition, chapter 15 (the linear model).

Shape legend: B batch, W window (`input_size`), C channels (D targets, P past covariates, F known future features),
H horizon, Q quantile levels.
Kind: sequence to vector. The calendar of the window's days is not an input: except for holidays it follows from the
calendar of the forecast days, and it would take most of the weights.
When to use it: as the baseline of every other network. With the calendar of the forecast days it is hard to beat.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.common.config import L2, Forecaster
from strokecast.models.common.registry import register


class LinearConfig(Forecaster):
    """Settings of `forecast.linear`."""

    l2: L2 = 0.0


@register(
    "forecast",
    "linear",
    LinearConfig,
    testing=LinearConfig(quantiles=()),
    training={"epochs": 25},
)
def build(config: LinearConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head

    inputs, past, future = forecast_inputs(spec)
    channels = keras.layers.Permute((2, 1), name="channels")(past)  # [B, C, W]
    values = keras.layers.Cropping1D((0, len(spec["future"])), name="values")(channels)  # [B, D + P, W]
    flat = keras.layers.Flatten(name="flat")(values)
    return keras.Model(inputs, head(flat, past, future, config, spec, l2=config.l2), name="linear")
