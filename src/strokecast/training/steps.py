"""Compiled steps: the optimizer step, the validation step, the batch-normalization pass."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from strokecast.inference.networks import input_signature
from strokecast.training.averaging import WeightAverage
from strokecast.training.guards import NonFiniteDetector
from strokecast.training.objectives import Objective


@dataclass(frozen=True)
class CompiledSteps:
    """Compiled steps of one training.

    Each is traced once for all lengths and batch sizes. XLA needs static shapes, so with XLA each is
    traced once per shape.

    Attributes:
        train: (inputs, target, learning_rate) → None; one update, adds to `totals`.
        valid: (inputs, target) → None; no update, adds to `totals`.
        update_batch_norm: (inputs) → None; changes the moving statistics of batch normalization alone.
        totals: float64 [3] variable: summed loss, hits and examples since the last reset.
        detector: observes the loss and the gradients of every training step.
    """

    train: Callable[[Any, Any, Any], None]
    valid: Callable[[Any, Any], None]
    update_batch_norm: Callable[[Any], None]
    totals: Any
    detector: NonFiniteDetector

    def read_totals(self) -> tuple[float, float, int]:
        """Mean loss, share of hits, and examples since the last reset; resets `totals`."""
        loss, hits, examples = self.totals.numpy().tolist()
        self.totals.assign([0.0, 0.0, 0.0])
        return loss / examples, hits / examples, int(examples)


def compile_steps(
    model: Any,
    optimizer: Any,
    objective: Objective,
    global_clipnorm: float | None,
    clipvalue: float | None = None,
    average: WeightAverage | None = None,
    jit_compile: bool = False,
) -> CompiledSteps:
    """Compile the steps of one training; builds the optimizer's variables.

    Args:
        model: keras.Model with dict inputs.
        optimizer: keras optimizer.
        objective: losses of the task.
        global_clipnorm: upper limit of the gradients' global norm; None: no limit.
        clipvalue: upper limit of the absolute value of each gradient entry; None: no limit.
        average: weight average to update after each step.
        jit_compile: compile with XLA.
    """
    import tensorflow as tf

    optimizer.build(model.trainable_variables)
    totals = tf.Variable([0.0, 0.0, 0.0], dtype=tf.float64, trainable=False, name="totals")
    detector = NonFiniteDetector(model.trainable_variables)
    inputs_spec = input_signature(model)
    shape, dtype = objective.target
    target_spec = tf.TensorSpec((None, *shape), dtype)
    rate_spec = tf.TensorSpec((), tf.float32)

    def compiled(*specs: Any) -> Callable[[Any], Any]:
        if jit_compile:
            tf.get_logger().addFilter(_is_no_retracing_warning)
            return tf.function(jit_compile=True, autograph=False)
        return tf.function(input_signature=list(specs), autograph=False)

    def add_to_totals(losses: Any, target: Any, output: Any) -> None:
        hits = objective.hits(target, output) if objective.hits else tf.zeros_like(losses)
        sums = [tf.reduce_sum(losses), tf.reduce_sum(hits), tf.cast(tf.size(losses), losses.dtype)]
        totals.assign_add(tf.cast(tf.stack(sums), tf.float64))

    @compiled(inputs_spec, target_spec, rate_spec)
    def train(inputs: Any, target: Any, learning_rate: Any) -> None:
        with tf.GradientTape() as tape:
            if objective.teacher_forced is None:
                output = model(inputs, training=True)
            else:
                output = objective.teacher_forced(inputs, target)
            train_target = objective.train_target(inputs, target) if objective.train_target else target
            losses = objective.train_loss(train_target, output)
            loss = tf.reduce_mean(losses) + sum(model.losses)  # the latter: `l2` of the config
        gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
        norm = tf.linalg.global_norm(gradients)
        detector.observe(loss, norm, gradients)
        if global_clipnorm is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, global_clipnorm, use_norm=norm)
        if clipvalue is not None:
            gradients = [g if g is None else tf.clip_by_value(g, -clipvalue, clipvalue) for g in gradients]
        optimizer.learning_rate.assign(learning_rate)
        optimizer.apply(gradients, model.trainable_variables)
        if average is not None:
            average.after_step()
        add_to_totals(losses, target, output)

    @compiled(inputs_spec, target_spec)
    def valid(inputs: Any, target: Any) -> None:
        output = model(inputs, training=False)
        add_to_totals(objective.valid_loss(target, output), target, output)

    @compiled(inputs_spec)
    def update_batch_norm(inputs: Any) -> None:
        model(inputs, training=True)

    return CompiledSteps(train, valid, update_batch_norm, totals, detector)


def _is_no_retracing_warning(record: logging.LogRecord) -> bool:
    """Drop TensorFlow's retracing warning: with XLA, one trace per shape is intended."""
    return "triggered tf.function retracing" not in record.getMessage()
