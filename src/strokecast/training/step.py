"""The one optimiser step, and its twin that only looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from strokecast.models.inference import signature
from strokecast.training.objectives import Objective


@dataclass(frozen=True)
class Steps:
    """Compiled steps of one training. Each is traced once, for all lengths and batch sizes.

    Attributes:
        train: (inputs, target, learning_rate) → None; one update, adds to `totals`.
        valid: (inputs, target) → None; no update, adds to `totals`.
        totals: float64 [3] variable: summed loss, hits, examples since it was last zeroed.
    """

    train: Callable[[Any, Any, Any], None]
    valid: Callable[[Any, Any], None]
    totals: Any

    def read(self) -> tuple[float, float, int]:
        """Mean loss, share of hits and examples since the last read; starts anew."""
        loss, hits, examples = self.totals.numpy().tolist()
        self.totals.assign([0.0, 0.0, 0.0])
        return loss / examples, hits / examples, int(examples)


def make(model: Any, optimizer: Any, objective: Objective, clip_norm: float | None) -> Steps:
    """The steps of one training; builds the optimizer's variables.

    Args:
        model: keras.Model with dict inputs.
        optimizer: keras optimizer.
        objective: losses of the task.
        clip_norm: largest global norm of the gradients, or None.
    """
    import tensorflow as tf

    optimizer.build(model.trainable_variables)
    totals = tf.Variable([0.0, 0.0, 0.0], dtype=tf.float64, trainable=False, name="totals")
    inputs_spec = signature(model)
    shape, dtype = objective.target
    target_spec = tf.TensorSpec((None, *shape), dtype)

    def count(losses: Any, target: Any, output: Any) -> None:
        hits = objective.hits(target, output) if objective.hits else tf.zeros_like(losses)
        sums = [tf.reduce_sum(losses), tf.reduce_sum(hits), tf.cast(tf.size(losses), losses.dtype)]
        totals.assign_add(tf.cast(tf.stack(sums), tf.float64))

    @tf.function(input_signature=[inputs_spec, target_spec, tf.TensorSpec((), tf.float32)])
    def train(inputs: Any, target: Any, learning_rate: Any) -> None:
        with tf.GradientTape() as tape:
            output = model(inputs, training=True)
            losses = objective.train_loss(target, output)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
        if clip_norm is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, clip_norm)
        optimizer.learning_rate.assign(learning_rate)
        optimizer.apply(gradients, model.trainable_variables)
        count(losses, target, output)

    @tf.function(input_signature=[inputs_spec, target_spec])
    def valid(inputs: Any, target: Any) -> None:
        output = model(inputs, training=False)
        count(objective.valid_loss(target, output), target, output)

    return Steps(train, valid, totals)
