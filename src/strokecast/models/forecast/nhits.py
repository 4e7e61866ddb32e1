"""N-HiTS: stacks that read the window at one resolution each and forecast at one each, from coarse to fine.

Source: Challu et al., 2022, https://arxiv.org/abs/2201.12886. A block pools what earlier blocks left of the window, maps it
through an MLP to a few knots, and interpolates between these. Its backcast is subtracted, the forecasts are summed. The
covariates, which the paper does not have, enter each MLP as in N-BEATSx.

Shape legend: B batch, W window (`input_size`), C channels, H horizon, F known future features, D targets, Q quantile levels,
S series of a block (D of a backcast, D times Q of a forecast), K knots.
Kind: sequence to vector. Each forecast day depends on the known features of all forecast days.
When to use it: for long horizons. Coarse stacks have few outputs, so that the forecast stays smooth where it can.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import Dropout, Forecaster, Sizes
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range


class NhitsConfig(Forecaster):
    """Settings of `forecast.nhits`."""

    pools: Sizes = Field(
        (4, 2, 1), min_length=1, description="per stack: days of the window that maximum pooling joins"
    )
    knots_every: Sizes = Field(
        (4, 2, 1), min_length=1, description="per stack: days per knot of its backcast and forecast"
    )
    interpolation: Literal["linear", "nearest"] = Field("linear", description="interpolation between knots")
    blocks: int = Field(1, ge=1, le=16, description="blocks per stack")
    units: int = Field(64, ge=1, le=4096, description="units per layer of a block")
    layers: int = Field(2, ge=1, le=16, description="layers per block")
    dropout: Dropout = 0.0

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if len(self.pools) != len(self.knots_every):
            raise PydanticCustomError("lengths", "pools and knots_every should have the same length")
        return self


@register(
    "forecast",
    "nhits",
    NhitsConfig,
    testing=NhitsConfig(pools=(3, 1), knots_every=(3, 1), units=6, layers=1),
    training={"epochs": 15, "learning_rate": 0.003},
    search_space={
        "blocks": Range(1, 3),
        "units": Range(32, 128, log=True),
        "layers": Range(1, 3),
        "dropout": Range(0.0, 0.4),
    },
)
def build(config: NhitsConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers import doubly_residual
    from strokecast.models.layers.horizon import finish, forecast_inputs, output_size
    from strokecast.models.layers.seasonal import seasonal_base

    inputs, past, future = forecast_inputs(spec)
    base = seasonal_base(config.residual, past, future, spec)
    left, covariates = doubly_residual.targets_and_covariates(past, future, spec)  # [B, D, W]
    targets, count = len(spec["targets"]), output_size(config, spec)

    def expand(state: Any, days_per_knot: int, series: int, days: int, name: str) -> Any:
        """The series [B, S, days] of a block with the state [B, U]."""
        knots = -(-days // days_per_knot)
        values = doubly_residual.coefficients(state, series, knots, f"{name}_knots")  # [B, S, K]
        return doubly_residual.Basis(config.interpolation, days, name=name)(values)

    forecasts = []
    blocks = [
        (pool, days_per_knot, f"stack_{stack}_{block}")
        for stack, (pool, days_per_knot) in enumerate(zip(config.pools, config.knots_every, strict=True), 1)
        for block in range(1, config.blocks + 1)
    ]
    for pool, days_per_knot, name in blocks:
        pooled = keras.layers.MaxPooling1D(  # [B, D, ceil(W / pool)]
            pool, padding="same", data_format="channels_first", name=f"{name}_pooled"
        )(left)
        state = doubly_residual.block_mlp(
            pooled, covariates, config.units, config.layers, config.dropout, name
        )
        forecasts.append(expand(state, days_per_knot, count, spec["horizon"], f"{name}_forecast"))
        if name != blocks[-1][2]:  # nothing reads what the last block leaves
            backcast = expand(state, days_per_knot, targets, spec["input_size"], f"{name}_backcast")
            left = keras.layers.Subtract(name=f"{name}_left")([left, backcast])
    total = keras.layers.Add(name="sum")(forecasts) if len(forecasts) > 1 else forecasts[0]  # [B, S, H]
    raw = doubly_residual.by_day(total, "raw")
    return keras.Model(inputs, finish(raw, base, config, spec), name="nhits")
