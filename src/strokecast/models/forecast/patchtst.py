"""PatchTST: a Transformer encoder over patches of the window, each target by itself, with instance normalisation.

Source: Nie et al., 2023, https://arxiv.org/abs/2211.14730: patches of several days with the last value repeated behind the
window, learned positions, encoder blocks with batch normalisation after each residual connection, a flattened head. The
known features of the forecast days, which the paper does not have, are read by the head as in the other networks.

Shape legend: B batch, W window (`input_size`), C channels, P patch length, N patches = (W - P) // stride + 2, E `d_model`,
H horizon, F known future features, D targets, Q quantile levels.
Kind: sequence to vector. All targets share the encoder and each reads its own window, so past covariates are not read.
When to use it: for long windows, of which a patch makes a few steps, and for series whose level and spread move.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.common.errors import UserError
from strokecast.models.common.config import Dropout, Forecaster, HeadUnits, Residual
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range

LOCATION = "params.yaml: models.forecast.patchtst"


class PatchtstConfig(Forecaster):
    """Settings of `forecast.patchtst`."""

    residual: Residual = "none"  # the network is relative to its own window
    patch: int = Field(14, ge=1, le=365, description="length of a patch, days; at most input_size")
    stride: int = Field(7, ge=1, le=365, description="days from patch to patch; at most `patch`")
    d_model: int = Field(
        32, ge=1, le=4096, description="size of the vector per patch, a multiple of `num_heads`"
    )
    num_heads: int = Field(4, ge=1, le=64, description="attention heads")
    mlp_dim: int = Field(64, ge=1, le=4096, description="hidden units of the MLP of each block")
    layers: int = Field(2, ge=1, le=16, description="number of encoder blocks")
    norm: Literal["batch", "layer"] = Field(
        "batch", description="normalisation after each residual connection"
    )
    dropout: Dropout = 0.1
    head_units: HeadUnits = 32

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        if self.stride > self.patch:
            raise PydanticCustomError("stride", "stride should be at most patch, otherwise days are skipped")
        if self.d_model % self.num_heads:
            raise PydanticCustomError("num_heads", "d_model should be a multiple of num_heads")
        return self

    def check_spec(self, spec: Mapping[str, Any], location: str = LOCATION) -> None:
        """Check that a patch is not longer than the window (`input_size`) of the data.

        Raises:
            UserError: if it is.
        """
        if self.patch > spec["input_size"]:
            raise UserError(
                f"patch: {self.patch} is longer than the window of {spec['input_size']} days",
                location=location,
                allowed=f"1 to {spec['input_size']}",
                fix="lower config.patch (and config.stride), or raise features.forecast.input_size",
            )


@register(
    "forecast",
    "patchtst",
    PatchtstConfig,
    testing=PatchtstConfig(
        patch=5, stride=3, d_model=6, num_heads=1, mlp_dim=6, layers=1, head_units=4, dropout=0.0
    ),
    training={"learning_rate": 0.003},
    search_space={
        "d_model": Choices((16, 32, 64)),
        "mlp_dim": Range(32, 128, log=True),
        "layers": Range(1, 3),
        "dropout": Range(0.0, 0.4),
        "head_units": Choices((0, 16, 32, 64)),
    },
)
def build(config: PatchtstConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D].

    Raises:
        UserError: if a patch is longer than the window.
    """
    import keras

    from strokecast.models.layers.channels import channel_head, normalized_targets
    from strokecast.models.layers.horizon import forecast_inputs
    from strokecast.models.layers.patches import Patches, patch_encoder_block
    from strokecast.models.layers.transformer import PositionEmbedding

    config.check_spec(spec)
    inputs, past, future = forecast_inputs(spec)
    windows, statistics = normalized_targets(past, spec, "mean")  # [B, D, W]
    x = Patches(config.patch, config.stride, name="patches")(windows)  # [B, D, N, P]
    x = keras.layers.Dense(config.d_model, name="input_projection")(x)  # [B, D, N, E]
    x = PositionEmbedding(name="positions")(x)
    if config.dropout:
        x = keras.layers.Dropout(config.dropout, name="dropout")(x)
    for layer in range(1, config.layers + 1):
        x = patch_encoder_block(
            x, config.num_heads, config.mlp_dim, config.dropout, config.norm, name=f"block_{layer}"
        )
    states = keras.layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]), name="flat")(x)  # [B, D, N * E]
    forecast = channel_head(states, past, future, statistics, config, spec, config.head_units)
    return keras.Model(inputs, forecast, name="patchtst")
