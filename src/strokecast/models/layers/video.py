"""3D convolutions over time, height and width: padding, convolution with normalisation, residual block.

Shape legend: B batch, N frames, H x W pixels, C channels, F filters.
"""

from __future__ import annotations

from typing import Any, Protocol

import keras
from keras import ops

from strokecast.models.layers.frames import l2_or_none, normalised


@keras.saving.register_keras_serializable(package="strokecast")
class PadVideo(keras.layers.Layer):
    """Pad videos: copies of the first and last frame in time, zeros in space.

    The zeros are those of TensorFlow's `same` padding for a 2D convolution, so that a `valid` 3D convolution reads
    each frame as the 2D convolution does.

    Args:
        depth: kernel size of the convolution in time, frames; 1: no padding in time.
        kernel: kernel size in space, pixels.
        stride: stride in space, pixels.

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
        total = max((-(-size // self.stride) - 1) * self.stride + self.kernel - size, 0)
        return total // 2, total - total // 2

    def call(self, videos: Any) -> Any:
        """Return the padded videos."""
        before = (self.depth - 1) // 2
        first = [videos[:, :1]] * before
        last = [videos[:, -1:]] * (self.depth - 1 - before)
        padded = ops.concatenate([*first, videos, *last], axis=1) if self.depth > 1 else videos
        zeros = [self._zeros(size) for size in videos.shape[2:4]]
        return ops.pad(padded, ((0, 0), (0, 0), *zeros, (0, 0)))

    def compute_output_spec(self, videos: Any) -> Any:
        """Return the output's shape and dtype."""
        batch, frames, *sides, channels = videos.shape
        sides = [size + sum(self._zeros(size)) for size in sides]
        return keras.KerasTensor((batch, frames + self.depth - 1, *sides, channels), videos.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "depth": self.depth, "kernel": self.kernel, "stride": self.stride}


class ConvSettings(Protocol):
    """Keys of an architecture's config that the functions of this module read."""

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
    config: ConvSettings,
    name: str,
    *,
    activate: bool = True,
) -> Any:
    """Apply a 3D convolution, normalisation and activation. Factorised: a convolution over space, then one over time.

    Args:
        x: float [B, N, H, W, C].
        filters: F.
        kernel: kernel size in frames and pixels.
        strides: strides in frames and pixels.
        config: `factorised`, `activation`, `norm` and `l2`.
        name: name of the layer and prefix of the layer names.
        activate: whether to apply the activation at the end.

    Returns:
        float [B, N / stride, H / stride, W / stride, F], rounded up.
    """
    layers = keras.layers

    def convolve(x: Any, kernel: tuple[int, ...], strides: tuple[int, ...], name: str, activate: bool) -> Any:
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
        x = convolve(x, (1, *kernel[1:]), (1, *strides[1:]), f"{name}_space", True)
        return convolve(x, (kernel[0], 1, 1), (strides[0], 1, 1), f"{name}_time", activate)
    return convolve(x, kernel, strides, name, activate)


def residual_block(x: Any, filters: int, config: ConvSettings, name: str) -> Any:
    """Apply two 3 x 3 x 3 convolutions, the first with stride 2, and add the input through a 1 x 1 x 1 convolution.

    Args:
        x: float [B, N, H, W, C].
        filters: F.
        config: as in `conv3d`.
        name: prefix of the layer names.

    Returns:
        float [B, N / 2, H / 2, W / 2, F], rounded up.
    """
    y = conv3d(x, filters, (3, 3, 3), (2, 2, 2), config, f"{name}_conv_1")
    y = conv3d(y, filters, (3, 3, 3), (1, 1, 1), config, f"{name}_conv_2", activate=False)
    shortcut = conv3d(x, filters, (1, 1, 1), (2, 2, 2), config, f"{name}_shortcut", activate=False)
    x = keras.layers.Add(name=f"{name}_add")([y, shortcut])
    return keras.layers.Activation(config.activation, name=name)(x)
