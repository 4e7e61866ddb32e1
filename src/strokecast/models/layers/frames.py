"""Video inputs, the small CNN that reads one frame, and recurrent layers over frame vectors.

Layers that read one frame at a time get the frames folded into the batch: 2D convolutions are several times faster
than 3D ones of depth 1, and batch normalisation uses all frames of all videos.

Shape legend: B batch, N frames, H x W pixels, C channels, F size of a frame vector, M images, U units.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from strokecast.models.common.config import FrameCnn, FrameRnn
from strokecast.models.layers.normalization import FusedBatchNormalization
from strokecast.models.layers.recurrent import CELLS, recurrent_stack

MOMENTUM = 0.9  # of batch normalisation; lower than Keras's 0.99 because an epoch has few steps


@keras.saving.register_keras_serializable(package="strokecast")
class FramesAsBatch(keras.layers.Layer):
    """Fold the time axis into the batch axis.

    Call arguments:
        videos: float [B, N, ...].

    Returns:
        float [B * N, ...], the frames of a video next to each other.
    """

    def call(self, videos: Any) -> Any:
        """Return the frames."""
        return ops.reshape(videos, (-1, *videos.shape[2:]))

    def compute_output_spec(self, videos: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((None, *videos.shape[2:]), videos.dtype)


@keras.saving.register_keras_serializable(package="strokecast")
class BatchAsFrames(keras.layers.Layer):
    """Unfold the time axis from the batch axis; the inverse of `FramesAsBatch`.

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
        """Return the videos."""
        return ops.reshape(folded, (-1, self.frames, *folded.shape[1:]))

    def compute_output_spec(self, folded: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((None, self.frames, *folded.shape[1:]), folded.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "frames": self.frames}


@keras.saving.register_keras_serializable(package="strokecast")
class LastFrame(keras.layers.Layer):
    """Return the last frame, the finished drawing: float [B, N, H, W, C] → [B, H, W, C]."""

    def call(self, videos: Any) -> Any:
        """Return the last frame."""
        return videos[:, -1]

    def compute_output_spec(self, videos: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((videos.shape[0], *videos.shape[2:]), videos.dtype)


def video_input(spec: Mapping[str, Any]) -> tuple[Any, Any]:
    """Create the video input and rescale it.

    Args:
        spec: spec of the processed data; `frames`, `height` and `width` are read.

    Returns:
        (input `frames` uint8 [B, N, H, W], 0 is paper and 255 is ink; video float [B, N, H, W, 1] in [0, 1]).
    """
    shape = (spec["frames"], spec["height"], spec["width"])
    frames = keras.Input(shape, dtype="uint8", name="frames")
    ink = keras.layers.Rescaling(1 / 255, name="ink")(frames)
    return frames, keras.layers.Reshape((*shape, 1), name="video")(ink)


def l2_or_none(factor: float) -> Any:
    """Return an L2 regulariser, or None if the factor is 0."""
    return keras.regularizers.L2(factor) if factor else None


def normalised(x: Any, norm: str, name: str) -> Any:
    """Normalise x [..., C]: `layer` over the channels of each position, `batch` over the batch, `none` not at all."""
    if norm == "layer":
        return keras.layers.LayerNormalization(name=f"{name}_norm")(x)
    if norm == "batch":
        return FusedBatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)
    return x


def image_vector(x: Any, config: FrameCnn, prefix: str = "") -> Any:
    """Apply strided convolutions, each with normalisation and activation, then a dense layer.

    Args:
        x: float [M, H, W, C].
        config: sizes, activation, normalisation, dropout (before and after the dense layer) and L2.
        prefix: prefix of the layer names.

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
    """Apply the dense layer of `image_vector`: float [..., pixels * C] → [..., F]."""
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
    """Apply one shared `image_vector` to each frame: float [B, N, H, W, C] → [B, N, F]."""
    x = FramesAsBatch(name="each_frame")(video)  # [B * N, H, W, C]
    return BatchAsFrames(video.shape[1], name="vectors")(image_vector(x, config))


def recurrent_state(vectors: Any, config: FrameRnn) -> Any:
    """Return the last state of recurrent layers over the frame vectors: float [B, N, C] → [B, U]."""
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
