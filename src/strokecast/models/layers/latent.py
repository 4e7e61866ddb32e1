"""The latent vector of a variational autoencoder, and what it costs.

Sources: Kingma and Welling, 2014, https://arxiv.org/abs/1312.6114; Ha and Eck, 2017,
https://arxiv.org/abs/1704.03477, equations 2 and 10 to 12.

Shapes: B batch, Z latent numbers.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="strokecast")
class Latent(keras.layers.Layer):
    """z = mu + exp(s / 2) * n with n ~ N(0, 1): a sample that gradients pass through.

    In training the noise comes from the layer's own seed generator, whose state is a variable of the
    network: a training that goes on from a checkpoint draws the same numbers. In inference the noise is
    drawn from one fixed seed, so that a validation loss is a sampled bound and still the same each time.

    Args:
        seed: of the noise in training; None: from Keras's global seed.

    Call arguments:
        mean: float [B, Z], mu.
        log_variance: float [B, Z], s.
        training: whether to draw anew.

    Returns:
        float [B, Z].
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, mean: Any, log_variance: Any, training: bool = False) -> Any:
        """The sample."""
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator if training else 0)
        return mean + ops.exp(log_variance / 2.0) * noise

    def compute_output_spec(self, mean: Any, log_variance: Any, training: bool = False) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor(mean.shape, mean.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        return {**super().get_config(), "seed": self.seed}


def divergence(mean: Any, log_variance: Any) -> Any:
    """KL(N(mu, exp(s)) || N(0, 1)) = -(1 + s - mu² - exp(s)) / 2, the mean over the latent numbers.

    Args:
        mean: float [B, Z], mu.
        log_variance: float [B, Z], s.

    Returns:
        float [B], nats a latent number.
    """
    return -0.5 * ops.mean(1.0 + log_variance - ops.square(mean) - ops.exp(log_variance), axis=-1)


@keras.saving.register_keras_serializable(package="strokecast")
class Divergence(keras.layers.Layer):
    """`divergence` as a layer.

    Call arguments:
        mean: float [B, Z].
        log_variance: float [B, Z].
    """

    def call(self, mean: Any, log_variance: Any) -> Any:
        """float [B]."""
        return divergence(mean, log_variance)

    def compute_output_spec(self, mean: Any, log_variance: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor(mean.shape[:1], mean.dtype)


@keras.saving.register_keras_serializable(package="strokecast")
class AnnealedPenalty(keras.layers.Layer):
    """What the divergence adds to the loss: weight * eta * max(mean over the batch of KL, floor).

    eta = 1 - (1 - start) * decay^step rises from `start` to 1 over the training steps. The steps are
    counted in a variable of the layer, so that a checkpoint holds them. In inference neither annealing
    nor floor applies: weight * KL of each example.

    Args:
        weight: of the divergence in the loss, w_KL.
        start: share of the weight at the first step, eta_min.
        decay: R, what is left each step of the way from eta to 1.
        floor: KL_min: a smaller divergence is not made smaller still.

    Call arguments:
        divergence: float [B].
        training: whether this is a training step.

    Returns:
        float [B], to be added to the reconstruction loss.
    """

    def __init__(self, weight: float, start: float, decay: float, floor: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight, self.start, self.decay, self.floor = weight, start, decay, floor

    def build(self, input_shape: Any) -> None:
        """Make the counter of steps."""
        self.steps = self.add_weight((), "zeros", dtype="int64", trainable=False, name="steps")

    def call(self, divergence: Any, training: bool = False) -> Any:
        """The penalty."""
        if not training:
            return self.weight * divergence
        done = ops.cast(self.steps.value, "float32")
        self.steps.assign(self.steps.value + 1)
        eta = 1.0 - (1.0 - self.start) * ops.power(ops.cast(self.decay, "float32"), done)
        cost = self.weight * eta * ops.maximum(ops.mean(divergence), self.floor)
        return ops.broadcast_to(cost, ops.shape(divergence))

    def compute_output_spec(self, divergence: Any, training: bool = False) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor(divergence.shape, divergence.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        told = {"weight": self.weight, "start": self.start, "decay": self.decay, "floor": self.floor}
        return {**super().get_config(), **told}
