"""Sum, mean and maximum over the valid steps of padded sequences.

Shape legend: B batch, T padded steps, C channels.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from strokecast.models.layers.masking import ExplicitMaskLayer


class MaskedPooling(ExplicitMaskLayer):
    """Base of poolings from sequences float [B, T, C] and a mask or weights [B, T] to vectors float [B, C]."""

    def compute_output_spec(self, sequences: Any, mask_or_weights: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((sequences.shape[0], sequences.shape[2]), sequences.dtype)


@keras.saving.register_keras_serializable(package="strokecast")
class MaskedMean(MaskedPooling):
    """Mean over the valid steps.

    Call arguments:
        sequences: float [B, T, C].
        mask: bool [B, T], at least one true per row.

    Returns:
        float [B, C].
    """

    def call(self, sequences: Any, mask: Any) -> Any:
        """Return the mean."""
        weight = ops.cast(mask, sequences.dtype)[:, :, None]
        return ops.sum(ops.where(mask[:, :, None], sequences, 0.0), axis=1) / ops.sum(weight, axis=1)


@keras.saving.register_keras_serializable(package="strokecast")
class MaskedMax(MaskedPooling):
    """Maximum per channel over the valid steps.

    Call arguments:
        sequences: float [B, T, C].
        mask: bool [B, T], at least one true per row.

    Returns:
        float [B, C].
    """

    def call(self, sequences: Any, mask: Any) -> Any:
        """Return the maximum."""
        return ops.max(ops.where(mask[:, :, None], sequences, -1e9), axis=1)


@keras.saving.register_keras_serializable(package="strokecast")
class MaskedSum(MaskedPooling):
    """Sum over the valid steps. Unlike the mean, it depends on the number of steps.

    Call arguments:
        sequences: float [B, T, C].
        mask: bool [B, T].

    Returns:
        float [B, C]; zero for rows without a valid step.
    """

    def call(self, sequences: Any, mask: Any) -> Any:
        """Return the sum."""
        return ops.sum(sequences * ops.cast(mask, sequences.dtype)[:, :, None], axis=1)


def mean_max(sequences: Any, mask: Any) -> Any:
    """Concatenate mean and maximum over the valid steps: float [B, T, C] → [B, 2C]."""
    pools = [MaskedMean(name="mean")(sequences, mask), MaskedMax(name="max")(sequences, mask)]
    return keras.layers.Concatenate(name="pooled")(pools)
