"""N-BEATSx: blocks that explain a part of the window and forecast it further; each reads what the ones before left.

Source: Olivares et al., 2021, https://arxiv.org/abs/2104.05522. A block maps what is left of the window and all covariates
through an MLP to coefficients of a backcast and of a forecast. The backcast is subtracted, the forecasts are summed.
`stacks` chooses the bases: `trend` (polynomials), `seasonality` (sines and cosines, the horizon as the longest period),
`exogenous` (the known features of each day, so that their weights are the coefficients) and `generic` (any series).

Shape legend: B batch, W window (`input_size`), C channels, H horizon, F known future features, D targets, Q quantile levels,
S series of a block (D of a backcast, D times Q of a forecast), K coefficients.
Kind: sequence to vector. Each forecast day depends on the known features of all forecast days.
When to use it: to see trend, season and covariates apart (the outputs `<stack>_<block>_forecast`), or for long horizons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from strokecast.models.common.config import Dropout, Forecaster
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range
from strokecast.params.base import to_tuple

Stack = Literal["trend", "seasonality", "exogenous", "generic"]


class NbeatsxConfig(Forecaster):
    """Settings of `forecast.nbeatsx`."""

    stacks: Annotated[tuple[Stack, ...], BeforeValidator(to_tuple)] = Field(
        ("trend", "seasonality", "exogenous", "generic"),
        min_length=1,
        max_length=16,
        description="basis of each stack, in order: trend, seasonality, exogenous (generic without known features) "
        "or generic",
    )
    blocks: int = Field(1, ge=1, le=16, description="blocks per stack")
    units: int = Field(64, ge=1, le=4096, description="units per layer of a block")
    layers: int = Field(2, ge=1, le=16, description="layers per block")
    degree: int = Field(2, ge=0, le=8, description="degree of the polynomials of `trend`")
    dropout: Dropout = 0.0


@register(
    "forecast",
    "nbeatsx",
    NbeatsxConfig,
    testing=NbeatsxConfig(stacks=("trend", "seasonality", "exogenous", "generic"), units=6, layers=1),
    training={"epochs": 12, "learning_rate": 0.003},
    search_space={
        "blocks": Range(1, 3),
        "units": Range(32, 128, log=True),
        "layers": Range(1, 3),
        "dropout": Range(0.0, 0.4),
    },
)
def build(config: NbeatsxConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers import doubly_residual
    from strokecast.models.layers.horizon import finish, forecast_inputs, output_size
    from strokecast.models.layers.seasonal import seasonal_base
    from strokecast.models.layers.select_channels import window_features

    inputs, past, future = forecast_inputs(spec)
    base = seasonal_base(config.residual, past, future, spec)
    left, covariates = doubly_residual.targets_and_covariates(past, future, spec)  # [B, D, W]
    features = window_features(past, spec)  # [B, W, F]
    targets, count = len(spec["targets"]), output_size(config, spec)

    def expand(state: Any, stack: Stack, series: int, days: int, known: Any, name: str) -> Any:
        """The series [B, S, days] of a block with the state [B, U]."""
        size = {
            "trend": config.degree + 1,
            "seasonality": doubly_residual.seasonality_size(spec["horizon"]),
            "exogenous": len(spec["future"]) or days,
        }.get(stack, days)
        weights = doubly_residual.coefficients(state, series, size, f"{name}_coefficients")  # [B, S, K]
        if stack == "trend" or stack == "seasonality":
            return doubly_residual.Basis(stack, days, spec["horizon"], name=name)(weights)
        if stack == "exogenous" and known is not None:
            return keras.layers.Dot((2, 2), name=name)([weights, known])
        return keras.layers.Identity(name=name)(weights)

    forecasts = []
    blocks = [
        (stack, f"{stack}_{place}_{block}")
        for place, stack in enumerate(config.stacks, 1)
        for block in range(1, config.blocks + 1)
    ]
    for stack, name in blocks:
        state = doubly_residual.block_mlp(left, covariates, config.units, config.layers, config.dropout, name)
        forecasts.append(expand(state, stack, count, spec["horizon"], future, f"{name}_forecast"))
        if name != blocks[-1][1]:  # nothing reads what the last block leaves
            days = spec["input_size"]
            backcast = expand(state, stack, targets, days, features, f"{name}_backcast")
            left = keras.layers.Subtract(name=f"{name}_left")([left, backcast])
    total = keras.layers.Add(name="sum")(forecasts) if len(forecasts) > 1 else forecasts[0]  # [B, S, H]
    raw = doubly_residual.by_day(total, "raw")
    return keras.Model(inputs, finish(raw, base, config, spec), name="nbeatsx")
