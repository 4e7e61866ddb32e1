"""Videos changed a little each time they are trained on: a pure function of the batch and a seed.

One affine change a drawing, the same for all of its frames, and for its track and motion.

Shapes: B drawings, N frames of H x W pixels, M steps of the track, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from strokecast.features.records.reading import motion
from strokecast.params import WatchRecipe


def changes(recipe: WatchRecipe) -> bool:
    """Whether the recipe changes anything."""
    return bool(
        recipe.augment_scale or recipe.augment_rotation or recipe.augment_shift or recipe.augment_mirror
    )


def augment(
    recipe: WatchRecipe, may_mirror: Sequence[bool], inputs: dict[str, Any], target: Any, seed: Any
) -> dict[str, Any]:
    """Change a batch.

    Args:
        recipe: how much.
        may_mirror: [K], the classes that may be mirrored.
        inputs: those that the network reads, of `frames`, `track` and `motion` (see `reading.video_parser`).
        target: int64 [B], the classes.
        seed: int64 [2].

    Returns:
        The same inputs, changed. Motion is that of the changed frames where there are frames.
    """
    import tensorflow as tf

    count = tf.shape(target)[0]
    matrix = shapes(recipe, may_mirror, target, seed)
    shift = tf.random.stateless_uniform((count, 2), seed + 1, -recipe.augment_shift, recipe.augment_shift)
    changed = dict(inputs)
    if "frames" in inputs:
        moved = moved_images(tf.cast(inputs["frames"], tf.float32), matrix, shift)
        changed["frames"] = tf.cast(tf.round(moved), tf.uint8)
    if "motion" in inputs:
        changed["motion"] = (
            motion(changed["frames"]) if "frames" in inputs else moved_images(inputs["motion"], matrix, shift)
        )
    if "track" in inputs:
        track = inputs["track"]
        turned = tf.einsum("bij,bmj->bmi", matrix, track[:, :, :2])
        changed["track"] = tf.concat([turned, track[:, :, 2:]], axis=2)
    return changed


def shapes(recipe: WatchRecipe, may_mirror: Sequence[bool], target: Any, seed: Any) -> Any:
    """What becomes of a move (dx, dy): mirrored or not, stretched, then turned; float32 [B, 2, 2]."""
    import tensorflow as tf

    drawn = tf.random.stateless_uniform((3, tf.shape(target)[0]), seed, -1.0, 1.0)
    mirrored = tf.random.stateless_uniform(tf.shape(target), seed + 2) < recipe.augment_mirror
    mirrored &= tf.gather(tf.constant(list(may_mirror)), target)
    across = (1.0 + recipe.augment_scale * drawn[0]) * tf.where(mirrored, -1.0, 1.0)
    down = 1.0 + recipe.augment_scale * drawn[1]
    angle = drawn[2] * (recipe.augment_rotation * 3.141592653589793 / 180.0)
    cos, sin = tf.cos(angle), tf.sin(angle)
    rows = [tf.stack([across * cos, -down * sin], axis=1), tf.stack([across * sin, down * cos], axis=1)]
    return tf.stack(rows, axis=1)


def moved_images(images: Any, matrix: Any, shift: Any) -> Any:
    """Turn images about their middle and shift them; what comes in from outside is empty.

    Args:
        images: float32 [B, N, H, W].
        matrix: float32 [B, 2, 2], where a move (x, y) goes.
        shift: float32 [B, 2], in parts of W and H.

    Returns:
        float32 [B, N, H, W], interpolated between the four nearest pixels.
    """
    import tensorflow as tf

    height, width = images.shape[2], images.shape[3]
    page = tf.constant([width, height], tf.float32)
    middle = (page - 1.0) / 2.0
    back = tf.linalg.inv(matrix)  # the kernel asks where each pixel comes from
    offset = middle - tf.linalg.matvec(back, middle + shift * page)
    rows = tf.concat([back, offset[:, :, None]], axis=2)  # [B, 2, 3]
    flat = tf.pad(tf.reshape(rows, (-1, 6)), ((0, 0), (0, 2)))  # the last two: no perspective
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.transpose(images, (0, 2, 3, 1)),
        transforms=flat,
        output_shape=tf.constant([height, width]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return tf.ensure_shape(tf.transpose(moved, (0, 3, 1, 2)), images.shape)
