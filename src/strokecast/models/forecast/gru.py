"""A stack of GRU layers over the window, and a head that gives all days of the horizon at once.

Source: Cho et al., 2014, https://arxiv.org/abs/1406.1078; the seasonal residual after the rule of
Hyndman and Athanasopoulos, https://otexts.com/fpp3/simple-methods.html

Shape legend: B batch, W window, C channels, U units, H horizon.
Kind: sequence to vector. Keeps cuDNN's conditions (tanh/sigmoid, no recurrent dropout).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.errors import UserError
from strokecast.models.config import Config, Dropout
from strokecast.models.registry import register


class GruConfig(Config):
    """Settings of `forecast.gru`."""

    units: int = Field(32, ge=1, le=4096, description="units of each layer")
    layers: int = Field(1, ge=1, le=16, description="GRU layers on top of each other")
    dropout: Dropout = 0.0
    residual: Literal["seasonal", "none"] = Field(
        "none",
        description="none: the network forecasts alone; seasonal: it adds to the last seven days repeated",
    )


@register("forecast", "gru", GruConfig, testing=GruConfig(units=8, layers=2))
def build(config: GruConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C]} → scaled forecasts [B, H].

    Raises:
        UserError: if the residual is seasonal and the window is shorter than a week.
    """
    import keras

    from strokecast.models.layers.recurrent import recurrent_stack
    from strokecast.models.layers.seasonal import WEEK, LastWeek

    window, horizon = spec["window"], spec["horizon"]
    if config.residual == "seasonal" and window < WEEK:
        raise UserError(
            f"residual: seasonal needs a window of {WEEK} days or more, the window has {window}",
            where="params.yaml: models.forecast.gru.config.residual",
            fix="say residual: none, or lengthen features.forecast.window",
        )
    past = keras.Input((window, len(spec["channels"])), name="past")  # [B, W, C]
    state = recurrent_stack(  # [B, U]
        keras.layers.GRU, past, config.units, config.layers, dropout=config.dropout
    )
    days = keras.layers.Dense(horizon, name="days")(state)  # [B, H]
    if config.residual == "seasonal":
        days = keras.layers.Add(name="forecast")([LastWeek(horizon, name="last_week")(past), days])
    return keras.Model({"past": past}, days, name="gru")
