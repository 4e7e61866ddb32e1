"""Pooling by attention: which steps of a sequence count, and how much.

Source: Yang et al., 2016 (word attention), https://aclanthology.org/N16-1174; the score is that of Bahdanau,
Cho and Bengio, 2015, https://arxiv.org/abs/1409.0473.

Shape legend: B batch, T padded steps, C channels, A attention units.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from strokecast.models.layers.masking import MaskByName
from strokecast.models.layers.pooling import Pool

LAYER = "attention"  # the name under which `attention_weights` looks for the layer


@keras.saving.register_keras_serializable(package="strokecast")
class AttentionWeights(MaskByName):
    """How much each real step counts: softmax over time of v · tanh(x W + b).

    Args:
        units: A, size of the space in which steps are compared with v.

    Call arguments:
        sequences: float [B, T, C].
        real: bool [B, T], at least one true in each row.

    Returns:
        float [B, T]: at least 0, sums to 1 over the real steps, 0 on padding.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, sequences_shape: tuple[int | None, ...], real_shape: Any = None) -> None:
        """Make W [C, A], b [A] and v [A]."""
        self.kernel = self.add_weight(
            (sequences_shape[-1], self.units), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight((self.units,), initializer="zeros", name="bias")
        self.context = self.add_weight((self.units, 1), initializer="glorot_uniform", name="context")

    def call(self, sequences: Any, real: Any) -> Any:
        """The weights."""
        compared = ops.tanh(ops.matmul(sequences, self.kernel) + self.bias)  # [B, T, A]
        scores = ops.squeeze(ops.matmul(compared, self.context), axis=-1)  # [B, T]
        scores = ops.where(real, scores, -1e9)
        weights = ops.where(real, ops.exp(scores - ops.max(scores, axis=1, keepdims=True)), 0.0)
        return weights / ops.sum(weights, axis=1, keepdims=True)

    def compute_output_spec(self, sequences: Any, real: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor(sequences.shape[:2], sequences.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="strokecast")
class WeightedSum(Pool):
    """The steps of a sequence, each times its weight, added up.

    Call arguments:
        sequences: float [B, T, C].
        weights: float [B, T].

    Returns:
        float [B, C].
    """

    def call(self, sequences: Any, weights: Any) -> Any:
        """The sum."""
        return ops.squeeze(ops.matmul(weights[:, None, :], sequences), axis=1)


def attention_weights(model: Any) -> Any:
    """The part of a network that says how much each point counts, to be drawn over the drawing.

    Args:
        model: a network with an `AttentionWeights` layer named `attention`, built or loaded.

    Returns:
        keras.Model with the inputs of `model` → float [B, T]; shares its weights.

    Raises:
        ValueError: if the network has no such layer.
    """
    found = [layer for layer in model.layers if isinstance(layer, AttentionWeights) and layer.name == LAYER]
    if not found:
        raise ValueError(f"{model.name} should have a layer {LAYER!r} of type AttentionWeights, it has none")
    return keras.Model(model.input, found[0].output, name=f"{model.name}_{LAYER}")
