"""Drawings changed a little each time they are trained on: a pure function of the batch and a seed.

Shapes: B drawings, T padded points; strokes are float32 [B, T, 3] (dx, dy, pen_lift).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from strokecast.params import ClassifyRecipe, Recipe

Augment = Callable[[dict[str, Any], Any], dict[str, Any]]


def make(task: str, recipe: Recipe) -> Augment | None:
    """`(inputs, seed int64 [2]) → inputs` for training batches, or None where the recipe changes nothing."""
    if task != "classify":
        return None
    told = cast(ClassifyRecipe, recipe)
    if not (told.augment_scale or told.augment_rotation or told.augment_jitter or told.augment_drop):
        return None

    def augment(inputs: dict[str, Any], seed: Any) -> dict[str, Any]:
        strokes, length = inputs["strokes"], inputs["length"]
        if told.augment_drop:
            strokes, length = drop_points(strokes, length, told.augment_drop, seed)
        strokes = bend(
            strokes, length, told.augment_scale, told.augment_rotation, told.augment_jitter, seed + 1
        )
        return {**inputs, "strokes": strokes, "length": length}

    return augment


def drop_points(strokes: Any, length: Any, share: float, seed: Any) -> tuple[Any, Any]:
    """Leave out points within strokes; what is kept stays where it was on the page.

    The first point and the last of every stroke are always kept.

    Args:
        strokes: float32 [B, T, 3], zero on padding.
        length: int32 [B].
        share: probability that a point is left out.
        seed: int64 [2].

    Returns:
        (strokes [B, T, 3], length [B]).
    """
    import tensorflow as tf

    steps = tf.shape(strokes)[1]
    time = tf.range(steps)[None, :]
    real = time < length[:, None]
    lucky = tf.random.stateless_uniform(tf.shape(real), seed) >= share
    keep = real & (lucky | (strokes[:, :, 2] > 0.5) | (time == 0) | (time == length[:, None] - 1))
    order = tf.argsort(tf.where(keep, time, time + steps), axis=1)  # the kept points, in their order, first
    place = tf.gather(tf.cumsum(strokes[:, :, :2], axis=1), order, batch_dims=1)
    pen = tf.gather(strokes[:, :, 2:], order, batch_dims=1)
    moves = place - tf.pad(place[:, :-1], ((0, 0), (1, 0), (0, 0)))
    length = tf.reduce_sum(tf.cast(keep, tf.int32), axis=1)
    real = tf.cast(time < length[:, None], strokes.dtype)[:, :, None]
    return tf.concat([moves, pen], axis=2) * real, length


def bend(strokes: Any, length: Any, scale: float, rotation: float, jitter: float, seed: Any) -> Any:
    """Stretch and turn each drawing as a whole, and shake each of its points.

    Args:
        strokes: float32 [B, T, 3], zero on padding.
        length: int32 [B].
        scale: width and height are each multiplied by 1 - scale to 1 + scale.
        rotation: degrees, turned by up to this either way.
        jitter: standard deviation of what is added to dx and dy, in units of theirs.
        seed: int64 [2].

    Returns:
        float32 [B, T, 3], zero on padding.
    """
    import tensorflow as tf

    count = tf.shape(strokes)[0]
    drawn = tf.random.stateless_uniform((3, count, 1), seed, -1.0, 1.0)
    angle = drawn[0] * (rotation * 3.141592653589793 / 180.0)
    dx = strokes[:, :, 0] * (1.0 + scale * drawn[1])
    dy = strokes[:, :, 1] * (1.0 + scale * drawn[2])
    cos, sin = tf.cos(angle), tf.sin(angle)
    moves = tf.stack([dx * cos - dy * sin, dx * sin + dy * cos], axis=2)
    moves += jitter * tf.random.stateless_normal(tf.shape(moves), seed + 1)
    real = tf.cast(tf.range(tf.shape(strokes)[1])[None, :] < length[:, None], strokes.dtype)[:, :, None]
    return tf.concat([moves * real, strokes[:, :, 2:]], axis=2)
