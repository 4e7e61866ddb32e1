"""TSMixer: MLPs that mix the days of the horizon and the features of a day in turn, known features of the future included.

Source: Chen et al., 2023, https://arxiv.org/abs/2303.06053 (TSMixer-Ext, section 4, with auxiliary features). The window is
projected to the horizon, mixed with the known features of the forecast days, and passes mixing layers over [H, E].

Shape legend: B batch, W window (`input_size`), C channels, H horizon, F known future features, E `d_model`, D targets,
Q quantile levels.
Kind: sequence to vector. Each forecast day depends on the known features of all forecast days.
When to use it: for several targets or covariates that act on each other. All days are computed in parallel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Dropout, Forecaster, Residual
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class TsmixerConfig(Forecaster):
    """Settings of `forecast.tsmixer`."""

    residual: Residual = "none"  # the network is relative to its own window
    d_model: int = Field(32, ge=1, le=4096, description="features of a day between mixing layers")
    mlp_dim: int = Field(32, ge=1, le=4096, description="hidden units of the MLP over the features of a day")
    layers: int = Field(2, ge=1, le=16, description="number of mixing layers")
    instance_norm: bool = Field(
        True, description="normalise targets and past covariates by mean and deviation of their own window"
    )
    dropout: Dropout = 0.1


@register(
    "forecast",
    "tsmixer",
    TsmixerConfig,
    testing=TsmixerConfig(d_model=4, mlp_dim=5, layers=1, dropout=0.0),
    training={"learning_rate": 0.003},
    search_space={
        "d_model": Range(16, 64, log=True),
        "mlp_dim": Range(16, 64, log=True),
        "layers": Range(1, 3),
        "instance_norm": Choices((False, True)),
        "dropout": Range(0.0, 0.4),
    },
)
def build(config: TsmixerConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.horizon import finish, forecast_inputs, output_size
    from strokecast.models.layers.instance_norm import finish_normalized
    from strokecast.models.layers.mixing import feature_mixing, normalize_values, time_mixing
    from strokecast.models.layers.seasonal import seasonal_base

    inputs, past, future = forecast_inputs(spec)
    base = seasonal_base(config.residual, past, future, spec)
    window, statistics = normalize_values(past, spec) if config.instance_norm else (past, None)
    window = keras.layers.Permute((2, 1), name="channels")(window)  # [B, C, W]
    window = keras.layers.Dense(spec["horizon"], name="temporal_projection")(window)  # [B, C, H]
    window = keras.layers.Permute((2, 1), name="each_day")(window)  # [B, H, C]
    x = feature_mixing(window, config.d_model, config.mlp_dim, config.dropout, "window")  # [B, H, E]
    if future is not None:
        known = feature_mixing(future, config.d_model, config.mlp_dim, config.dropout, "known")
        x = keras.layers.Concatenate(name="with_future")([x, known])  # [B, H, 2 E]
    for layer in range(1, config.layers + 1):
        x = time_mixing(x, config.dropout, f"mixing_{layer}")
        x = feature_mixing(x, config.d_model, config.mlp_dim, config.dropout, f"mixing_{layer}")  # [B, H, E]
    raw = keras.layers.Dense(output_size(config, spec), name="raw")(x)  # [B, H, N]
    if statistics is None:
        return keras.Model(inputs, finish(raw, base, config, spec), name="tsmixer")
    return keras.Model(inputs, finish_normalized(raw, base, statistics, config, spec), name="tsmixer")
