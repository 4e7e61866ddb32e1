"""Augmentation of videos: a pure function of the batch and a seed.

One affine transformation per drawing, the same for all of its frames, its track and its motion.

Shapes: B drawings, N frames of H x W pixels, M steps of the track, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from strokecast.features.records.reading import motion
from strokecast.params import WatchRecipe


def is_enabled(recipe: WatchRecipe) -> bool:
    """Whether the recipe augments videos."""
    return bool(
        recipe.augment_scale or recipe.augment_rotation or recipe.augment_shift or recipe.augment_mirror
    )


def augment(
    recipe: WatchRecipe, may_mirror: Sequence[bool], inputs: dict[str, Any], target: Any, seed: Any
) -> dict[str, Any]:
    """Augment a batch.

    Args:
        recipe: recipe of the training.
        may_mirror: [K], whether each class may be mirrored.
        inputs: the inputs that the network reads, out of `frames`, `track` and `motion` (see `reading.video_parser`).
        target: int64 [B], the classes.
        seed: int64 [2].

    Returns:
        The augmented inputs. If there are frames, motion is computed from the augmented frames.
    """
    import tensorflow as tf

    count = tf.shape(target)[0]
    matrix = affine_matrices(recipe, may_mirror, target, seed)
    shift = tf.random.stateless_uniform((count, 2), seed + 1, -recipe.augment_shift, recipe.augment_shift)
    outputs = dict(inputs)
    if "frames" in inputs:
        moved = transform_images(tf.cast(inputs["frames"], tf.float32), matrix, shift)
        outputs["frames"] = tf.cast(tf.round(moved), tf.uint8)
    if "motion" in inputs:
        outputs["motion"] = (
            motion(outputs["frames"])
            if "frames" in inputs
            else transform_images(inputs["motion"], matrix, shift)
        )
    if "track" in inputs:
        track = inputs["track"]
        moves = tf.einsum("bij,bmj->bmi", matrix, track[:, :, :2])
        outputs["track"] = tf.concat([moves, track[:, :, 2:]], axis=2)
    return outputs


def affine_matrices(recipe: WatchRecipe, may_mirror: Sequence[bool], target: Any, seed: Any) -> Any:
    """Matrices that mirror, scale, then rotate a vector (dx, dy); float32 [B, 2, 2]."""
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


def transform_images(images: Any, matrix: Any, shift: Any) -> Any:
    """Transform images about their centre and shift them; areas outside the image are 0.

    Args:
        images: float32 [B, N, H, W].
        matrix: float32 [B, 2, 2], applied to vectors (x, y).
        shift: float32 [B, 2], as fractions of W and H.

    Returns:
        float32 [B, N, H, W], interpolated between the four nearest pixels.
    """
    import tensorflow as tf

    height, width = images.shape[2], images.shape[3]
    size = tf.constant([width, height], tf.float32)
    centre = (size - 1.0) / 2.0
    inverse = tf.linalg.inv(matrix)  # the kernel maps output pixels to input pixels
    offset = centre - tf.linalg.matvec(inverse, centre + shift * size)
    rows = tf.concat([inverse, offset[:, :, None]], axis=2)  # [B, 2, 3]
    flat = tf.pad(tf.reshape(rows, (-1, 6)), ((0, 0), (0, 2)))  # the last two coefficients: no perspective
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.transpose(images, (0, 2, 3, 1)),
        transforms=flat,
        output_shape=tf.constant([height, width]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return tf.ensure_shape(tf.transpose(moved, (0, 3, 1, 2)), images.shape)
