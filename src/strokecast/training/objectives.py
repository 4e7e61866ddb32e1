"""What each task's networks are trained to lower, and what is counted beside it.

Shapes: B batch, T padded points, K classes; of forecasts W window, H horizon, D targets, Q quantile levels. A loss
is one number an example, float32 [B].
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
        target: shape (without the batch) and dtype name of the targets.
        train_loss: (target, output) → [B]; what the gradient is taken of, smoothed and weighted as the recipe says.
        valid_loss: (target, output) → [B]; what early stopping and the best weights go by: smoothed, as Keras does,
            but not weighted; of forecasts the mean absolute error where the recipe says `best_by: mae`.
        hits: (target, output) → float32 [B], 1 where right; None where nothing can be "right".
        target_of: (inputs, target) → what `train_loss` holds the output against; None: the target.
        taught: (inputs, target) → output in training of a network that is given the truth; None: the network's own.
    """

    target: tuple[tuple[int | None, ...], str]
    train_loss: Callable[[Any, Any], Any]
    valid_loss: Callable[[Any, Any], Any]
    hits: Callable[[Any, Any], Any] | None
    target_of: Callable[[Any, Any], Any] | None = None
    taught: Callable[[Any, Any], Any] | None = None


def make(task: str, recipe: Recipe, spec: Mapping[str, Any], model: Any) -> Objective:
    """The objective of a task on the data that `spec` describes, for this network."""
    return _OBJECTIVES[task](recipe, spec, model)


def class_weights(spec: Mapping[str, Any]) -> list[float]:
    """What a drawing of each class weighs, [K]: N / (K * n) for a class of n of the N training drawings.

    All classes together weigh alike then, and the mean weight over the training split is 1.
    """
    counts = [spec["class_counts"][name] for name in spec["classes"]]
    return [sum(counts) / (len(counts) * count) for count in counts]


def _classify(recipe: Recipe, spec: Mapping[str, Any], model: Any) -> Objective:
    import tensorflow as tf

    told = cast(LabelRecipe, recipe)
    outputs, smoothing = len(spec["classes"]), told.label_smoothing

    def cross_entropy(label: Any, logits: Any) -> Any:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits)

    def smoothed(label: Any, logits: Any) -> Any:
        spread = tf.one_hot(label, outputs) * (1.0 - smoothing) + smoothing / outputs
        return tf.nn.softmax_cross_entropy_with_logits(labels=spread, logits=logits)

    def weighted(label: Any, logits: Any) -> Any:
        return loss(label, logits) * tf.gather(tf.constant(class_weights(spec)), label)

    def hits(label: Any, logits: Any) -> Any:
        return tf.cast(tf.argmax(logits, axis=-1) == label, tf.float32)

    loss = smoothed if smoothing else cross_entropy
    train = weighted if told.class_weights == "balanced" else loss
    return Objective(((), "int64"), train, loss, hits)


def _forecast(recipe: Recipe, spec: Mapping[str, Any], model: Any) -> Objective:
    """The mean over days and targets (and, in training, over the steps of a network from sequence to sequence)."""
    import tensorflow as tf

    from strokecast.features.records import reading
    from strokecast.inference import networks
    from strokecast.models.layers.day_decoder import taught

    def huber(error: Any) -> Any:  # delta 1: one standard deviation of the training days
        size = tf.abs(error)
        return tf.where(size <= 1.0, 0.5 * tf.square(error), size - 0.5)

    told = cast(ForecastRecipe, recipe)
    shape = {"mae": tf.abs, "mse": tf.square, "huber": huber}[told.loss]
    horizon, targets = int(spec["horizon"]), len(spec["targets"])
    levels, teacher = networks.levels(model), taught(model)

    def point(target: Any, output: Any) -> Any:
        return _per_example(shape(output - target))

    def pinball(target: Any, output: Any) -> Any:
        error = target[..., None] - output  # [..., D, Q]
        level = tf.constant(levels, tf.float32)
        return _per_example(tf.maximum(level * error, (level - 1.0) * error))

    def absolute(target: Any, output: Any) -> Any:
        middle = output[..., levels.index(0.5)] if levels else output  # [B, H, D]
        return _per_example(tf.abs(middle - target))

    loss = pinball if levels else point
    judged = absolute if told.best_by == "mae" else loss
    each_step = len(model.output_shape) == (5 if levels else 4)
    return Objective(
        ((horizon, targets), "float32"),
        loss,
        lambda target, output: judged(target, networks.last_step(output, horizon)),
        None,
        (lambda inputs, target: reading.stepwise(inputs["past"], target)) if each_step else None,
        teacher and (lambda inputs, target: teacher(inputs | {"target": target}, training=True)),
    )


def _per_example(values: Any) -> Any:
    """The mean over all but the first axis: float32 [B, ...] → [B]."""
    import tensorflow as tf

    return tf.reduce_mean(values, axis=list(range(1, len(values.shape))))


def _draw(recipe: Recipe, spec: Mapping[str, Any], model: Any) -> Objective:
    from strokecast.models.layers.mixture import reconstruction

    def loss(target: Any, output: Any) -> Any:
        """The reconstruction, and what the network asks for its latent vector, if it has one."""
        recon = reconstruction(target, output["mixture"])
        return recon + output["penalty"] if "penalty" in output else recon

    return Objective(((None, 5), "float32"), loss, loss, None)


_OBJECTIVES: dict[str, Callable[[Recipe, Mapping[str, Any], Any], Objective]] = {
    "classify": _classify,
    "watch": _classify,
    "draw": _draw,
    "forecast": _forecast,
}
