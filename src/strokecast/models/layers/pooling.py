"""Sum, mean and maximum over the real steps of padded sequences."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="strokecast")
class MaskedMean(keras.layers.Layer):
    """The mean of the real steps.

    Call arguments:
        sequences: float [B, T, C].
        real: bool [B, T], at least one true in each row.

    Returns:
        float [B, C].
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, sequences: Any, previous_mask: Any = None) -> None:
        """None: no time is left to mask."""
        return None

    def call(self, sequences: Any, real: Any) -> Any:
        """The mean."""
        weight = ops.cast(real, sequences.dtype)[:, :, None]
        return ops.sum(ops.where(real[:, :, None], sequences, 0.0), axis=1) / ops.sum(weight, axis=1)

    def compute_output_spec(self, sequences: Any, real: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((sequences.shape[0], sequences.shape[2]), sequences.dtype)


@keras.saving.register_keras_serializable(package="strokecast")
class MaskedMax(keras.layers.Layer):
    """The largest value of each channel over the real steps.

    Call arguments:
        sequences: float [B, T, C].
        real: bool [B, T], at least one true in each row.

    Returns:
        float [B, C].
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, sequences: Any, previous_mask: Any = None) -> None:
        """None: no time is left to mask."""
        return None

    def call(self, sequences: Any, real: Any) -> Any:
        """The maximum."""
        return ops.max(ops.where(real[:, :, None], sequences, -1e9), axis=1)

    def compute_output_spec(self, sequences: Any, real: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((sequences.shape[0], sequences.shape[2]), sequences.dtype)


@keras.saving.register_keras_serializable(package="strokecast")
class MaskedSum(keras.layers.Layer):
    """The sum of the real steps, so that how much of something there was counts, too.

    Call arguments:
        sequences: float [B, T, C].
        real: bool [B, T].

    Returns:
        float [B, C]; zero where no step is real.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, sequences: Any, previous_mask: Any = None) -> None:
        """None: no time is left to mask."""
        return None

    def call(self, sequences: Any, real: Any) -> Any:
        """The sum."""
        return ops.sum(sequences * ops.cast(real, sequences.dtype)[:, :, None], axis=1)

    def compute_output_spec(self, sequences: Any, real: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((sequences.shape[0], sequences.shape[2]), sequences.dtype)
