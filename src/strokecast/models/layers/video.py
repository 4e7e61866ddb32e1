"""Convolutions over time, height and width: padding, a convolution with its normalisation, a residual block.

Shape legend: B batch, N frames, H x W pixels, C channels, F filters.
"""

from __future__ import annotations

from typing import Any, Protocol

import keras
from keras import ops

from strokecast.models.layers.frames import l2_or_none, normalised


@keras.saving.register_keras_serializable(package="strokecast")
class PadVideo(keras.layers.Layer):
    """Copies of the first and last frame around time, zeros around each frame.

    The zeros are as many, and divided as, TensorFlow's `same` has them for a two-dimensional convolution, so
    that a `valid` three-dimensional one sees each frame as that one does.

    Args:
        depth: frames that the convolution sees; 1: time is left as it is.
        kernel: pixels a side that it sees.
        stride: pixels that it moves.

    Call arguments:
        videos: float [B, N, H, W, C].

    Returns:
        float [B, N + depth - 1, H', W', C].
    """

    def __init__(self, depth: int, kernel: int, stride: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.depth = depth
        self.kernel = kernel
        self.stride = stride

    def _zeros(self, size: int) -> tuple[int, int]:
        whole = max((-(-size // self.stride) - 1) * self.stride + self.kernel - size, 0)
        return whole // 2, whole - whole // 2

    def call(self, videos: Any) -> Any:
        """The padded videos."""
        before = (self.depth - 1) // 2
        first = [videos[:, :1]] * before
        last = [videos[:, -1:]] * (self.depth - 1 - before)
        longer = ops.concatenate([*first, videos, *last], axis=1) if self.depth > 1 else videos
        zeros = [self._zeros(size) for size in videos.shape[2:4]]
        return ops.pad(longer, ((0, 0), (0, 0), *zeros, (0, 0)))

    def compute_output_spec(self, videos: Any) -> Any:
        """Shape and dtype, without running."""
        batch, frames, *sides, channels = videos.shape
        sides = [size + sum(self._zeros(size)) for size in sides]
        return keras.KerasTensor((batch, frames + self.depth - 1, *sides, channels), videos.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        return {**super().get_config(), "depth": self.depth, "kernel": self.kernel, "stride": self.stride}


class Switches(Protocol):
    """What the functions here read of an architecture's config."""

    @property
    def factorised(self) -> bool: ...
    @property
    def activation(self) -> str: ...
    @property
    def norm(self) -> str: ...
    @property
    def l2(self) -> float: ...


def conv3d(
    x: Any,
    filters: int,
    kernel: tuple[int, int, int],
    strides: tuple[int, int, int],
    config: Switches,
    name: str,
    *,
    activate: bool = True,
) -> Any:
    """A convolution with normalisation and activation; factorised: one over space, then one over time.

    Args:
        x: float [B, N, H, W, C].
        filters: F.
        kernel: frames and pixels that each output sees.
        strides: frames and pixels that the kernel moves.
        config: the switches.
        name: of the layer, or prefix of the layers' names.
        activate: end with the activation.

    Returns:
        float [B, N / stride, H / stride, W / stride, F], rounded up.
    """
    layers = keras.layers

    def one(x: Any, kernel: tuple[int, ...], strides: tuple[int, ...], name: str, activate: bool) -> Any:
        x = layers.Conv3D(
            filters,
            kernel,
            strides=strides,
            padding="same",
            use_bias=config.norm != "batch",
            kernel_regularizer=l2_or_none(config.l2),
            name=name,
        )(x)
        x = normalised(x, config.norm, name)
        return layers.Activation(config.activation, name=f"{name}_{config.activation}")(x) if activate else x

    if config.factorised and kernel[0] > 1:
        x = one(x, (1, *kernel[1:]), (1, *strides[1:]), f"{name}_space", True)
        return one(x, (kernel[0], 1, 1), (strides[0], 1, 1), f"{name}_time", activate)
    return one(x, kernel, strides, name, activate)


def residual_block(x: Any, filters: int, config: Switches, name: str) -> Any:
    """Two convolutions of 3 x 3 x 3, the first of stride 2; what came in is added through one of 1 x 1 x 1.

    Args:
        x: float [B, N, H, W, C].
        filters: F.
        config: the switches.
        name: prefix of the layers' names.

    Returns:
        float [B, N / 2, H / 2, W / 2, F], rounded up.
    """
    seen = conv3d(x, filters, (3, 3, 3), (2, 2, 2), config, f"{name}_conv_1")
    seen = conv3d(seen, filters, (3, 3, 3), (1, 1, 1), config, f"{name}_conv_2", activate=False)
    short = conv3d(x, filters, (1, 1, 1), (2, 2, 2), config, f"{name}_short", activate=False)
    x = keras.layers.Add(name=f"{name}_add")([seen, short])
    return keras.layers.Activation(config.activation, name=name)(x)
