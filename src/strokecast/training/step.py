"""The one optimiser step, and its twin that only looks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from strokecast.inference.networks import signature
from strokecast.training.averaging import Average
from strokecast.training.guards import Sentry
from strokecast.training.objectives import Objective


@dataclass(frozen=True)
class Steps:
    """Compiled steps of one training.

    Each is traced once for all lengths and batch sizes; under XLA, which needs static shapes, once
    for each of them.

    Attributes:
        train: (inputs, target, learning_rate) → None; one update, adds to `totals`.
        valid: (inputs, target) → None; no update, adds to `totals`.
        refresh: (inputs) → None; moves nothing but the moments of batch normalisation.
        totals: float64 [3] variable: summed loss, hits, examples since it was last zeroed.
        sentry: has seen the loss and the gradients of every training step.
    """

    train: Callable[[Any, Any, Any], None]
    valid: Callable[[Any, Any], None]
    refresh: Callable[[Any], None]
    totals: Any
    sentry: Sentry

    def read(self) -> tuple[float, float, int]:
        """Mean loss, share of hits and examples since the last read; starts anew."""
        loss, hits, examples = self.totals.numpy().tolist()
        self.totals.assign([0.0, 0.0, 0.0])
        return loss / examples, hits / examples, int(examples)


def make(
    model: Any,
    optimizer: Any,
    objective: Objective,
    clip_norm: float | None,
    clip_value: float | None = None,
    average: Average | None = None,
    jit_compile: bool = False,
) -> Steps:
    """The steps of one training; builds the optimizer's variables.

    Args:
        model: keras.Model with dict inputs.
        optimizer: keras optimizer.
        objective: losses of the task.
        clip_norm: largest global norm of the gradients, or None.
        clip_value: largest size of each entry of a gradient, or None.
        average: follows the weights.
        jit_compile: compile with XLA.
    """
    import tensorflow as tf

    optimizer.build(model.trainable_variables)
    totals = tf.Variable([0.0, 0.0, 0.0], dtype=tf.float64, trainable=False, name="totals")
    sentry = Sentry(model.trainable_variables)
    inputs_spec = signature(model)
    shape, dtype = objective.target
    target_spec = tf.TensorSpec((None, *shape), dtype)
    rate_spec = tf.TensorSpec((), tf.float32)

    def compiled(*specs: Any) -> Callable[[Any], Any]:
        if jit_compile:
            tf.get_logger().addFilter(_says_more_than_retracing)
            return tf.function(jit_compile=True, autograph=False)
        return tf.function(input_signature=list(specs), autograph=False)

    def count(losses: Any, target: Any, output: Any) -> None:
        hits = objective.hits(target, output) if objective.hits else tf.zeros_like(losses)
        sums = [tf.reduce_sum(losses), tf.reduce_sum(hits), tf.cast(tf.size(losses), losses.dtype)]
        totals.assign_add(tf.cast(tf.stack(sums), tf.float64))

    @compiled(inputs_spec, target_spec, rate_spec)
    def train(inputs: Any, target: Any, learning_rate: Any) -> None:
        with tf.GradientTape() as tape:
            if objective.taught is None:
                output = model(inputs, training=True)
            else:
                output = objective.taught(inputs, target)
            held_against = objective.target_of(inputs, target) if objective.target_of else target
            losses = objective.train_loss(held_against, output)
            loss = tf.reduce_mean(losses) + sum(model.losses)  # the latter: `l2` of the config
        gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
        norm = tf.linalg.global_norm(gradients)
        sentry.look(loss, norm, gradients)
        if clip_norm is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, clip_norm, use_norm=norm)
        if clip_value is not None:
            gradients = [g if g is None else tf.clip_by_value(g, -clip_value, clip_value) for g in gradients]
        optimizer.learning_rate.assign(learning_rate)
        optimizer.apply(gradients, model.trainable_variables)
        if average is not None:
            average.after_step()
        count(losses, target, output)

    @compiled(inputs_spec, target_spec)
    def valid(inputs: Any, target: Any) -> None:
        output = model(inputs, training=False)
        count(objective.valid_loss(target, output), target, output)

    @compiled(inputs_spec)
    def refresh(inputs: Any) -> None:
        model(inputs, training=True)

    return Steps(train, valid, refresh, totals, sentry)


def _says_more_than_retracing(record: logging.LogRecord) -> bool:
    """Under XLA, a trace for each shape is what is wanted."""
    return "triggered tf.function retracing" not in record.getMessage()
