"""Two streams: one reads the appearance of the frames, the other the changes between them.

Source: Simonyan and Zisserman, 2014, https://arxiv.org/abs/1406.2199. The motion input is computed before the network:
here the difference between each frame and the previous one replaces optical flow, because the only motion in a drawing
is new ink.

Shape legend: B batch, N frames, H x W pixels, F size of a stream's vector, K classes.
Kind: video to vector. Appearance: the mean of the frames' vectors, independent of their order. Motion: all changes
stacked as the channels of one image, which keeps their order.
When to use it: if motion carries information that single frames lack. The motion stream reads one image, so it is
cheap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import FrameCnn, Sizes
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range


class TwoStreamConfig(FrameCnn):
    """Settings of `watch.two_stream`; `kernels` applies to both streams."""

    motion_filters: Sizes = Field(
        (32, 64, 64),
        min_length=1,
        description="output channels of the motion stream's convolutions; as many entries as filters",
    )
    fusion: Literal["concatenate", "average"] = Field(
        "concatenate",
        description="concatenate: one head reads both vectors; average: the mean of two heads' logits",
    )

    @model_validator(mode="after")
    def _check_motion(self) -> Self:
        if len(self.motion_filters) != len(self.filters):
            raise PydanticCustomError("lengths", "filters and motion_filters should have the same length")
        return self


@register(
    "watch",
    "two_stream",
    TwoStreamConfig,
    testing=TwoStreamConfig(
        filters=(3, 4), kernels=(5, 3), features=6, dropout=0.0, motion_filters=(4, 5), fusion="average"
    ),
    search_space={
        "features": Range(32, 128, log=True),
        "dropout": Range(0.0, 0.5),
    },
)
def build(config: TwoStreamConfig, spec: Mapping[str, Any]) -> Any:
    """{"frames": uint8 [B, N, H, W], "motion": [B, N, H, W] in [-1, 1]} → logits [B, K]."""
    import keras

    from strokecast.models.layers.frames import frame_vectors, image_vector, video_input

    layers = keras.layers
    classes = len(spec["classes"])
    frames, video = video_input(spec)  # video [B, N, H, W, 1]
    appearance = layers.GlobalAveragePooling1D(name="appearance")(frame_vectors(video, config))  # [B, F]
    motion = keras.Input((spec["frames"], spec["height"], spec["width"]), name="motion")
    stacked = layers.Permute((2, 3, 1), name="stacked")(motion)  # [B, H, W, N]
    motion_config = config.model_copy(update={"filters": config.motion_filters})
    motion_vector = image_vector(stacked, motion_config, prefix="motion_")  # [B, F]
    if config.fusion == "concatenate":
        joined = layers.Concatenate(name="joined")([appearance, motion_vector])  # [B, 2F]
        logits = layers.Dense(classes, name="logits")(joined)  # [B, K]
    else:
        heads = [
            layers.Dense(classes, name="appearance_logits")(appearance),
            layers.Dense(classes, name="motion_logits")(motion_vector),
        ]
        logits = layers.Average(name="logits")(heads)  # [B, K]
    return keras.Model({"frames": frames, "motion": motion}, logits, name="two_stream")
