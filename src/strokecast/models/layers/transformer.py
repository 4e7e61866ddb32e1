"""A transformer encoder over drawings: where a point stands, and a block of self-attention.

Sources: Vaswani et al., 2017, https://arxiv.org/abs/1706.03762 (sinusoids, section 3.5); Xiong et al., 2020,
https://arxiv.org/abs/2002.04745 (normalisation before each part).

Shape legend: B batch, T padded points, D model size.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

_SLOWEST = 1000.0  # points in the slowest sinusoid's 2 pi; drawings have a few hundred


@keras.saving.register_keras_serializable(package="strokecast")
class StrokePositions(keras.layers.Layer):
    """Adds to each point which one it is: of the drawing, of its stroke, and the how-manieth stroke that is.

    The first two are sinusoids, each of half the model's size; the third is a learned vector a stroke.

    Args:
        strokes: strokes that get a vector of their own; the ones after the last share it.

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
        """Make the vectors of the strokes [strokes, D]."""
        self.table = self.add_weight((self.strokes, x_shape[-1]), initializer="uniform", name="strokes")

    def call(self, x: Any, points: Any) -> Any:
        """The sum."""
        ends = ops.cast(points[:, :, 2] > 0.5, "int32")
        stroke = ops.cumsum(ends, axis=1) - ends  # [B, T], 0 for the first
        number = ops.arange(ops.shape(points)[1])  # [T]
        before = (stroke[:, :, None] == stroke[:, None, :]) & (number[None, :] < number[:, None])
        within = ops.sum(ops.cast(before, x.dtype), axis=2)  # [B, T], points of the same stroke before this
        size = x.shape[-1] // 2
        whole = _sinusoids(ops.cast(number, x.dtype)[None, :], size)  # [1, T, D / 2]
        places = ops.concatenate(
            [ops.broadcast_to(whole, (*ops.shape(within), size)), _sinusoids(within, size)], axis=2
        )
        return x + places + ops.take(self.table, ops.minimum(stroke, self.strokes - 1), axis=0)

    def compute_output_spec(self, x: Any, points: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor(x.shape, x.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        return {**super().get_config(), "strokes": self.strokes}


@keras.saving.register_keras_serializable(package="strokecast")
class LearnedPlaces(keras.layers.Layer):
    """Adds a learned vector for each place.

    Call arguments:
        x: float [B, T, D], T the same in all calls.

    Returns:
        float [B, T, D].
    """

    def build(self, x_shape: tuple[int | None, ...]) -> None:
        """Make the vectors [T, D]."""
        self.table = self.add_weight(x_shape[1:], initializer="uniform", name="places")

    def call(self, x: Any) -> Any:
        """The sum."""
        return x + self.table


def _sinusoids(place: Any, size: int) -> Any:
    """[..., T] → [..., T, size]: sines and cosines of `size` / 2 frequencies."""
    steps = ops.arange(size // 2, dtype=place.dtype) / max(size // 2 - 1, 1)
    angle = place[..., None] * ops.exp(-math.log(_SLOWEST) * steps)
    return ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1)


def encoder_block(
    x: Any, real: Any, heads: int, hidden: int, dropout: float, activation: str, regularizer: Any, name: str
) -> Any:
    """Self-attention and a two-layer perceptron a point, each normalised before and added to what came in.

    Args:
        x: float [B, T, D].
        real: bool [B, T]; padding is attended by nobody. None: every step is real.
        heads: attention heads, each of size D / heads.
        hidden: width of the perceptron.
        dropout: share of units dropped, of attention weights too.
        activation: of the perceptron.
        regularizer: of the kernels.
        name: prefix of the layers' names.

    Returns:
        float [B, T, D].
    """
    layers = keras.layers
    size = x.shape[-1]
    seen = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm_1")(x)
    seen = layers.MultiHeadAttention(
        heads, size // heads, dropout=dropout, kernel_regularizer=regularizer, name=f"{name}_attention"
    )(seen, seen, key_mask=real)
    if dropout:
        seen = layers.Dropout(dropout, name=f"{name}_dropout_1")(seen)
    x = layers.Add(name=f"{name}_add_1")([x, seen])
    seen = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm_2")(x)
    seen = layers.Dense(hidden, activation, kernel_regularizer=regularizer, name=f"{name}_hidden")(seen)
    seen = layers.Dense(size, kernel_regularizer=regularizer, name=f"{name}_out")(seen)
    if dropout:
        seen = layers.Dropout(dropout, name=f"{name}_dropout_2")(seen)
    return layers.Add(name=f"{name}_add_2")([x, seen])
