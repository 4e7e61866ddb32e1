"""Sum, mean and maximum over the real steps of padded sequences."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from strokecast.models.layers.masking import MaskByName


class Pool(MaskByName):
    """A layer from sequences float [B, T, C], and a number or truth of each step [B, T], to vectors [B, C]."""

    def compute_output_spec(self, sequences: Any, steps: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((sequences.shape[0], sequences.shape[2]), sequences.dtype)


@keras.saving.register_keras_serializable(package="strokecast")
class MaskedMean(Pool):
    """The mean of the real steps.

    Call arguments:
        sequences: float [B, T, C].
        real: bool [B, T], at least one true in each row.

    Returns:
        float [B, C].
    """

    def call(self, sequences: Any, real: Any) -> Any:
        """The mean."""
        weight = ops.cast(real, sequences.dtype)[:, :, None]
        return ops.sum(ops.where(real[:, :, None], sequences, 0.0), axis=1) / ops.sum(weight, axis=1)


@keras.saving.register_keras_serializable(package="strokecast")
class MaskedMax(Pool):
    """The largest value of each channel over the real steps.

    Call arguments:
        sequences: float [B, T, C].
        real: bool [B, T], at least one true in each row.

    Returns:
        float [B, C].
    """

    def call(self, sequences: Any, real: Any) -> Any:
        """The maximum."""
        return ops.max(ops.where(real[:, :, None], sequences, -1e9), axis=1)


@keras.saving.register_keras_serializable(package="strokecast")
class MaskedSum(Pool):
    """The sum of the real steps, so that how much of something there was counts, too.

    Call arguments:
        sequences: float [B, T, C].
        real: bool [B, T].

    Returns:
        float [B, C]; zero where no step is real.
    """

    def call(self, sequences: Any, real: Any) -> Any:
        """The sum."""
        return ops.sum(sequences * ops.cast(real, sequences.dtype)[:, :, None], axis=1)


def mean_max(sequences: Any, real: Any) -> Any:
    """Mean and maximum over the real steps, side by side: float [B, T, C] → [B, 2C]."""
    pools = [MaskedMean(name="mean")(sequences, real), MaskedMax(name="max")(sequences, real)]
    return keras.layers.Concatenate(name="pooled")(pools)
