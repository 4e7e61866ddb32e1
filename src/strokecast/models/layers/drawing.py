"""What the networks that read drawings have in common at their input.

Shapes: B batch, T padded points, C channels; the last axis of strokes is (dx, dy, pen_lift).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from strokecast.models.layers.lines import boxed
from strokecast.models.layers.masking import LengthMask

_SHORT = 1e-5  # a move of less than ten times this has no direction; scaled units


@keras.saving.register_keras_serializable(package="strokecast")
class Positions(keras.layers.Layer):
    """Where the pen is, in a box of the drawing's own size.

    The moves are summed up, the middle of the drawing becomes (0, 0) and half its longer side 1,
    so that a network sees where on the page a point lies, and not only how the pen came there.

    Call arguments:
        strokes: float [B, T, 3], zero on padding.
        real: bool [B, T].

    Returns:
        float [B, T, 2]: x and y in [-1, 1], zero on padding.
    """

    def call(self, strokes: Any, real: Any) -> Any:
        """The positions."""
        return boxed(ops, strokes, real)

    def compute_output_spec(self, strokes: Any, real: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((*strokes.shape[:2], 2), strokes.dtype)


@keras.saving.register_keras_serializable(package="strokecast")
class Directions(keras.layers.Layer):
    """Which way the pen goes and how far, told apart.

    A direction is the same for a long move and for a short one, which a network cannot read from dx and dy
    without learning to divide.

    Call arguments:
        strokes: float [B, T, 3], zero on padding.

    Returns:
        float [B, T, 5]: cosine and sine of the move's angle, log(1 + its length), cosine and sine of its turn from
        the move before; zero where the pen stays, or stayed, in its place, and on padding.
    """

    def call(self, strokes: Any) -> Any:
        """The directions."""
        moves = strokes[:, :, :2]
        length = ops.sqrt(ops.sum(moves * moves, axis=2, keepdims=True) + _SHORT**2)  # [B, T, 1]
        moved = length > 10 * _SHORT
        unit = ops.where(moved, moves / length, 0.0)
        before = ops.pad(unit[:, :-1], ((0, 0), (1, 0), (0, 0)))
        along = ops.sum(before * unit, axis=2, keepdims=True)
        across = before[:, :, :1] * unit[:, :, 1:] - before[:, :, 1:] * unit[:, :, :1]
        return ops.concatenate([unit, ops.where(moved, ops.log1p(length), 0.0), along, across], axis=2)

    def compute_output_spec(self, strokes: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((*strokes.shape[:2], 5), strokes.dtype)


def drawing_inputs(
    positions: bool, time: bool = False, directions: bool = False
) -> tuple[dict[str, Any], Any, Any]:
    """The inputs of a network that reads drawings, what its first layer reads, and the mask.

    Args:
        positions: read x and y, see `Positions`, beside (dx, dy, pen_lift).
        time: read log(1 + seconds since the point before) beside them. Records hold it only where
            the source of the drawings has time; a training on others is refused when it starts.
        directions: read them, see `Directions`, beside these.

    Returns:
        ({"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T]; float [B, T, C], C = 3
        and 2 more with positions, 1 with time, 5 with directions; bool [B, T]).
    """
    strokes = keras.Input((None, 3), name="strokes")
    length = keras.Input((), dtype="int32", name="length")
    real = LengthMask(name="real")(strokes, length)
    inputs = {"strokes": strokes, "length": length}
    channels = [strokes]
    if positions:
        channels.append(Positions(name="positions")(strokes, real))
    if directions:
        channels.append(Directions(name="directions")(strokes))
    if time:
        inputs["time"] = keras.Input((None,), name="time")
        channels.append(keras.layers.Reshape((-1, 1), name="waits")(inputs["time"]))
    points = keras.layers.Concatenate(name="points")(channels) if len(channels) > 1 else strokes
    return inputs, points, real
