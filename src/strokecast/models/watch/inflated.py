"""A two-dimensional network trained on finished drawings, made three-dimensional and trained on.

Source: Carreira and Zisserman, 2017 (I3D), https://arxiv.org/abs/1705.07750

Each two-dimensional kernel is repeated along time and divided by its depth, so that on a video that stands still
the new network says what the old one says of the picture. That holds with all weights only if a still video looks
alike at both its ends: time is padded with copies of the first and last frame (`replicate`), or not at all (`valid`).

Shape legend: B batch, N frames, n what the strides leave of them, H x W pixels, F size of a vector, K classes.
Kind: video to vector; what is left of time is averaged before the head.
When to use it: where pictures are many and videos few. `build_2d` is what is trained first, `inflate` carries over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.common.errors import UserError
from strokecast.models.common.config import FrameCnn, Sizes
from strokecast.models.common.registry import Before, register


class InflatedConfig(FrameCnn):
    """Settings of `watch.inflated`; depths and time_strides hold one number a convolution."""

    depths: Sizes = Field((3, 3, 3), min_length=1, description="frames that each inflated convolution sees")
    time_strides: Sizes = Field(
        (2, 2, 1), min_length=1, description="frames that each inflated convolution moves at a time"
    )
    time_padding: Literal["replicate", "valid"] = Field(
        "replicate", description="repeat the first and the last frame, or let time shrink"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not len(self.filters) == len(self.depths) == len(self.time_strides):
            raise PydanticCustomError(
                "lengths", "filters, depths and time_strides should be lists of one length"
            )
        return self


def build_2d(config: InflatedConfig, spec: Mapping[str, Any]) -> Any:
    """The network that is trained first, on the last frame: {"frames": uint8 [B, N, H, W]} → logits [B, K]."""
    import keras

    from strokecast.models.layers.frames import LastFrame, image_vector, video_input

    frames, video = video_input(spec)  # video [B, N, H, W, 1]
    picture = LastFrame(name="picture")(video)  # [B, H, W, 1]
    vector = image_vector(picture, config)  # [B, F]
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(vector)  # [B, K]
    return keras.Model({"frames": frames}, logits, name="picture")


def inflate(two_d: Any, three_d: Any) -> None:
    """Set the weights of the network over time from the trained one over pictures.

    Kernels of convolutions [h, w, C, F] become [depth, h, w, C, F], each slice 1 / depth of the original; all other
    weights, normalisation's moving moments too, are copied.

    Args:
        two_d: as `build_2d` made it.
        three_d: as `build` made it of the same config.
    """
    import numpy as np

    for layer in two_d.layers:
        if not layer.weights:
            continue
        target = three_d.get_layer(layer.name)
        values = []
        for value, wanted in zip(layer.get_weights(), target.get_weights(), strict=True):
            if value.ndim < wanted.ndim:
                depth = wanted.shape[0]
                value = np.broadcast_to(value / depth, wanted.shape)
            values.append(value)
        target.set_weights(values)


@register(
    "watch",
    "inflated",
    InflatedConfig,
    testing=InflatedConfig(
        filters=(3, 4), kernels=(5, 3), features=6, dropout=0.0, depths=(3, 2), time_strides=(2, 1)
    ),
    before=Before(build_2d, inflate),
)
def build(config: InflatedConfig, spec: Mapping[str, Any]) -> Any:
    """{"frames": uint8 [B, N, H, W]} → logits [B, K]; layers with weights are named as in `build_2d`.

    Raises:
        UserError: if `valid` padding leaves no frame.
    """
    import keras

    from strokecast.models.layers.frames import flat_vector, l2_or_none, normalised, video_input
    from strokecast.models.layers.video import PadVideo

    layers = keras.layers
    frames, x = video_input(spec)  # x [B, N, H, W, 1]
    for number, (filters, kernel, depth, stride) in enumerate(
        zip(config.filters, config.kernels, config.depths, config.time_strides, strict=True), start=1
    ):
        name = f"conv_{number}"
        if config.time_padding == "valid" and x.shape[1] < depth:
            raise UserError(
                f"convolution {number} sees {depth} frames, {x.shape[1]} of {spec['frames']} are left",
                where="params.yaml: models.watch.inflated.config.time_padding",
                fix="say replicate, or make depths and time_strides smaller",
            )
        x = PadVideo(
            depth if config.time_padding == "replicate" else 1, kernel, stride=2, name=f"{name}_pad"
        )(x)
        x = layers.Conv3D(
            filters,
            (depth, kernel, kernel),
            strides=(stride, 2, 2),
            use_bias=config.norm != "batch",
            kernel_regularizer=l2_or_none(config.l2),
            name=name,
        )(x)
        x = normalised(x, config.norm, name)
        x = layers.Activation(config.activation, name=f"{name}_{config.activation}")(x)
    x = layers.Reshape((x.shape[1], -1), name="flat")(x)  # [B, n, pixels * C]
    vectors = flat_vector(x, config)  # [B, n, F]
    mean = layers.GlobalAveragePooling1D(name="mean")(vectors)  # [B, F]
    logits = layers.Dense(len(spec["classes"]), name="logits")(mean)  # [B, K]
    return keras.Model({"frames": frames}, logits, name="inflated")
