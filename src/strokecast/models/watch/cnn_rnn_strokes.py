"""Two tracks: what each frame shows, and how the pen moved since the frame before; one recurrent network reads both.

Source: Ng et al., 2015 (recurrent network over frame features), https://arxiv.org/abs/1503.08909; the second track
is brought down to the frame rate by strided convolutions, as sound is beside a film.

Shape legend: B batch, N frames, H x W pixels, S steps of the track a frame (the product of `track_strides`), F size
of a frame's vector, G track filters, U units (twice that where bidirectional), K classes.
Kind: video and sequence to vector. The convolutions' zeros stand in front, so that a frame's vector knows the track
up to that frame and nothing later. Keeps cuDNN's conditions while `recurrent_dropout` is 0.
When to use it: where a second, faster signal (pen, sound, sensors) runs beside the video.
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


class CnnRnnStrokesConfig(FrameRnn):
    """Settings of `watch.cnn_rnn_strokes`; the track's lists hold one number a convolution."""

    track_filters: Sizes = Field(
        (32, 64), min_length=1, description="channels that each convolution of the track gives"
    )
    track_kernels: Sizes = Field(
        (8, 8), min_length=1, description="steps that each of them sees, at least its stride"
    )
    track_strides: Sizes = Field(
        (4, 4), min_length=1, description="steps each moves at a time; their product is steps_per_frame"
    )

    @model_validator(mode="after")
    def _check_track(self) -> Self:
        if not len(self.track_filters) == len(self.track_kernels) == len(self.track_strides):
            raise PydanticCustomError(
                "lengths", "track_filters, -kernels and -strides should be of one length"
            )
        if any(
            kernel < stride for kernel, stride in zip(self.track_kernels, self.track_strides, strict=True)
        ):
            raise PydanticCustomError(
                "kernels", "track_kernels should be at least track_strides, or steps are lost"
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
)
def build(config: CnnRnnStrokesConfig, spec: Mapping[str, Any]) -> Any:
    """{"frames": uint8 [B, N, H, W], "track": [B, N * S, 3]} → logits [B, K].

    Raises:
        UserError: if the strides do not bring the track down to one vector a frame.
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
    if prod(config.track_strides) != steps:
        raise UserError(
            f"track_strides {list(config.track_strides)} bring {prod(config.track_strides)} steps down to one, "
            f"a frame has {steps}",
            where="params.yaml: models.watch.cnn_rnn_strokes.config.track_strides",
            allowed=f"numbers whose product is steps_per_frame, {steps}",
        )
    layers = keras.layers
    frames, video = video_input(spec)  # video [B, N, H, W, 1]
    vectors = frame_vectors(video, config)  # [B, N, F]
    track = keras.Input((spec["frames"] * steps, 3), name="track")
    moves = track
    for number, (filters, kernel, stride) in enumerate(
        zip(config.track_filters, config.track_kernels, config.track_strides, strict=True), start=1
    ):
        name = f"track_{number}"
        moves = layers.ZeroPadding1D((kernel - stride, 0), name=f"{name}_pad")(moves)
        moves = layers.Conv1D(
            filters, kernel, strides=stride, kernel_regularizer=l2_or_none(config.l2), name=name
        )(moves)
        moves = normalised(moves, config.norm, name)
        moves = layers.Activation(config.activation, name=f"{name}_{config.activation}")(moves)
    both = layers.Concatenate(axis=-1, name="both")([vectors, moves])  # [B, N, F + G]
    state = recurrent_state(both, config)  # [B, U]
    logits = layers.Dense(len(spec["classes"]), name="logits")(state)  # [B, K]
    return keras.Model({"frames": frames, "track": track}, logits, name="cnn_rnn_strokes")
