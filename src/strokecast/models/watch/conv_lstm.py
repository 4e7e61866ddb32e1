"""ConvLSTM: LSTM layers whose states are images and whose products are convolutions.

Source: Shi et al., 2015, https://arxiv.org/abs/1506.04214

Shape legend: B batch, N frames, H x W pixels, h x w pixels after the strides, F filters of the last layer, K classes.
Kind: video to vector; all layers but the last return sequences. cuDNN has no kernel for it.
When to use it: if the place of a motion matters. It is slow, because each frame convolves a state of the size of an
image. The first stride keeps the state small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import L2, Config, Dropout, Norm, RecurrentDropout, Sizes
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range


class ConvLstmConfig(Config):
    """Settings of `watch.conv_lstm`; filters, kernels and strides have one number per layer."""

    filters: Sizes = Field((16, 32), min_length=1, description="channels of each layer's state")
    kernels: Sizes = Field((5, 3), min_length=1, description="kernel size for input and state, pixels")
    strides: Sizes = Field(
        (4, 2), min_length=1, description="stride of each layer, pixels; the first 2 or more"
    )
    activation: Literal["tanh", "relu"] = Field("tanh", description="activation of candidate and state")
    norm: Norm = "batch"
    dropout: Dropout = 0.2
    recurrent_dropout: RecurrentDropout = 0.0
    l2: L2 = 0.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not len(self.filters) == len(self.kernels) == len(self.strides):
            raise PydanticCustomError("lengths", "filters, kernels and strides should have the same length")
        if self.strides[0] < 2:
            raise PydanticCustomError(
                "strides", "the first stride should be 2 or more, because a state of full size is slow"
            )
        return self


@register(
    "watch",
    "conv_lstm",
    ConvLstmConfig,
    testing=ConvLstmConfig(filters=(2, 3), kernels=(5, 3), strides=(4, 2), dropout=0.0),
    search_space={
        "dropout": Range(0.0, 0.5),
    },
)
def build(config: ConvLstmConfig, spec: Mapping[str, Any]) -> Any:
    """{"frames": uint8 [B, N, H, W]} → logits [B, K]."""
    import keras

    from strokecast.models.layers.frames import l2_or_none, normalised, video_input

    layers = keras.layers
    regularizer = l2_or_none(config.l2)
    frames, x = video_input(spec)  # x [B, N, H, W, 1]
    depth = len(config.filters)
    for number, (filters, kernel, stride) in enumerate(
        zip(config.filters, config.kernels, config.strides, strict=True), start=1
    ):
        name = f"conv_lstm_{number}"
        x = layers.ConvLSTM2D(  # [B, N, h, w, F], the last [B, h, w, F]
            filters,
            kernel,
            strides=stride,
            padding="same",
            activation=config.activation,
            return_sequences=number < depth,
            recurrent_dropout=config.recurrent_dropout,
            kernel_regularizer=regularizer,
            recurrent_regularizer=regularizer,
            name=name,
        )(x)
        x = normalised(x, config.norm, name)
    x = layers.Flatten(name="flat")(x)  # [B, h * w * F]
    if config.dropout:
        x = layers.Dropout(config.dropout, name="dropout")(x)
    logits = layers.Dense(len(spec["classes"]), name="logits")(x)  # [B, K]
    return keras.Model({"frames": frames}, logits, name="conv_lstm")
