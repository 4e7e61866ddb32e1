"""NLinear: one linear map from the window of a target, minus its last value, to the horizon; the value is added back.

Source: Zeng et al., 2022 (NLinear), https://arxiv.org/abs/2205.13504. The known features of the forecast days, which the
paper does not have, enter as in `linear`: by one linear map per day.

Shape legend: B batch, W window (`input_size`), C channels, H horizon, F known future features, D targets, Q quantile
levels.
Kind: sequence to vector. All targets share the weights and each reads its own window, so past covariates are not read.
When to use it: as the baseline of networks on a series whose level moves. A change of level changes no forecast relative
to the last value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.common.config import L2, Forecaster, Residual
from strokecast.models.common.registry import register


class NlinearConfig(Forecaster):
    """Settings of `forecast.nlinear`."""

    residual: Residual = "none"  # the network is relative to its own window
    l2: L2 = 0.0


@register("forecast", "nlinear", NlinearConfig, testing=NlinearConfig(), training={"epochs": 25})
def build(config: NlinearConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers.channels import channel_head, normalized_targets
    from strokecast.models.layers.horizon import forecast_inputs

    inputs, past, future = forecast_inputs(spec)
    windows, statistics = normalized_targets(past, spec, "last")  # [B, D, W]
    forecast = channel_head(windows, past, future, statistics, config, spec, l2=config.l2)
    return keras.Model(inputs, forecast, name="nlinear")
