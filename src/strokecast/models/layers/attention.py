"""Attention pooling: a learned weight per step, and the weighted sum of a sequence.

Source: Yang et al., 2016 (word attention), https://aclanthology.org/N16-1174. The score is that of Bahdanau, Cho
and Bengio, 2015, https://arxiv.org/abs/1409.0473.

Shape legend: B batch, T padded steps, C channels, A attention units.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from strokecast.models.layers.masking import STACKED, ExplicitMaskLayer
from strokecast.models.layers.pooling import MaskedPooling

LAYER = "attention"  # name by which `attention_weights` finds the layer


@keras.saving.register_keras_serializable(package="strokecast")
class AttentionWeights(ExplicitMaskLayer):
    """Attention weight per valid step: softmax over time of v · tanh(x W + b).

    Args:
        units: A, size of the space in which steps are compared with v.

    Call arguments:
        sequences: float [B, T, C].
        mask: bool [B, T], at least one true per row.

    Returns:
        float [B, T], at least 0, 0 on padding; rows sum to 1.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, sequences_shape: tuple[int | None, ...]) -> None:
        """Create W [C, A], b [A] and v [A, 1]."""
        self.kernel = self.add_weight(
            (sequences_shape[-1], self.units), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight((self.units,), initializer="zeros", name="bias")
        self.context = self.add_weight((self.units, 1), initializer="glorot_uniform", name="context")

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build a loaded layer. Files of earlier versions also hold the shape of the mask, which is not needed."""
        shapes = config.get("shapes_dict", {})
        self.build(shapes["sequences_shape"] if shapes else config["input_shape"])

    def call(self, sequences: Any, mask: Any) -> Any:
        """Return the weights."""
        projected = ops.tanh(ops.matmul(sequences, self.kernel) + self.bias)  # [B, T, A]
        scores = ops.squeeze(ops.matmul(projected, self.context), axis=-1)  # [B, T]
        scores = ops.where(mask, scores, -1e9)
        weights = ops.where(mask, ops.exp(scores - ops.max(scores, axis=1, keepdims=True)), 0.0)
        return weights / ops.sum(weights, axis=1, keepdims=True)

    def compute_output_spec(self, sequences: Any, mask: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor(sequences.shape[:2], sequences.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="strokecast")
class WeightedSum(MaskedPooling):
    """Sum of the steps of a sequence, each multiplied by its weight.

    Call arguments:
        sequences: float [B, T, C].
        weights: float [B, T].

    Returns:
        float [B, C].
    """

    def call(self, sequences: Any, weights: Any) -> Any:
        """Return the weighted sum."""
        return ops.squeeze(ops.matmul(weights[:, None, :], sequences), axis=1)


class SpreadOverSteps(ExplicitMaskLayer):
    """Divide the weight of each joined step (`masking.StackSteps`) equally among its valid steps.

    Args:
        count: steps that were joined.

    Call arguments:
        weights: float [B, ceil(T / count)].
        mask: bool [B, T].

    Returns:
        float [B, T], 0 on padding; rows have the sums of `weights`.
    """

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = count

    def call(self, weights: Any, mask: Any) -> Any:
        """Return the weights per step."""
        valid = ops.cast(mask, weights.dtype)
        steps = ops.shape(valid)[1]
        joined = ops.reshape(
            ops.pad(valid, ((0, 0), (0, -steps % self.count))), (*ops.shape(weights), self.count)
        )
        share = weights / ops.maximum(ops.sum(joined, axis=2), 1.0)  # [B, ceil(T / count)]
        return ops.repeat(share, self.count, axis=1)[:, :steps] * valid

    def compute_output_spec(self, weights: Any, mask: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor(mask.shape, weights.dtype)


def attention_weights(model: Any) -> Any:
    """Extract the attention weight of each point from a network, e.g. to draw them over the drawing.

    If each step of the network reads several points, its weight is divided equally among them.

    Args:
        model: built or loaded network with an `AttentionWeights` layer named `attention`.

    Returns:
        keras.Model from the inputs of `model` to float [B, T]; shares the weights of `model`.

    Raises:
        ValueError: if the network has no such layer.
    """
    layers = {layer.name: layer for layer in model.layers}
    attention = layers.get(LAYER)
    if not isinstance(attention, AttentionWeights):
        raise ValueError(
            f"expected {model.name} to have a layer {LAYER!r} of type AttentionWeights, found none"
        )
    weights = attention.output
    if STACKED in layers:
        weights = SpreadOverSteps(layers[STACKED].count, name="per_point")(weights, layers["mask"].output)
    return keras.Model(model.input, weights, name=f"{model.name}_{LAYER}")
