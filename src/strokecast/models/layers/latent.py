"""Latent vector of a variational autoencoder: sampling, KL divergence and its annealed weight in the loss.

Sources: Kingma and Welling, 2014, https://arxiv.org/abs/1312.6114; Ha and Eck, 2017,
https://arxiv.org/abs/1704.03477, equations 2 and 10 to 12.

Shape legend: B batch, Z latent dimensions.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="strokecast")
class LatentSampling(keras.layers.Layer):
    """Reparameterised sample z = mu + exp(s / 2) * n with n ~ N(0, 1).

    In training, the noise comes from a seed generator whose state is a variable of the network: a resumed training
    draws the same numbers. In inference, the noise has a fixed seed: a validation loss is a sampled bound and still
    reproducible.

    Args:
        seed: seed of the noise in training; None: derived from Keras's global seed.

    Call arguments:
        mean: float [B, Z], mu.
        log_variance: float [B, Z], s.
        training: whether to draw new noise.

    Returns:
        float [B, Z].
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, mean: Any, log_variance: Any, training: bool = False) -> Any:
        """Return the sample."""
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator if training else 0)
        return mean + ops.exp(log_variance / 2.0) * noise

    def compute_output_spec(self, mean: Any, log_variance: Any, training: bool = False) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor(mean.shape, mean.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "seed": self.seed}


def kl_divergence(mean: Any, log_variance: Any) -> Any:
    """KL(N(mu, exp(s)) || N(0, 1)) = -(1 + s - mu² - exp(s)) / 2, averaged over the latent dimensions.

    Args:
        mean: float [B, Z], mu.
        log_variance: float [B, Z], s.

    Returns:
        float [B], nats per latent dimension.
    """
    return -0.5 * ops.mean(1.0 + log_variance - ops.square(mean) - ops.exp(log_variance), axis=-1)


@keras.saving.register_keras_serializable(package="strokecast")
class KLDivergence(keras.layers.Layer):
    """`kl_divergence` as a layer.

    Call arguments:
        mean: float [B, Z], mu.
        log_variance: float [B, Z], s.

    Returns:
        float [B], nats per latent dimension.
    """

    def call(self, mean: Any, log_variance: Any) -> Any:
        """Return the divergence."""
        return kl_divergence(mean, log_variance)

    def compute_output_spec(self, mean: Any, log_variance: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor(mean.shape[:1], mean.dtype)


@keras.saving.register_keras_serializable(package="strokecast")
class AnnealedKLPenalty(keras.layers.Layer):
    """KL term of the loss: weight * eta * max(batch mean of KL, floor).

    eta = 1 - (1 - start) * decay^step rises from `start` to 1 over the training steps. The step counter is a
    variable of the layer, so checkpoints contain it. In inference there is no annealing and no floor: the output is
    weight * KL per example.

    Args:
        weight: w_KL, weight of the KL divergence in the loss.
        start: eta_min, share of the weight at the first step.
        decay: R, factor by which 1 - eta shrinks per step.
        floor: KL_min; a divergence below it has no gradient.

    Call arguments:
        divergence: float [B].
        training: whether this is a training step.

    Returns:
        float [B], added to the reconstruction loss.
    """

    def __init__(self, weight: float, start: float, decay: float, floor: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight, self.start, self.decay, self.floor = weight, start, decay, floor

    def build(self, input_shape: Any) -> None:
        """Create the step counter."""
        self.steps = self.add_weight((), "zeros", dtype="int64", trainable=False, name="steps")

    def call(self, divergence: Any, training: bool = False) -> Any:
        """Return the penalty; in training, also count the step."""
        if not training:
            return self.weight * divergence
        step = ops.cast(self.steps.value, "float32")
        self.steps.assign(self.steps.value + 1)
        eta = 1.0 - (1.0 - self.start) * ops.power(ops.cast(self.decay, "float32"), step)
        penalty = self.weight * eta * ops.maximum(ops.mean(divergence), self.floor)
        return ops.broadcast_to(penalty, ops.shape(divergence))

    def compute_output_spec(self, divergence: Any, training: bool = False) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor(divergence.shape, divergence.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        arguments = {"weight": self.weight, "start": self.start, "decay": self.decay, "floor": self.floor}
        return {**super().get_config(), **arguments}
