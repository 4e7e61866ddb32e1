"""One linear map from all values of the window to all days of the horizon.

Source: Géron, Hands-On Machine Learning, 3rd edition, chapter 15 (the linear model).

Shape legend: B batch, W window, C channels, H horizon.
Kind: sequence to vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.config import Config
from strokecast.models.registry import register


class LinearConfig(Config):
    """`forecast.linear` has no settings."""


@register("forecast", "linear", LinearConfig, testing=LinearConfig())
def build(config: LinearConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C]} → scaled forecasts [B, H]."""
    import keras

    past = keras.Input((spec["window"], len(spec["channels"])), name="past")  # [B, W, C]
    flat = keras.layers.Flatten(name="flat")(past)  # [B, W * C]
    days = keras.layers.Dense(spec["horizon"], name="days")(flat)  # [B, H]
    return keras.Model({"past": past}, days, name="linear")
