"""Strided Conv1D over padded sequences whose outputs at valid steps do not depend on the padding."""

from __future__ import annotations

from typing import Any

import keras

from strokecast.models.layers.masking import ApplyMask, StrideMask


def masked_conv(
    x: Any,
    mask: Any,
    filters: int,
    kernel: int,
    stride: int,
    *,
    norm_momentum: float | None = 0.98,
    name: str,
) -> tuple[Any, Any]:
    """Apply Conv1D (ReLU) and BatchNormalization so that added padding does not change valid outputs.

    The sequence is zero-padded explicitly on both sides and the convolution is `valid`: the left padding of
    TensorFlow's `same` depends on T. With kernel - 1 zeros in total, T becomes ceil(T / stride). Batch moments
    are taken over valid steps only. After normalisation, padded steps are set back to zero.

    Args:
        x: float [B, T, C], zero where `mask` is false.
        mask: bool [B, T].
        filters: output channels.
        kernel: kernel size, steps.
        stride: steps.
        norm_momentum: normalise after the ReLU, with this momentum of the moving moments. None: do not normalise.
        name: prefix of the layer names.

    Returns:
        (float [B, ceil(T / stride), filters], bool [B, ceil(T / stride)]).
    """
    left = (kernel - 1) // 2
    x = keras.layers.ZeroPadding1D((left, kernel - 1 - left), name=f"{name}_pad")(x)
    x = keras.layers.Conv1D(filters, kernel, strides=stride, activation="relu", name=name)(x)
    mask = StrideMask(stride, name=f"{name}_mask")(mask)
    if norm_momentum is not None:
        x = keras.layers.BatchNormalization(momentum=norm_momentum, name=f"{name}_norm")(x, mask=mask)
    return ApplyMask(name=f"{name}_zero")(x, mask), mask
