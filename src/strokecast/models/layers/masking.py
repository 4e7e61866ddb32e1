"""Masks from lengths. Masks are bool [B, T], true on real steps, right-padded (as cuDNN wants them)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="strokecast")
class LengthMask(keras.layers.Layer):
    """Which steps of padded sequences are real.

    Call arguments:
        sequences: [B, T, ...], only its T is read.
        length: int32 [B], 1 <= length <= T.

    Returns:
        bool [B, T]: step t of example b is real where t < length[b].
    """

    def call(self, sequences: Any, length: Any) -> Any:
        """The mask."""
        return ops.arange(ops.shape(sequences)[1])[None, :] < ops.cast(length, "int32")[:, None]

    def compute_output_spec(self, sequences: Any, length: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((sequences.shape[0], sequences.shape[1]), "bool")


class MaskByName(keras.layers.Layer):
    """A layer that gets masks as arguments, and attaches none to what it gives."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, sequences: Any, previous_mask: Any = None) -> None:
        """None: masks are handed on by name, never attached to a tensor."""
        return None


@keras.saving.register_keras_serializable(package="strokecast")
class ZeroPadded(MaskByName):
    """Sets the padded steps back to zero.

    Call arguments:
        sequences: float [B, T, C].
        real: bool [B, T].
    """

    def call(self, sequences: Any, real: Any) -> Any:
        """`sequences` with zeros where `real` is false."""
        return sequences * ops.cast(real, sequences.dtype)[:, :, None]

    def compute_output_spec(self, sequences: Any, real: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor(sequences.shape, sequences.dtype)


@keras.saving.register_keras_serializable(package="strokecast")
class StrideMask(keras.layers.Layer):
    """The mask after a strided convolution: lengths become ceil(length / stride), as T does.

    Args:
        stride: steps the convolution moves at a time.

    Call arguments:
        real: bool [B, T].
    """

    def __init__(self, stride: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stride = stride

    def call(self, real: Any) -> Any:
        """bool [B, ceil(T / stride)]."""
        return real[:, :: self.stride]

    def compute_output_spec(self, real: Any) -> Any:
        """Shape and dtype, without running."""
        steps = real.shape[1]
        return keras.KerasTensor((real.shape[0], None if steps is None else -(-steps // self.stride)), "bool")

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        return {**super().get_config(), "stride": self.stride}
