"""Masks from lengths, and steps joined to fewer. Masks are bool [B, T], right-padded (as cuDNN requires).

Shape legend: B batch, T padded steps, C channels.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

STACKED = "stacked"  # name by which `attention.attention_weights` finds the layer `StackSteps`


@keras.saving.register_keras_serializable(package="strokecast")
class LengthMask(keras.layers.Layer):
    """Mask of padded sequences, computed from their lengths.

    Call arguments:
        sequences: [B, T, ...]. Only T is read.
        length: int32 [B], 1 <= length <= T.

    Returns:
        bool [B, T], true at step t of example b if t < length[b].
    """

    def call(self, sequences: Any, length: Any) -> Any:
        """Return the mask."""
        return ops.arange(ops.shape(sequences)[1])[None, :] < ops.cast(length, "int32")[:, None]

    def compute_output_spec(self, sequences: Any, length: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((sequences.shape[0], sequences.shape[1]), "bool")


class ExplicitMaskLayer(keras.layers.Layer):
    """Base of layers that take masks as call arguments and attach no implicit Keras mask to their output."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, sequences: Any, previous_mask: Any = None) -> None:
        """Return None: no mask is attached to the output."""
        return None


@keras.saving.register_keras_serializable(package="strokecast")
class ApplyMask(ExplicitMaskLayer):
    """Set padded steps to zero.

    Call arguments:
        sequences: float [B, T, C].
        mask: bool [B, T].

    Returns:
        float [B, T, C].
    """

    def call(self, sequences: Any, mask: Any) -> Any:
        """Return `sequences` with zeros where `mask` is false."""
        return sequences * ops.cast(mask, sequences.dtype)[:, :, None]

    def compute_output_spec(self, sequences: Any, mask: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor(sequences.shape, sequences.dtype)


@keras.saving.register_keras_serializable(package="strokecast")
class StrideMask(keras.layers.Layer):
    """Mask after a strided convolution: lengths become ceil(length / stride), as T does.

    Args:
        stride: stride of the convolution, steps.

    Call arguments:
        mask: bool [B, T]. It is the only input, hence named `inputs` in `call`.

    Returns:
        bool [B, ceil(T / stride)].
    """

    def __init__(self, stride: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stride = stride

    def call(self, inputs: Any) -> Any:
        """Return every `stride`-th step of the mask."""
        return inputs[:, :: self.stride]

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the output's shape and dtype."""
        steps = inputs.shape[1]
        shape = (inputs.shape[0], None if steps is None else -(-steps // self.stride))
        return keras.KerasTensor(shape, "bool")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "stride": self.stride}


@keras.saving.register_keras_serializable(package="strokecast")
class StackSteps(keras.layers.Layer):
    """Join every `count` consecutive steps of padded sequences to one, so that a recurrent layer has fewer steps.

    Zeros fill up the last step if `count` does not divide T. `StrideMask(count)` is the mask of the result.

    Source: Sak et al., 2015 (frame stacking), https://arxiv.org/abs/1507.06947

    Args:
        count: steps to join.

    Call arguments:
        sequences: float [B, T, C].

    Returns:
        float [B, ceil(T / count), count * C].
    """

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = count

    def call(self, sequences: Any) -> Any:
        """Return the joined steps."""
        batch, steps = ops.shape(sequences)[:2]
        padded = ops.pad(sequences, ((0, 0), (0, -steps % self.count), (0, 0)))
        return ops.reshape(padded, (batch, -1, self.count * sequences.shape[2]))

    def compute_output_spec(self, sequences: Any) -> Any:
        """Return the output's shape and dtype."""
        batch, steps, channels = sequences.shape
        joined = None if steps is None else -(-steps // self.count)
        return keras.KerasTensor((batch, joined, self.count * channels), sequences.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "count": self.count}


def stack_steps(sequences: Any, mask: Any, count: int) -> tuple[Any, Any]:
    """Apply `StackSteps` to sequences and shorten their mask.

    Args:
        sequences: float [B, T, C].
        mask: bool [B, T].
        count: steps to join; 1: the arguments are returned.

    Returns:
        (float [B, ceil(T / count), count * C], bool [B, ceil(T / count)]).
    """
    if count == 1:
        return sequences, mask
    return StackSteps(count, name=STACKED)(sequences), StrideMask(count, name=f"{STACKED}_mask")(mask)
