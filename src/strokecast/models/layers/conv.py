"""A strided convolution over padded sequences in which the padding has no say."""

from __future__ import annotations

from typing import Any

import keras

from strokecast.models.layers.masking import StrideMask, ZeroPadded


def masked_conv(
    x: Any,
    real: Any,
    filters: int,
    kernel: int,
    stride: int,
    *,
    norm_momentum: float | None = 0.98,
    name: str,
) -> tuple[Any, Any]:
    """Conv1D (ReLU) and BatchNormalization whose results do not change when padding is added.

    Zeros are put on both sides by hand and the convolution is `valid`: TensorFlow's `same` shifts
    its padding with T. With kernel - 1 zeros in all, T becomes ceil(T / stride). Batch moments are
    taken over real steps alone, and what normalisation made of the padding is set back to zero.

    Args:
        x: float [B, T, C], zero where `real` is false.
        real: bool [B, T].
        filters: channels out.
        kernel: steps that each output sees.
        stride: steps that the kernel moves.
        norm_momentum: normalise after the ReLU; share of the moving moments that each step keeps. None: do not
            normalise.
        name: prefix of the layers' names.

    Returns:
        (float [B, ceil(T / stride), filters], bool [B, ceil(T / stride)]).
    """
    left = (kernel - 1) // 2
    x = keras.layers.ZeroPadding1D((left, kernel - 1 - left), name=f"{name}_pad")(x)
    x = keras.layers.Conv1D(filters, kernel, strides=stride, activation="relu", name=name)(x)
    real = StrideMask(stride, name=f"{name}_mask")(real)
    if norm_momentum is not None:
        x = keras.layers.BatchNormalization(momentum=norm_momentum, name=f"{name}_norm")(x, mask=real)
    return ZeroPadded(name=f"{name}_zero")(x, real), real
