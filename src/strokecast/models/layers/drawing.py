"""Inputs that all networks for drawings share: strokes, lengths, derived point features and the mask.

Shape legend: B batch, T padded points, C channels; the last axis of strokes is (dx, dy, pen_lift).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from strokecast.models.layers.lines import to_unit_box
from strokecast.models.layers.masking import LengthMask

_MIN_LENGTH = 1e-5  # moves shorter than ten times this have no direction; scaled units


@keras.saving.register_keras_serializable(package="strokecast")
class Positions(keras.layers.Layer):
    """Pen positions in the bounding box of the drawing.

    Moves are summed up and scaled so that the centre of the drawing is (0, 0) and half its longer side is 1. The
    network then sees where a point lies on the page, in addition to the move that led to it.

    Call arguments:
        strokes: float [B, T, 3], zero on padding.
        mask: bool [B, T].

    Returns:
        float [B, T, 2]: x and y in [-1, 1], zero on padding.
    """

    def call(self, strokes: Any, mask: Any) -> Any:
        """Return the positions."""
        return to_unit_box(ops, strokes, mask)

    def compute_output_spec(self, strokes: Any, mask: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((*strokes.shape[:2], 2), strokes.dtype)


@keras.saving.register_keras_serializable(package="strokecast")
class Directions(keras.layers.Layer):
    """Direction, length and turning angle of each move as separate features.

    A direction does not depend on the length of the move. A network could derive it from dx and dy only by
    learning to divide.

    Call arguments:
        strokes: float [B, T, 3], zero on padding.

    Returns:
        float [B, T, 5]: cosine and sine of the move's angle, log(1 + its length), cosine and sine of the angle
        between the previous move and this one. A feature that needs the direction of a move of length 0 is zero,
        and so is padding.
    """

    def call(self, strokes: Any) -> Any:
        """Return the features."""
        moves = strokes[:, :, :2]
        length = ops.sqrt(ops.sum(moves * moves, axis=2, keepdims=True) + _MIN_LENGTH**2)  # [B, T, 1]
        moved = length > 10 * _MIN_LENGTH
        unit = ops.where(moved, moves / length, 0.0)
        previous = ops.pad(unit[:, :-1], ((0, 0), (1, 0), (0, 0)))
        cosine = ops.sum(previous * unit, axis=2, keepdims=True)
        sine = previous[:, :, :1] * unit[:, :, 1:] - previous[:, :, 1:] * unit[:, :, :1]
        return ops.concatenate([unit, ops.where(moved, ops.log1p(length), 0.0), cosine, sine], axis=2)

    def compute_output_spec(self, strokes: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((*strokes.shape[:2], 5), strokes.dtype)


def drawing_inputs(
    positions: bool, time: bool = False, directions: bool = False
) -> tuple[dict[str, Any], Any, Any]:
    """Create the inputs of a network that reads drawings, the features of its points, and the mask.

    Args:
        positions: append x and y (`Positions`) to (dx, dy, pen_lift).
        time: append log(1 + seconds since the previous point). Records hold it only if the source of the drawings
            has time; otherwise a training stops with an error when it starts.
        directions: append the features of `Directions`.

    Returns:
        ({"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T]; points float [B, T, C]; mask
        bool [B, T]). C is 3, plus 2 with positions, 5 with directions and 1 with time.
    """
    strokes = keras.Input((None, 3), name="strokes")
    length = keras.Input((), dtype="int32", name="length")
    mask = LengthMask(name="mask")(strokes, length)
    inputs = {"strokes": strokes, "length": length}
    channels = [strokes]
    if positions:
        channels.append(Positions(name="positions")(strokes, mask))
    if directions:
        channels.append(Directions(name="directions")(strokes))
    if time:
        inputs["time"] = keras.Input((None,), name="time")
        channels.append(keras.layers.Reshape((-1, 1), name="waits")(inputs["time"]))
    points = keras.layers.Concatenate(name="points")(channels) if len(channels) > 1 else strokes
    return inputs, points, mask
