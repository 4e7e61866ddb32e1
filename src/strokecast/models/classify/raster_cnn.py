"""Baseline: a small two-dimensional convolutional network on an image of the finished drawing.

Sources: LeCun et al., 1998, https://doi.org/10.1109/5.726791; Ioffe and Szegedy, 2015 (batch normalisation),
https://arxiv.org/abs/1502.03167. The renderer is a layer of the network: `models/layers/raster.py`.

Shape legend: B batch, T padded points, S pixels per side, F filters of a convolution, K classes.
Kind: sequence to vector, without the order in which the lines were drawn.
When to use it: to measure what the order of the strokes gains. It reads strokes like all others, so that augmentation,
serving and tests are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import Config, Sizes
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range


class RasterCnnConfig(Config):
    """Settings of `classify.raster_cnn`."""

    pixels: int = Field(28, ge=8, le=256, description="pixels per side of the image")
    width: float = Field(1.5, gt=0, le=16, description="width of the drawn lines, pixels")
    filters: Sizes = Field(
        (32, 64, 64), min_length=1, description="output channels of each convolution; each halves the image"
    )
    kernel: int = Field(3, ge=1, le=15, description="kernel size of each convolution, pixels")
    mlp_dim: int = Field(64, ge=1, le=4096, description="units of the dense layer before the head")
    activation: Literal["relu", "elu"] = Field(
        "relu", description="activation of the convolutions and the dense layer"
    )
    norm: Literal["none", "batch"] = Field("batch", description="normalisation of each convolution's output")
    dropout: float = Field(0.15, ge=0, lt=1, description="dropout rate before the dense layer and the head")
    l2: float = Field(0.0, ge=0, le=1, description="factor of the squared weights in the loss")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.pixels < 2 ** len(self.filters):
            raise PydanticCustomError(
                "pixels", "pixels should be at least 2 to the power of the number of filters"
            )
        return self


@register(
    "classify",
    "raster_cnn",
    RasterCnnConfig,
    testing=RasterCnnConfig(pixels=12, filters=(4, 6), mlp_dim=8, dropout=0.0),
    search_space={
        "kernel": Range(2, 5),
        "mlp_dim": Range(32, 128, log=True),
        "dropout": Range(0.0, 0.4),
    },
)
def build(config: RasterCnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]} → logits [B, K]."""
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.raster import image_features

    layers = keras.layers
    regularizer = keras.regularizers.L2(config.l2) if config.l2 else None
    inputs, strokes, mask = drawing_inputs(positions=False)
    x = image_features(
        strokes,
        mask,
        config.pixels,
        config.width,
        config.filters,
        config.kernel,
        config.activation,
        config.norm,
        config.l2,
    )
    if config.dropout:
        x = layers.Dropout(config.dropout, name="dropout_1")(x)
    x = layers.Dense(config.mlp_dim, config.activation, kernel_regularizer=regularizer, name="hidden")(x)
    if config.dropout:
        x = layers.Dropout(config.dropout, name="dropout_2")(x)
    logits = layers.Dense(len(spec["classes"]), name="logits")(x)  # [B, K]
    return keras.Model(inputs, logits, name="raster_cnn")
