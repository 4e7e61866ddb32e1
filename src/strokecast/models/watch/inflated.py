"""I3D: a two-dimensional network trained on finished drawings, inflated to three dimensions and trained further.

Source: Carreira and Zisserman, 2017 (I3D), https://arxiv.org/abs/1705.07750

Each two-dimensional kernel is repeated along time and divided by its depth, so that on a still video the inflated
network initially gives the output of the two-dimensional one. At the ends of the video this requires padding in time
with copies of the first and last frame (`replicate`), or no padding (`valid`).

Shape legend: B batch, N frames, n frames after the strides, H x W pixels, F size of a vector, K classes.
Kind: video to vector; the mean over the remaining frames is the input of the head.
When to use it: with many images and few videos. `build_2d` is the pretrained network, `inflate` transfers its weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.common.errors import UserError
from strokecast.models.common.config import FrameCnn, Sizes
from strokecast.models.common.registry import Pretraining, register
from strokecast.models.common.search_space import Range

LOCATION = "params.yaml: models.watch.inflated"


class InflatedConfig(FrameCnn):
    """Settings of `watch.inflated`; depths and time_strides have one number per convolution."""

    depths: Sizes = Field(
        (3, 3, 3), min_length=1, description="kernel size of each convolution in time, frames"
    )
    time_strides: Sizes = Field(
        (2, 2, 1), min_length=1, description="stride of each convolution in time, frames"
    )
    time_padding: Literal["replicate", "valid"] = Field(
        "replicate", description="padding in time: repeat the first and last frame, or none"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not len(self.filters) == len(self.depths) == len(self.time_strides):
            raise PydanticCustomError(
                "lengths", "filters, depths and time_strides should have the same length"
            )
        return self

    def check_spec(self, spec: Mapping[str, Any], location: str = LOCATION) -> None:
        """Check that `valid` padding leaves each convolution enough of the `frames` of the data.

        Raises:
            UserError: names the first convolution without enough frames.
        """
        frames = int(spec["frames"])
        for number, (depth, stride) in enumerate(zip(self.depths, self.time_strides, strict=True), start=1):
            if self.time_padding == "valid" and frames < depth:
                raise UserError(
                    f"convolution {number} needs {depth} frames, {frames} of {spec['frames']} are left",
                    location=f"{location}.config.time_padding",
                    fix="set it to replicate, or reduce depths and time_strides",
                )
            frames = (frames - depth) // stride + 1


def build_2d(config: InflatedConfig, spec: Mapping[str, Any]) -> Any:
    """The pretrained network, on the last frame: {"frames": uint8 [B, N, H, W]} → logits [B, K]."""
    import keras

    from strokecast.models.layers.frames import LastFrame, image_vector, video_input

    frames, video = video_input(spec)  # video [B, N, H, W, 1]
    image = LastFrame(name="last_frame")(video)  # [B, H, W, 1]
    vector = image_vector(image, config)  # [B, F]
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(vector)  # [B, K]
    return keras.Model({"frames": frames}, logits, name="inflated_2d")


def inflate(two_d: Any, three_d: Any) -> None:
    """Transfer the weights of the two-dimensional network to the three-dimensional one.

    Kernels of convolutions [h, w, C, F] become [depth, h, w, C, F], each slice 1 / depth of the original; all other
    weights are copied, including the moving moments of batch normalisation.

    Args:
        two_d: result of `build_2d`.
        three_d: result of `build` for the same config.
    """
    import numpy as np

    for layer in two_d.layers:
        if not layer.weights:
            continue
        target = three_d.get_layer(layer.name)
        weights = []
        for weight, target_weight in zip(layer.get_weights(), target.get_weights(), strict=True):
            if weight.ndim < target_weight.ndim:
                depth = target_weight.shape[0]
                weight = np.broadcast_to(weight / depth, target_weight.shape)
            weights.append(weight)
        target.set_weights(weights)


@register(
    "watch",
    "inflated",
    InflatedConfig,
    testing=InflatedConfig(
        filters=(3, 4), kernels=(5, 3), features=6, dropout=0.0, depths=(3, 2), time_strides=(2, 1)
    ),
    training={"pretrain_epochs": 8, "epochs": 6},
    pretraining=Pretraining(build_2d, inflate),
    search_space={
        "features": Range(32, 128, log=True),
        "dropout": Range(0.0, 0.5),
    },
)
def build(config: InflatedConfig, spec: Mapping[str, Any]) -> Any:
    """{"frames": uint8 [B, N, H, W]} → logits [B, K]; layers with weights have the same names as in `build_2d`.

    Raises:
        UserError: if `valid` padding leaves fewer frames than a convolution needs.
    """
    import keras

    from strokecast.models.layers.frames import flat_vector, l2_or_none, normalised, video_input
    from strokecast.models.layers.video import PadVideo

    config.check_spec(spec)
    layers = keras.layers
    frames, x = video_input(spec)  # x [B, N, H, W, 1]
    for number, (filters, kernel, depth, stride) in enumerate(
        zip(config.filters, config.kernels, config.depths, config.time_strides, strict=True), start=1
    ):
        name = f"conv_{number}"
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
