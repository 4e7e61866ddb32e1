"""Batch normalization whose training step is one operation of TensorFlow.

Source: Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167

Shape legend: C channels.
"""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="strokecast")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the last axis, in less than half the time on a CPU.

    Keras computes mean, variance and output by a dozen operations, each of which reads the whole input; their gradients
    are as many. `FusedBatchNormV3` of TensorFlow reads it twice. The results are the same but for rounding. With a mask,
    and outside of training, it is Keras's own layer.

    Call arguments:
        inputs: float [..., C].
        training: whether to normalise by the statistics of the batch and to update the moving ones.
        mask: bool [...], or None if every position is valid.

    Returns:
        float [..., C].
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the normalised inputs."""
        if not training or not self.trainable or mask is not None:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        x = tf.cast(inputs, tf.float32)
        output, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=tf.reshape(x, (-1, 1, 1, x.shape[-1])),
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.size(x) // x.shape[-1], tf.float32)
        # The operation returns the unbiased variance; Keras keeps the biased one.
        statistics = (self.moving_mean, mean), (self.moving_variance, variance * (count - 1.0) / count)
        for moving, of_batch in statistics:
            moving.assign(moving * self.momentum + of_batch * (1.0 - self.momentum))
        return tf.cast(tf.reshape(output, tf.shape(inputs)), self.compute_dtype)
