"""Transformer encoder: position embeddings for drawings and frames, and a pre-norm encoder block.

Sources: Vaswani et al., 2017, https://arxiv.org/abs/1706.03762 (sinusoidal positions, section 3.5); Xiong et al.,
2020, https://arxiv.org/abs/2002.04745 (normalisation before attention and MLP).

Shape legend: B batch, T padded steps, D d_model.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

_MAX_WAVELENGTH = 1000.0  # of the sinusoids, in points over 2 pi; drawings have a few hundred points


@keras.saving.register_keras_serializable(package="strokecast")
class StrokePositions(keras.layers.Layer):
    """Add three position embeddings to each point: in the drawing, in its stroke, and of its stroke.

    The first two are sinusoids of size D / 2 each, concatenated. The third is a learned vector per stroke number.

    Args:
        strokes: stroke numbers with a vector of their own; later strokes share the last vector.

    Call arguments:
        x: float [B, T, D], D a multiple of 4.
        points: float [B, T, 3], (dx, dy, pen_lift); pen_lift above 0.5 ends a stroke.

    Returns:
        float [B, T, D].
    """

    def __init__(self, strokes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.strokes = strokes

    def build(self, x_shape: tuple[int | None, ...], points_shape: Any = None) -> None:
        """Create the stroke vectors [strokes, D]."""
        self.table = self.add_weight((self.strokes, x_shape[-1]), initializer="uniform", name="strokes")

    def call(self, x: Any, points: Any) -> Any:
        """Return the sum of `x` and the embeddings."""
        ends = ops.cast(points[:, :, 2] > 0.5, "int32")
        stroke = ops.cumsum(ends, axis=1) - ends  # [B, T], stroke number from 0
        point = ops.arange(ops.shape(points)[1])  # [T]
        earlier = (stroke[:, :, None] == stroke[:, None, :]) & (point[None, :] < point[:, None])
        in_stroke = ops.sum(ops.cast(earlier, x.dtype), axis=2)  # [B, T], earlier points of the same stroke
        size = x.shape[-1] // 2
        of_drawing = _sinusoids(ops.cast(point, x.dtype)[None, :], size)  # [1, T, D / 2]
        positions = ops.concatenate(
            [ops.broadcast_to(of_drawing, (*ops.shape(in_stroke), size)), _sinusoids(in_stroke, size)], axis=2
        )
        return x + positions + ops.take(self.table, ops.minimum(stroke, self.strokes - 1), axis=0)

    def compute_output_spec(self, x: Any, points: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor(x.shape, x.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "strokes": self.strokes}


@keras.saving.register_keras_serializable(package="strokecast")
class PositionEmbedding(keras.layers.Layer):
    """Add a learned vector per position.

    Call arguments:
        x: float [..., T, D], T the same in all calls.

    Returns:
        float [..., T, D].
    """

    def build(self, x_shape: tuple[int | None, ...]) -> None:
        """Create the vectors [T, D]."""
        self.table = self.add_weight(x_shape[-2:], initializer="uniform", name="position_embedding")

    def call(self, x: Any) -> Any:
        """Return the sum of `x` and the vectors."""
        return x + self.table


def _sinusoids(position: Any, size: int) -> Any:
    """[..., T] → [..., T, size]: sines and cosines of `size` / 2 frequencies."""
    steps = ops.arange(size // 2, dtype=position.dtype) / max(size // 2 - 1, 1)
    angle = position[..., None] * ops.exp(-math.log(_MAX_WAVELENGTH) * steps)
    return ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1)


def encoder_block(
    x: Any,
    mask: Any,
    num_heads: int,
    mlp_dim: int,
    dropout: float,
    activation: str,
    regularizer: Any,
    name: str,
) -> Any:
    """Apply a pre-norm encoder block: self-attention and a two-layer MLP, each with a residual connection.

    Args:
        x: float [B, T, D].
        mask: bool [B, T]; padded steps are not attended to. None: every step is valid.
        num_heads: attention heads, each of size D / num_heads.
        mlp_dim: hidden units of the MLP.
        dropout: dropout rate of attention weights, attention output and MLP output.
        activation: activation of the MLP.
        regularizer: regulariser of the kernels, or None.
        name: prefix of the layer names.

    Returns:
        float [B, T, D].
    """
    layers = keras.layers
    d_model = x.shape[-1]
    y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm_1")(x)
    y = layers.MultiHeadAttention(
        num_heads,
        d_model // num_heads,
        dropout=dropout,
        kernel_regularizer=regularizer,
        name=f"{name}_attention",
    )(y, y, key_mask=mask)
    if dropout:
        y = layers.Dropout(dropout, name=f"{name}_dropout_1")(y)
    x = layers.Add(name=f"{name}_add_1")([x, y])
    y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm_2")(x)
    y = layers.Dense(mlp_dim, activation, kernel_regularizer=regularizer, name=f"{name}_mlp_hidden")(y)
    y = layers.Dense(d_model, kernel_regularizer=regularizer, name=f"{name}_mlp_out")(y)
    if dropout:
        y = layers.Dropout(dropout, name=f"{name}_dropout_2")(y)
    return layers.Add(name=f"{name}_add_2")([x, y])
