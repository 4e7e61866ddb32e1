"""One stream looks at what is there, one at what changes; both have a say.

Source: Simonyan and Zisserman, 2014, https://arxiv.org/abs/1406.2199. The motion is made ahead of the network: here
each frame minus the one before, in place of optical flow (new ink is all that moves in a drawing).

Shape legend: B batch, N frames, H x W pixels, F size of a stream's vector, K classes.
Kind: video to vector. Appearance: the mean of all frames' vectors, which no order changes. Motion: all changes at
once, stacked as the channels of one image, so that each has its place in time.
When to use it: where motion says what single frames do not; the motion stream is one image, and cheap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import FrameCnn, Sizes
from strokecast.models.common.registry import register


class TwoStreamConfig(FrameCnn):
    """Settings of `watch.two_stream`; kernels hold for both streams."""

    motion_filters: Sizes = Field(
        (32, 64, 64),
        min_length=1,
        description="channels of the motion stream's convolutions, as many as filters",
    )
    fusion: Literal["concatenate", "average"] = Field(
        "concatenate", description="one head reads both vectors, or two heads' logits are averaged"
    )

    @model_validator(mode="after")
    def _check_motion(self) -> Self:
        if len(self.motion_filters) != len(self.filters):
            raise PydanticCustomError("lengths", "filters and motion_filters should be lists of one length")
        return self


@register(
    "watch",
    "two_stream",
    TwoStreamConfig,
    testing=TwoStreamConfig(
        filters=(3, 4), kernels=(5, 3), features=6, dropout=0.0, motion_filters=(4, 5), fusion="average"
    ),
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
    moved = config.model_copy(update={"filters": config.motion_filters})
    change = image_vector(stacked, moved, prefix="motion_")  # [B, F]
    if config.fusion == "concatenate":
        both = layers.Concatenate(name="both")([appearance, change])  # [B, 2F]
        logits = layers.Dense(classes, name="logits")(both)  # [B, K]
    else:
        heads = [
            layers.Dense(classes, name="appearance_logits")(appearance),
            layers.Dense(classes, name="motion_logits")(change),
        ]
        logits = layers.Average(name="logits")(heads)  # [B, K]
    return keras.Model({"frames": frames, "motion": motion}, logits, name="two_stream")
