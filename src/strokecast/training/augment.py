"""Drawings changed a little each time they are trained on: a pure function of the batch and a seed.

Shapes: B drawings, T padded points, K classes; strokes are float32 [B, T, 3] (dx, dy, pen_lift), time,
where the data has it, float32 [B, T] (see `features.sketches.strokes.time_feature`). Padding stays zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from strokecast.common.errors import UserError
from strokecast.params import ClassifyRecipe, DrawRecipe, LabelRecipe, Recipe, WatchRecipe
from strokecast.training import augment_video

Augment = Callable[[dict[str, Any], Any, Any], dict[str, Any]]


def make(task: str, recipe: Recipe, spec: Mapping[str, Any]) -> Augment | None:
    """What training batches go through, or None where the recipe changes nothing.

    Args:
        task: of `strokecast.params.TASKS`.
        recipe: how the network is trained.
        spec: of the processed data; its classes are what `mirror_classes` may name.

    Returns:
        `(inputs, target int64 [B], seed int64 [2]) → inputs`.

    Raises:
        UserError: if `mirror_classes` names a class that the data does not hold.
    """
    if task == "draw":
        return _resized(cast(DrawRecipe, recipe))
    if task not in ("classify", "watch"):
        return None
    may_mirror = _mirrored(cast(LabelRecipe, recipe).mirror_classes, spec["classes"], task)
    if task == "watch":
        videos = cast(WatchRecipe, recipe)
        if not augment_video.changes(videos):
            return None
        return lambda inputs, target, seed: augment_video.augment(videos, may_mirror, inputs, target, seed)
    told = cast(ClassifyRecipe, recipe)
    bends = (told.augment_scale, told.augment_rotation, told.augment_jitter)
    if not (any(bends) or told.augment_drop or told.augment_drop_strokes or told.augment_mirror):
        return None

    def augment(inputs: dict[str, Any], target: Any, seed: Any) -> dict[str, Any]:
        strokes, length = inputs["strokes"], inputs["length"]
        masks = []
        if told.augment_drop_strokes:
            masks.append(strokes_kept(strokes, length, told.augment_drop_strokes, seed + 4))
        if told.augment_drop:
            masks.append(points_kept(strokes, length, told.augment_drop, seed))
        if masks:
            inputs = leave_out(inputs, masks[0] & masks[-1])
            strokes, length = inputs["strokes"], inputs["length"]
        if told.augment_mirror:
            strokes = mirror(strokes, target, told.augment_mirror, may_mirror, seed + 3)
        if any(bends):
            strokes = bend(strokes, length, *bends, seed + 1)
        return {**inputs, "strokes": strokes}

    return augment


def _resized(told: DrawRecipe) -> Augment | None:
    """What drawings to be drawn go through: they change in size and lose points, and stay upright and whole."""
    if not (told.augment_scale or told.augment_drop):
        return None

    def augment(inputs: dict[str, Any], target: Any, seed: Any) -> dict[str, Any]:
        if told.augment_drop:
            keep = points_kept(inputs["strokes"], inputs["length"], told.augment_drop, seed)
            inputs = leave_out(inputs, keep)
        strokes = bend(inputs["strokes"], inputs["length"], told.augment_scale, 0.0, 0.0, seed + 1)
        return {**inputs, "strokes": strokes}

    return augment


def _mirrored(chosen: str | Sequence[str], classes: Sequence[str], task: str) -> list[bool]:
    """Which of the classes may be mirrored, [K]."""
    if chosen == "all":
        return [True] * len(classes)
    for name in chosen:
        if name not in classes:
            shown = ", ".join(classes[:20]) + (f" and {len(classes) - 20} more" if len(classes) > 20 else "")
            raise UserError(
                f"the data holds no class {name!r}",
                where=f"params.yaml: training.{task}.mirror_classes, or training.mirror_classes of a model",
                allowed=f"all, or a list of {shown}",
            )
    return [name in chosen for name in classes]


def points_kept(strokes: Any, length: Any, share: float, seed: Any) -> Any:
    """Choose points within strokes to leave out; the first point and the last of every stroke are kept.

    Args:
        strokes: float32 [B, T, 3].
        length: int32 [B].
        share: probability that a point is left out.
        seed: int64 [2].

    Returns:
        bool [B, T], true on what is kept.
    """
    import tensorflow as tf

    time = tf.range(tf.shape(strokes)[1])[None, :]
    lucky = tf.random.stateless_uniform(tf.shape(strokes)[:2], seed) >= share
    fixed = (strokes[:, :, 2] > 0.5) | (time == 0) | (time == length[:, None] - 1)
    return (lucky | fixed) & (time < length[:, None])


def strokes_kept(strokes: Any, length: Any, share: float, seed: Any) -> Any:
    """Choose whole strokes to leave out, never the one with the most points (of equals, the first).

    Args:
        strokes: float32 [B, T, 3].
        length: int32 [B].
        share: probability that a stroke is left out.
        seed: int64 [2].

    Returns:
        bool [B, T], true on what is kept.
    """
    import tensorflow as tf

    count, steps = tf.unstack(tf.shape(strokes)[:2])
    real = tf.range(steps)[None, :] < length[:, None]
    lifts = tf.cast((strokes[:, :, 2] > 0.5) & real, tf.int32)
    number = tf.cumsum(lifts, axis=1, exclusive=True)  # [B, T], of the stroke that a point belongs to
    number = tf.minimum(number, steps - 1)
    row = number + tf.range(count)[:, None] * steps
    sizes = tf.math.unsorted_segment_sum(
        tf.reshape(tf.cast(real, tf.int32), [-1]), tf.reshape(row, [-1]), count * steps
    )
    longest = tf.argmax(tf.reshape(sizes, (count, steps)), axis=1, output_type=tf.int32)
    lucky = tf.random.stateless_uniform((count, steps), seed) >= share  # by the stroke's number
    return (tf.gather(lucky, number, batch_dims=1) | (number == longest[:, None])) & real


def leave_out(inputs: Mapping[str, Any], keep: Any) -> dict[str, Any]:
    """Leave points out; what is kept stays where and when it was drawn.

    The move to a kept point and the time before it take in those of the points left out before it.

    Args:
        inputs: `strokes`, `length`, and where the data has it `time`.
        keep: bool [B, T], false on padding, true on one point of each drawing at least.
    """
    import tensorflow as tf

    strokes = inputs["strokes"]
    sums = [tf.cumsum(strokes[:, :, :2], axis=1)]  # where the pen is
    if "time" in inputs:
        sums.append(tf.cumsum(tf.math.expm1(inputs["time"]), axis=1)[:, :, None])  # and when, seconds
    rows = tf.concat([*sums, strokes[:, :, 2:]], axis=2)
    kept = tf.cast(keep, tf.int32)
    # each kept point goes to the next free step; the others to one step more, which is cut off
    steps = tf.shape(keep)[1]
    to = tf.where(keep, tf.cumsum(kept, axis=1) - 1, steps)
    count = tf.shape(keep)[0]
    to += tf.range(count)[:, None] * (steps + 1)
    packed = tf.math.unsorted_segment_sum(
        tf.reshape(rows, (-1, rows.shape[2])), tf.reshape(to, [-1]), count * (steps + 1)
    )
    packed = tf.reshape(packed, (count, steps + 1, rows.shape[2]))[:, :-1]
    length = tf.reduce_sum(kept, axis=1)
    real = tf.cast(tf.range(steps)[None, :] < length[:, None], strokes.dtype)[:, :, None]
    where = packed[:, :, :-1]
    changes = (where - tf.pad(where[:, :-1], ((0, 0), (1, 0), (0, 0)))) * real
    changed = {"strokes": tf.concat([changes[:, :, :2], packed[:, :, -1:]], axis=2), "length": length}
    if "time" in inputs:
        changed["time"] = tf.math.log1p(tf.maximum(changes[:, :, 2], 0.0))
    return {**inputs, **changed}


def mirror(strokes: Any, target: Any, share: float, may: Sequence[bool], seed: Any) -> Any:
    """Mirror some drawings left to right.

    Args:
        strokes: float32 [B, T, 3].
        target: int64 [B], the classes.
        share: probability that a drawing is mirrored.
        may: [K], the classes that may be.
        seed: int64 [2].

    Returns:
        float32 [B, T, 3].
    """
    import tensorflow as tf

    chosen = tf.random.stateless_uniform(tf.shape(target), seed) < share
    chosen &= tf.gather(tf.constant(list(may)), target)
    sign = tf.where(chosen, -1.0, 1.0)[:, None]
    return tf.concat([strokes[:, :, :1] * sign[:, :, None], strokes[:, :, 1:]], axis=2)


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
    if jitter:
        moves += jitter * tf.random.stateless_normal(tf.shape(moves), seed + 1)
        real = tf.range(tf.shape(strokes)[1])[None, :] < length[:, None]
        moves *= tf.cast(real, strokes.dtype)[:, :, None]
    return tf.concat([moves, strokes[:, :, 2:]], axis=2)
