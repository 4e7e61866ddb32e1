"""Two inputs, the frames and the pen's track between them; one recurrent network reads both.

Source: Ng et al., 2015 (recurrent network over frame features), https://arxiv.org/abs/1503.08909; strided
convolutions reduce the track to the frame rate, as for the sound of a film.

Shape legend: B batch, N frames, H x W pixels, S steps of the track per frame (the product of `track_strides`), F size
of a frame's vector, G track filters, U units (2U if bidirectional), K classes.
Kind: video and sequence to vector. The convolutions are causal: a frame's vector depends on the track up to that frame
only. Meets cuDNN's conditions with `recurrent_dropout` 0.
When to use it: if a second, faster signal (pen, sound, sensors) accompanies the video.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.common.errors import UserError
from strokecast.models.common.config import FrameRnn, Sizes
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range

LOCATION = "params.yaml: models.watch.cnn_rnn_strokes"


class CnnRnnStrokesConfig(FrameRnn):
    """Settings of `watch.cnn_rnn_strokes`; the track_* lists have one number per convolution."""

    track_filters: Sizes = Field(
        (32, 64), min_length=1, description="output channels of each convolution of the track"
    )
    track_kernels: Sizes = Field(
        (8, 8), min_length=1, description="kernel size of each convolution, steps; at least its stride"
    )
    track_strides: Sizes = Field(
        (4, 4),
        min_length=1,
        description="stride of each convolution, steps; their product is steps_per_frame",
    )

    def check_spec(self, spec: Mapping[str, Any], location: str = LOCATION) -> None:
        """Check that the strides reduce the steps of a frame (`steps_per_frame` of the data) to one.

        Raises:
            UserError: if their product is another number.
        """
        steps, product = spec["steps_per_frame"], prod(self.track_strides)
        if product != steps:
            raise UserError(
                f"the product of track_strides {list(self.track_strides)} is {product}, a frame has {steps} steps",
                location=f"{location}.config.track_strides",
                allowed=f"numbers whose product is steps_per_frame, {steps}",
            )

    @model_validator(mode="after")
    def _check_track(self) -> Self:
        if not len(self.track_filters) == len(self.track_kernels) == len(self.track_strides):
            raise PydanticCustomError(
                "lengths", "track_filters, track_kernels and track_strides should have the same length"
            )
        if any(
            kernel < stride for kernel, stride in zip(self.track_kernels, self.track_strides, strict=True)
        ):
            raise PydanticCustomError(
                "kernels", "track_kernels should be at least track_strides, otherwise steps are skipped"
            )
        return self


@register(
    "watch",
    "cnn_rnn_strokes",
    CnnRnnStrokesConfig,
    testing=CnnRnnStrokesConfig(
        filters=(3, 4),
        kernels=(5, 3),
        features=6,
        units=5,
        dropout=0.0,
        track_filters=(4, 5, 6),
        track_kernels=(6, 3, 4),
        track_strides=(4, 2, 2),
    ),
    search_space={
        "features": Range(32, 128, log=True),
        "dropout": Range(0.0, 0.5),
        "units": Range(48, 192, log=True),
        "layers": Range(1, 3),
        "bidirectional": Choices((False, True)),
    },
)
def build(config: CnnRnnStrokesConfig, spec: Mapping[str, Any]) -> Any:
    """{"frames": uint8 [B, N, H, W], "track": [B, N * S, 3]} → logits [B, K].

    Raises:
        UserError: if the product of the strides is not the number of steps per frame.
    """
    import keras

    from strokecast.models.layers.frames import (
        frame_vectors,
        l2_or_none,
        normalised,
        recurrent_state,
        video_input,
    )

    steps = spec["steps_per_frame"]
    config.check_spec(spec)
    layers = keras.layers
    frames, video = video_input(spec)  # video [B, N, H, W, 1]
    vectors = frame_vectors(video, config)  # [B, N, F]
    track = keras.Input((spec["frames"] * steps, 3), name="track")
    x = track
    for number, (filters, kernel, stride) in enumerate(
        zip(config.track_filters, config.track_kernels, config.track_strides, strict=True), start=1
    ):
        name = f"track_{number}"
        x = layers.ZeroPadding1D((kernel - stride, 0), name=f"{name}_pad")(x)
        x = layers.Conv1D(
            filters, kernel, strides=stride, kernel_regularizer=l2_or_none(config.l2), name=name
        )(x)
        x = normalised(x, config.norm, name)
        x = layers.Activation(config.activation, name=f"{name}_{config.activation}")(x)
    joined = layers.Concatenate(axis=-1, name="joined")([vectors, x])  # [B, N, F + G]
    state = recurrent_state(joined, config)  # [B, U]
    logits = layers.Dense(len(spec["classes"]), name="logits")(state)  # [B, K]
    return keras.Model({"frames": frames, "track": track}, logits, name="cnn_rnn_strokes")
