"""Drawings in the stroke-5 format: targets and inputs of a decoder.

Source: Ha and Eck, 2017, https://arxiv.org/abs/1704.03477, section 3.1. The last axis is
(dx, dy, p_down, p_up, p_end): a move, and the pen state after it as a one-hot vector.

Shape legend: B batch, T padded points, C channels, D condition size.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

CHANNELS = 5


def stroke5(strokes: Any, length: Any) -> Any:
    """Convert drawings to stroke-5, with the end as a separate step.

    Args:
        strokes: float32 [B, T, 3], (dx, dy, pen_lift), zero on padding.
        length: int32 [B], 1 <= length <= T.

    Returns:
        float32 [B, T + 1, 5]. Step t < length is point t: its move and p_down or p_up. Step `length` is the end,
        (0, 0, 0, 0, 1). Later steps are zero.
    """
    steps = ops.arange(ops.shape(strokes)[1] + 1)[None, :]  # [1, T + 1]
    length = ops.cast(length, "int32")[:, None]
    valid = ops.cast(steps < length, "float32")
    end = ops.cast(steps == length, "float32")
    points = ops.pad(strokes, ((0, 0), (0, 1), (0, 0)))  # [B, T + 1, 3]
    lifted = ops.cast(points[:, :, 2] > 0.5, "float32") * valid
    moves = points[:, :, :2] * valid[:, :, None]
    return ops.concatenate([moves, ops.stack([valid - lifted, lifted, end], axis=2)], axis=2)


@keras.saving.register_keras_serializable(package="strokecast")
class PreviousPoint(keras.layers.Layer):
    """Input of a decoder under teacher forcing: the true point of the previous step.

    Call arguments:
        strokes: float32 [B, T, 3], zero on padding.
        length: int32 [B].

    Returns:
        float32 [B, T + 1, 5]: the start token (0, 0, 1, 0, 0), then points 0 to T - 1 in stroke-5.
    """

    def call(self, strokes: Any, length: Any) -> Any:
        """Return the points, shifted by one step."""
        points = stroke5(strokes, length)
        start = ops.broadcast_to(start_token(), (ops.shape(points)[0], 1, CHANNELS))
        return ops.concatenate([start, points[:, :-1]], axis=1)

    def compute_output_spec(self, strokes: Any, length: Any) -> Any:
        """Return the output's shape and dtype."""
        steps = strokes.shape[1]
        return keras.KerasTensor(
            (strokes.shape[0], None if steps is None else steps + 1, CHANNELS), "float32"
        )


def start_token() -> Any:
    """Return the decoder's input before the first point: float32 [5], no move and the pen down."""
    return ops.array([0.0, 0.0, 1.0, 0.0, 0.0], "float32")


@keras.saving.register_keras_serializable(package="strokecast")
class ConcatPerStep(keras.layers.Layer):
    """Concatenate the vector of an example to every step of its sequence.

    Call arguments:
        sequences: float [B, T, C].
        vectors: float [B, D].

    Returns:
        float [B, T, C + D].
    """

    def call(self, sequences: Any, vectors: Any) -> Any:
        """Return the concatenation."""
        shape = (*ops.shape(sequences)[:2], vectors.shape[-1])
        return ops.concatenate([sequences, ops.broadcast_to(vectors[:, None, :], shape)], axis=2)

    def compute_output_spec(self, sequences: Any, vectors: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor(
            (*sequences.shape[:2], sequences.shape[2] + vectors.shape[1]), sequences.dtype
        )
