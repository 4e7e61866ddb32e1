"""Compiled steps: the optimizer step, the validation step, the batch-normalization pass."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from strokecast.inference.networks import input_signature
from strokecast.training.averaging import WeightAverage
from strokecast.training.distribution import Shard, SingleDevice
from strokecast.training.guards import NonFiniteDetector
from strokecast.training.objectives import Objective
from strokecast.training.precision import LossScale, float32


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
    distribution: SingleDevice | None = None,
    loss_scale: LossScale | None = None,
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
        distribution: the devices that share each step, and in whose scope `model` was created; None: one device.
        loss_scale: that of the network's dtype policy; None: not scaled.
    """
    import tensorflow as tf

    distribution, loss_scale = distribution or SingleDevice(), loss_scale or LossScale()
    optimizer.build(model.trainable_variables)
    distribution.use_added_up(optimizer)
    statistics = distribution.synchronized(model)
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

    def sums(shard: Shard, losses: Any, output: Any) -> Any:
        """Summed loss, hits and examples of a replica's part of the batch, float [3]."""
        hits = objective.hits(shard.target, output) if objective.hits else tf.zeros_like(losses)
        examples = tf.cast(tf.size(losses), losses.dtype)
        return shard.weighted(tf.stack([tf.reduce_sum(losses), tf.reduce_sum(hits), examples]))

    def train_replica(inputs: Any, target: Any) -> None:
        shard = distribution.shard(inputs, target)
        inputs, target = shard.inputs, shard.target
        with tf.GradientTape() as tape, distribution.separate_noise(model):
            if objective.teacher_forced is None:
                output = float32(model(inputs, training=True))
            else:
                output = float32(objective.teacher_forced(inputs, target))
            train_target = objective.train_target(inputs, target) if objective.train_target else target
            losses = objective.train_loss(train_target, output)
            loss = shard.loss(losses, sum(model.losses))  # the latter: `l2` of the config
            scaled_loss = loss_scale.scaled(loss)
        gradients = tape.gradient(scaled_loss, [variable.value for variable in model.trainable_variables])
        moving = [variable.value for variable in statistics]
        loss, added, *rest = distribution.add_up([loss, sums(shard, losses, output), *moving, *gradients])
        moving, gradients = rest[: len(moving)], rest[len(moving) :]
        for variable, total in zip(statistics, moving, strict=True):
            variable.assign(total / distribution.replicas)
        gradients = loss_scale.unscaled(gradients)
        norm = tf.linalg.global_norm(gradients)
        detector.observe(loss, loss_scale.observed(norm), gradients)
        if global_clipnorm is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, global_clipnorm, use_norm=norm)
        if clipvalue is not None:
            gradients = [g if g is None else tf.clip_by_value(g, -clipvalue, clipvalue) for g in gradients]

        def update() -> None:
            optimizer.apply(gradients, model.trainable_variables)
            if average is not None:
                average.after_step()

        loss_scale.update(norm, update)
        totals.assign_add(tf.cast(added, tf.float64))

    @compiled(inputs_spec, target_spec, rate_spec)
    def train(inputs: Any, target: Any, learning_rate: Any) -> None:
        optimizer.learning_rate.assign(learning_rate)
        distribution.run(train_replica, inputs, target)

    def valid_replica(inputs: Any, target: Any) -> None:
        shard = distribution.shard(inputs, target)
        output = float32(model(shard.inputs, training=False))
        added = sums(shard, objective.valid_loss(shard.target, output), output)
        totals.assign_add(tf.cast(distribution.add_up([added])[0], tf.float64))

    @compiled(inputs_spec, target_spec)
    def valid(inputs: Any, target: Any) -> None:
        distribution.run(valid_replica, inputs, target)

    def update_batch_norm_replica(inputs: Any) -> None:
        with distribution.separate_noise(model):
            model(distribution.shard(inputs).inputs, training=True)
        moving = distribution.add_up([variable.value for variable in statistics])
        for variable, total in zip(statistics, moving, strict=True):
            variable.assign(total / distribution.replicas)

    @compiled(inputs_spec)
    def update_batch_norm(inputs: Any) -> None:
        distribution.run(update_batch_norm_replica, inputs)

    return CompiledSteps(train, valid, update_batch_norm, totals, detector)


def _is_no_retracing_warning(record: logging.LogRecord) -> bool:
    """Drop TensorFlow's retracing warning: with XLA, one trace per shape is intended."""
    return "triggered tf.function retracing" not in record.getMessage()
