"""Baseline: the finished drawing as an image through a small two-dimensional convolutional network.

Source: LeCun et al., 1998, https://doi.org/10.1109/5.726791, with batch normalisation (Ioffe and Szegedy, 2015,
https://arxiv.org/abs/1502.03167). The renderer, inside the graph: `models/layers/raster.py`.

Shape legend: B batch, T padded points, S pixels a side, F filters of a convolution, K classes.
Kind: sequence to vector, but the order in which the lines were drawn is lost.
When to use it: to learn what the order of the strokes is worth. It takes strokes like all the others, so that
augmentation, serving and tests are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import Config, Sizes
from strokecast.models.common.registry import register


class RasterCnnConfig(Config):
    """Settings of `classify.raster_cnn`."""

    pixels: int = Field(28, ge=8, le=256, description="pixels a side of the image")
    width: float = Field(1.5, gt=0, le=16, description="pixels; width of the drawn lines")
    filters: Sizes = Field(
        (32, 64, 64), min_length=1, description="channels of each convolution; each halves the image"
    )
    kernel: int = Field(3, ge=1, le=15, description="pixels a side that each convolution sees")
    hidden: int = Field(64, ge=1, le=4096, description="units of the layer before the head")
    activation: Literal["relu", "elu"] = Field("relu", description="of convolutions and hidden layer")
    norm: Literal["none", "batch"] = Field("batch", description="normalise what leaves each convolution")
    dropout: float = Field(
        0.15, ge=0, lt=1, description="share of units dropped before hidden layer and head"
    )
    l2: float = Field(0.0, ge=0, le=1, description="factor of the squared weights in the loss")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.pixels < 2 ** len(self.filters):
            raise PydanticCustomError("pixels", "pixels should allow as many halvings as filters has entries")
        return self


@register(
    "classify",
    "raster_cnn",
    RasterCnnConfig,
    testing=RasterCnnConfig(pixels=12, filters=(4, 6), hidden=8, dropout=0.0),
)
def build(config: RasterCnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]} → logits [B, K]."""
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.raster import image_features

    layers = keras.layers
    regularizer = keras.regularizers.L2(config.l2) if config.l2 else None
    inputs, strokes, real = drawing_inputs(positions=False)
    x = image_features(
        strokes,
        real,
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
    x = layers.Dense(config.hidden, config.activation, kernel_regularizer=regularizer, name="hidden")(x)
    if config.dropout:
        x = layers.Dropout(config.dropout, name="dropout_2")(x)
    logits = layers.Dense(len(spec["classes"]), name="logits")(x)  # [B, K]
    return keras.Model(inputs, logits, name="raster_cnn")
