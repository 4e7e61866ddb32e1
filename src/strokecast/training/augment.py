"""Augmentation of drawings: a pure function of the batch and a seed.

Shapes: B drawings, T padded points, K classes; strokes are float32 [B, T, 3] (dx, dy, pen_lift). `time`,
if the data has it, is float32 [B, T] (see `features.sketches.strokes.time_feature`). Padding stays zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from strokecast.common.errors import UserError
from strokecast.params import ClassifyRecipe, DrawRecipe, LabelRecipe, Recipe, WatchRecipe
from strokecast.training import augment_video

Augment = Callable[[dict[str, Any], Any, Any], dict[str, Any]]


def make(task: str, recipe: Recipe, spec: Mapping[str, Any]) -> Augment | None:
    """The augmentation of training batches; None if the recipe has none.

    Args:
        task: one of `strokecast.params.TASKS`.
        recipe: recipe of the training.
        spec: spec.json of the processed data; `mirror_classes` may name its classes.

    Returns:
        `(inputs, target int64 [B], seed int64 [2]) → inputs`.

    Raises:
        UserError: if `mirror_classes` names a class that is not in the data.
    """
    if task == "draw":
        return _draw_augmentation(cast(DrawRecipe, recipe))
    if task not in ("classify", "watch"):
        return None
    may_mirror = _mirror_mask(cast(LabelRecipe, recipe).mirror_classes, spec["classes"], task)
    if task == "watch":
        watch_recipe = cast(WatchRecipe, recipe)
        if not augment_video.is_enabled(watch_recipe):
            return None
        return lambda inputs, target, seed: augment_video.augment(
            watch_recipe, may_mirror, inputs, target, seed
        )
    classify_recipe = cast(ClassifyRecipe, recipe)
    distortions = (
        classify_recipe.augment_scale,
        classify_recipe.augment_rotation,
        classify_recipe.augment_jitter,
    )
    if not (
        any(distortions)
        or classify_recipe.augment_drop
        or classify_recipe.augment_drop_strokes
        or classify_recipe.augment_mirror
    ):
        return None

    def augment(inputs: dict[str, Any], target: Any, seed: Any) -> dict[str, Any]:
        strokes, length = inputs["strokes"], inputs["length"]
        masks = []
        if classify_recipe.augment_drop_strokes:
            masks.append(stroke_mask(strokes, length, classify_recipe.augment_drop_strokes, seed + 4))
        if classify_recipe.augment_drop:
            masks.append(point_mask(strokes, length, classify_recipe.augment_drop, seed))
        if masks:
            inputs = drop_points(inputs, masks[0] & masks[-1])
            strokes, length = inputs["strokes"], inputs["length"]
        if classify_recipe.augment_mirror:
            strokes = mirror(strokes, target, classify_recipe.augment_mirror, may_mirror, seed + 3)
        if any(distortions):
            strokes = distort(strokes, length, *distortions, seed + 1)
        return {**inputs, "strokes": strokes}

    return augment


def _draw_augmentation(recipe: DrawRecipe) -> Augment | None:
    """Augmentation for the task draw: sizes change and points are dropped; drawings are not rotated."""
    if not (recipe.augment_scale or recipe.augment_drop):
        return None

    def augment(inputs: dict[str, Any], target: Any, seed: Any) -> dict[str, Any]:
        if recipe.augment_drop:
            keep = point_mask(inputs["strokes"], inputs["length"], recipe.augment_drop, seed)
            inputs = drop_points(inputs, keep)
        strokes = distort(inputs["strokes"], inputs["length"], recipe.augment_scale, 0.0, 0.0, seed + 1)
        return {**inputs, "strokes": strokes}

    return augment


def _mirror_mask(mirror_classes: str | Sequence[str], classes: Sequence[str], task: str) -> list[bool]:
    """Whether each class may be mirrored, [K]."""
    if mirror_classes == "all":
        return [True] * len(classes)
    for name in mirror_classes:
        if name not in classes:
            shown = ", ".join(classes[:20]) + (f" and {len(classes) - 20} more" if len(classes) > 20 else "")
            raise UserError(
                f"the data holds no class {name!r}",
                location=f"params.yaml: training.{task}.mirror_classes, or training.mirror_classes of a model",
                allowed=f"all, or a list of {shown}",
            )
    return [name in mirror_classes for name in classes]


def point_mask(strokes: Any, length: Any, share: float, seed: Any) -> Any:
    """Mask that drops points within strokes. The first point and the last one of every stroke are kept.

    Args:
        strokes: float32 [B, T, 3].
        length: int32 [B].
        share: probability that a point is dropped.
        seed: int64 [2].

    Returns:
        bool [B, T], true for the points to keep.
    """
    import tensorflow as tf

    time = tf.range(tf.shape(strokes)[1])[None, :]
    survives = tf.random.stateless_uniform(tf.shape(strokes)[:2], seed) >= share
    fixed = (strokes[:, :, 2] > 0.5) | (time == 0) | (time == length[:, None] - 1)
    return (survives | fixed) & (time < length[:, None])


def stroke_mask(strokes: Any, length: Any, share: float, seed: Any) -> Any:
    """Mask that drops whole strokes, except the one with the most points (the first of several).

    Args:
        strokes: float32 [B, T, 3].
        length: int32 [B].
        share: probability that a stroke is dropped.
        seed: int64 [2].

    Returns:
        bool [B, T], true for the points to keep.
    """
    import tensorflow as tf

    count, steps = tf.unstack(tf.shape(strokes)[:2])
    mask = tf.range(steps)[None, :] < length[:, None]
    lifts = tf.cast((strokes[:, :, 2] > 0.5) & mask, tf.int32)
    number = tf.cumsum(lifts, axis=1, exclusive=True)  # [B, T], each point's stroke
    number = tf.minimum(number, steps - 1)
    row = number + tf.range(count)[:, None] * steps
    sizes = tf.math.unsorted_segment_sum(
        tf.reshape(tf.cast(mask, tf.int32), [-1]), tf.reshape(row, [-1]), count * steps
    )
    longest = tf.argmax(tf.reshape(sizes, (count, steps)), axis=1, output_type=tf.int32)
    survives = tf.random.stateless_uniform((count, steps), seed) >= share  # per stroke
    return (tf.gather(survives, number, batch_dims=1) | (number == longest[:, None])) & mask


def drop_points(inputs: Mapping[str, Any], keep: Any) -> dict[str, Any]:
    """Drop points. The remaining points keep their positions and times.

    The dx, dy and time of dropped points are added to those of the next kept point.

    Args:
        inputs: `strokes`, `length`, and `time` if the data has it.
        keep: bool [B, T], false for padding, true for at least one point of each drawing.
    """
    import tensorflow as tf

    strokes = inputs["strokes"]
    sums = [tf.cumsum(strokes[:, :, :2], axis=1)]  # pen positions
    if "time" in inputs:
        sums.append(tf.cumsum(tf.math.expm1(inputs["time"]), axis=1)[:, :, None])  # seconds since the start
    rows = tf.concat([*sums, strokes[:, :, 2:]], axis=2)
    kept = tf.cast(keep, tf.int32)
    # each kept point moves to the next free step; dropped points move to an extra step, which is cut off
    steps = tf.shape(keep)[1]
    to = tf.where(keep, tf.cumsum(kept, axis=1) - 1, steps)
    count = tf.shape(keep)[0]
    to += tf.range(count)[:, None] * (steps + 1)
    packed = tf.math.unsorted_segment_sum(
        tf.reshape(rows, (-1, rows.shape[2])), tf.reshape(to, [-1]), count * (steps + 1)
    )
    packed = tf.reshape(packed, (count, steps + 1, rows.shape[2]))[:, :-1]
    length = tf.reduce_sum(kept, axis=1)
    mask = tf.cast(tf.range(steps)[None, :] < length[:, None], strokes.dtype)[:, :, None]
    positions = packed[:, :, :-1]
    changes = (positions - tf.pad(positions[:, :-1], ((0, 0), (1, 0), (0, 0)))) * mask
    outputs = {"strokes": tf.concat([changes[:, :, :2], packed[:, :, -1:]], axis=2), "length": length}
    if "time" in inputs:
        outputs["time"] = tf.math.log1p(tf.maximum(changes[:, :, 2], 0.0))
    return {**inputs, **outputs}


def mirror(strokes: Any, target: Any, share: float, may_mirror: Sequence[bool], seed: Any) -> Any:
    """Mirror a random share of the drawings left to right.

    Args:
        strokes: float32 [B, T, 3].
        target: int64 [B], the classes.
        share: probability that a drawing is mirrored.
        may_mirror: [K], whether each class may be mirrored.
        seed: int64 [2].

    Returns:
        float32 [B, T, 3].
    """
    import tensorflow as tf

    mirrored = tf.random.stateless_uniform(tf.shape(target), seed) < share
    mirrored &= tf.gather(tf.constant(list(may_mirror)), target)
    sign = tf.where(mirrored, -1.0, 1.0)[:, None]
    return tf.concat([strokes[:, :, :1] * sign[:, :, None], strokes[:, :, 1:]], axis=2)


def distort(strokes: Any, length: Any, scale: float, rotation: float, jitter: float, seed: Any) -> Any:
    """Scale and rotate each drawing, and add noise to each of its points.

    Args:
        strokes: float32 [B, T, 3], zero on padding.
        length: int32 [B].
        scale: width and height are each multiplied by a factor between 1 - scale and 1 + scale.
        rotation: degrees; the angle is between -rotation and rotation.
        jitter: standard deviation of the noise added to dx and dy, in their unit.
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
        mask = tf.range(tf.shape(strokes)[1])[None, :] < length[:, None]
        moves *= tf.cast(mask, strokes.dtype)[:, :, None]
    return tf.concat([moves, strokes[:, :, 2:]], axis=2)
