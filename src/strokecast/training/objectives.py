"""Training and validation losses of each task, and the hits that make up its accuracy.

Shapes: B batch, T padded points, K classes; for forecasts W window, H horizon, D targets, Q quantile levels. A loss
has one value per example, float32 [B].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from strokecast.params import ForecastRecipe, LabelRecipe, Recipe


@dataclass(frozen=True)
class Objective:
    """The losses of one task under one recipe.

    Attributes:
        target: shape (without the batch axis) and dtype name of the targets.
        train_loss: (target, output) → [B]; the loss that is differentiated, with label smoothing and class weights.
        valid_loss: (target, output) → [B]; the loss for early stopping and for the best weights. It is smoothed, as
            in Keras, but not weighted. Forecasters with `monitor: mae` use the mean absolute error.
        hits: (target, output) → float32 [B], 1 if correct; None if the task has no accuracy.
        train_target: (inputs, target) → the target of `train_loss`; None: the target itself.
        teacher_forced: (inputs, target) → training output of a network that reads the true target; None: the
            network's own output.
    """

    target: tuple[tuple[int | None, ...], str]
    train_loss: Callable[[Any, Any], Any]
    valid_loss: Callable[[Any, Any], Any]
    hits: Callable[[Any, Any], Any] | None
    train_target: Callable[[Any, Any], Any] | None = None
    teacher_forced: Callable[[Any, Any], Any] | None = None


def make(task: str, recipe: Recipe, spec: Mapping[str, Any], model: Any) -> Objective:
    """The objective of a task, for the data that `spec` describes and this network."""
    return _OBJECTIVES[task](recipe, spec, model)


def class_weights(spec: Mapping[str, Any]) -> list[float]:
    """Balanced class weights, [K]: N / (K * n) for a class with n of the N training drawings.

    All classes then have the same total weight, and the mean weight over the training split is 1.
    """
    counts = [spec["class_counts"][name] for name in spec["classes"]]
    return [sum(counts) / (len(counts) * count) for count in counts]


def _classify(recipe: Recipe, spec: Mapping[str, Any], model: Any) -> Objective:
    import tensorflow as tf

    label_recipe = cast(LabelRecipe, recipe)
    outputs, smoothing = len(spec["classes"]), label_recipe.label_smoothing

    def cross_entropy(label: Any, logits: Any) -> Any:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits)

    def smoothed(label: Any, logits: Any) -> Any:
        soft_labels = tf.one_hot(label, outputs) * (1.0 - smoothing) + smoothing / outputs
        return tf.nn.softmax_cross_entropy_with_logits(labels=soft_labels, logits=logits)

    def weighted(label: Any, logits: Any) -> Any:
        return loss(label, logits) * tf.gather(tf.constant(class_weights(spec)), label)

    def hits(label: Any, logits: Any) -> Any:
        return tf.cast(tf.argmax(logits, axis=-1) == label, tf.float32)

    loss = smoothed if smoothing else cross_entropy
    train_loss = weighted if label_recipe.class_weights == "balanced" else loss
    return Objective(((), "int64"), train_loss, loss, hits)


def _forecast(recipe: Recipe, spec: Mapping[str, Any], model: Any) -> Objective:
    """The mean over days and targets. In training a sequence-to-sequence network is also averaged over its steps."""
    import tensorflow as tf

    from strokecast.features.records import reading
    from strokecast.inference import networks
    from strokecast.models.layers.day_decoder import teacher_forced_model

    def huber(error: Any) -> Any:  # delta 1: one standard deviation of the training days
        size = tf.abs(error)
        return tf.where(size <= 1.0, 0.5 * tf.square(error), size - 0.5)

    forecast_recipe = cast(ForecastRecipe, recipe)
    penalty = {"mae": tf.abs, "mse": tf.square, "huber": huber}[forecast_recipe.loss]
    horizon, targets = int(spec["horizon"]), len(spec["targets"])
    levels, teacher_forced = networks.quantile_levels(model), teacher_forced_model(model)

    def point(target: Any, output: Any) -> Any:
        return _per_example(penalty(output - target))

    def pinball(target: Any, output: Any) -> Any:
        error = target[..., None] - output  # [..., D, Q]
        level = tf.constant(levels, tf.float32)
        return _per_example(tf.maximum(level * error, (level - 1.0) * error))

    def absolute_error(target: Any, output: Any) -> Any:
        median = output[..., levels.index(0.5)] if levels else output  # [B, H, D]
        return _per_example(tf.abs(median - target))

    loss = pinball if levels else point
    monitored = absolute_error if forecast_recipe.monitor == "mae" else loss
    each_step = len(model.output_shape) == (5 if levels else 4)
    return Objective(
        ((horizon, targets), "float32"),
        loss,
        lambda target, output: monitored(target, networks.last_step(output, horizon)),
        None,
        (lambda inputs, target: reading.stepwise_targets(inputs["past"], target)) if each_step else None,
        teacher_forced
        and (lambda inputs, target: teacher_forced(inputs | {"target": target}, training=True)),
    )


def _per_example(values: Any) -> Any:
    """The mean over all but the first axis: float32 [B, ...] → [B]."""
    import tensorflow as tf

    return tf.reduce_mean(values, axis=list(range(1, len(values.shape))))


def _draw(recipe: Recipe, spec: Mapping[str, Any], model: Any) -> Objective:
    from strokecast.models.layers.mixture import reconstruction

    def loss(target: Any, output: Any) -> Any:
        """Reconstruction loss, plus the penalty of the latent vector if the network has one."""
        recon = reconstruction(target, output["mixture"])
        return recon + output["penalty"] if "penalty" in output else recon

    return Objective(((None, 5), "float32"), loss, loss, None)


_OBJECTIVES: dict[str, Callable[[Recipe, Mapping[str, Any], Any], Objective]] = {
    "classify": _classify,
    "watch": _classify,
    "draw": _draw,
    "forecast": _forecast,
}
