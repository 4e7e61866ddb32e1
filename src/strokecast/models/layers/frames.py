"""Videos at a network's input, and the small convolutional network that reads one frame.

Shape legend: B batch, N frames, H x W pixels, C channels, F size of a frame's vector. Frames are folded into the
batch for what looks at one at a time: two-dimensional convolutions are several times faster than three-dimensional
ones of depth 1, and batch normalisation counts all frames of all videos.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from strokecast.models.common.config import FrameCnn, FrameRnn
from strokecast.models.layers.recurrent import CELLS, recurrent_stack

MOMENTUM = 0.9  # of batch normalisation's moving moments, share kept a step: an epoch has few steps


@keras.saving.register_keras_serializable(package="strokecast")
class FramesAsBatch(keras.layers.Layer):
    """Folds time into the batch.

    Call arguments:
        videos: float [B, N, ...].

    Returns:
        float [B * N, ...], the frames of a video one after the other.
    """

    def call(self, videos: Any) -> Any:
        """The frames."""
        return ops.reshape(videos, (-1, *videos.shape[2:]))

    def compute_output_spec(self, videos: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((None, *videos.shape[2:]), videos.dtype)


@keras.saving.register_keras_serializable(package="strokecast")
class BatchAsFrames(keras.layers.Layer):
    """Takes time out of the batch again; what `FramesAsBatch` did, undone.

    Args:
        frames: N.

    Call arguments:
        folded: float [B * N, ...].

    Returns:
        float [B, N, ...].
    """

    def __init__(self, frames: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.frames = frames

    def call(self, folded: Any) -> Any:
        """The videos."""
        return ops.reshape(folded, (-1, self.frames, *folded.shape[1:]))

    def compute_output_spec(self, folded: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((None, self.frames, *folded.shape[1:]), folded.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        return {**super().get_config(), "frames": self.frames}


@keras.saving.register_keras_serializable(package="strokecast")
class LastFrame(keras.layers.Layer):
    """The finished drawing: float [B, N, H, W, C] → [B, H, W, C]."""

    def call(self, videos: Any) -> Any:
        """The last frame."""
        return videos[:, -1]

    def compute_output_spec(self, videos: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((videos.shape[0], *videos.shape[2:]), videos.dtype)


def video_input(spec: Mapping[str, Any]) -> tuple[Any, Any]:
    """The frames as they are stored, and as a network reads them.

    Args:
        spec: `frames`, `height` and `width`.

    Returns:
        (input `frames` uint8 [B, N, H, W], 0 paper and 255 ink; float [B, N, H, W, 1] in [0, 1]).
    """
    shape = (spec["frames"], spec["height"], spec["width"])
    frames = keras.Input(shape, dtype="uint8", name="frames")
    ink = keras.layers.Rescaling(1 / 255, name="ink")(frames)
    return frames, keras.layers.Reshape((*shape, 1), name="video")(ink)


def l2_or_none(factor: float) -> Any:
    """The regulariser of a config's `l2`; None where it is 0."""
    return keras.regularizers.L2(factor) if factor else None


def normalised(x: Any, norm: str, name: str) -> Any:
    """`x` [..., C], normalised over the channels of each place (`layer`), over the batch (`batch`), or as it is."""
    if norm == "layer":
        return keras.layers.LayerNormalization(name=f"{name}_norm")(x)
    if norm == "batch":
        return keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)
    return x


def image_vector(x: Any, config: FrameCnn, prefix: str = "") -> Any:
    """Strided convolutions, each with normalisation and activation, then one dense layer over what is left.

    Args:
        x: float [M, H, W, C].
        config: sizes, activation, normalisation, dropout (before and behind the dense layer), L2.
        prefix: of the layers' names.

    Returns:
        float [M, F].
    """
    layers = keras.layers
    for number, (filters, kernel) in enumerate(zip(config.filters, config.kernels, strict=True), start=1):
        name = f"{prefix}conv_{number}"
        x = layers.Conv2D(
            filters,
            kernel,
            strides=2,
            padding="same",
            use_bias=config.norm != "batch",
            kernel_regularizer=l2_or_none(config.l2),
            name=name,
        )(x)
        x = normalised(x, config.norm, name)
        x = layers.Activation(config.activation, name=f"{name}_{config.activation}")(x)
    return flat_vector(layers.Flatten(name=f"{prefix}flat")(x), config, prefix)


def flat_vector(x: Any, config: FrameCnn, prefix: str = "") -> Any:
    """The last part of `image_vector`: float [..., pixels * C] → [..., F]."""
    layers = keras.layers
    if config.dropout:
        x = layers.Dropout(config.dropout, name=f"{prefix}flat_dropout")(x)
    x = layers.Dense(
        config.features,
        config.activation,
        kernel_regularizer=l2_or_none(config.l2),
        name=f"{prefix}vector",
    )(x)
    return layers.Dropout(config.dropout, name=f"{prefix}vector_dropout")(x) if config.dropout else x


def frame_vectors(video: Any, config: FrameCnn) -> Any:
    """The same `image_vector` of each frame: float [B, N, H, W, C] → [B, N, F]."""
    x = FramesAsBatch(name="each_frame")(video)  # [B * N, H, W, C]
    return BatchAsFrames(video.shape[1], name="vectors")(image_vector(x, config))


def recurrent_state(vectors: Any, config: FrameRnn) -> Any:
    """The last state of the recurrent layers that read the frames' vectors: float [B, N, C] → [B, U]."""
    return recurrent_stack(
        CELLS[config.cell],
        vectors,
        config.units,
        config.layers,
        dropout=config.dropout,
        bidirectional=config.bidirectional,
        norm=config.recurrent_norm,
        l2=config.l2,
        recurrent_dropout=config.recurrent_dropout,
    )
