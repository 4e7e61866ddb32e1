"""The latent vector: its noise, its KL divergence and the annealed penalty."""

from typing import Any

import keras
import numpy as np
import pytest
from scipy import integrate, stats

from strokecast.models.layers.latent import AnnealedKLPenalty, LatentSampling, kl_divergence


def test_kl_divergence_equals_the_integral() -> None:
    mean, log_variance = np.array([[0.5, -1.0]]), np.array([[-0.7, 0.4]])

    def integral(m: float, s: float) -> float:
        p, q = stats.norm(m, np.exp(s / 2)), stats.norm()
        return float(integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), -12, 12)[0])

    expected = np.mean([integral(m, s) for m, s in zip(mean[0], log_variance[0], strict=True)])
    assert float(kl_divergence(mean, log_variance)[0]) == pytest.approx(expected, rel=1e-5)
    assert float(kl_divergence(np.zeros((1, 4)), np.zeros((1, 4)))[0]) == 0.0


def test_noise_is_new_in_each_training_step_and_fixed_in_inference() -> None:
    layer = LatentSampling(seed=3)
    mean, log_variance = np.full((4000, 2), 2.0, np.float32), np.full((4000, 2), np.log(9.0), np.float32)
    first, second = (layer(mean, log_variance, training=True).numpy() for _ in range(2))
    assert np.abs(first - second).max() > 1
    assert first.mean() == pytest.approx(2.0, abs=0.2)
    assert first.std() == pytest.approx(3.0, abs=0.2)
    fixed, repeated = (layer(mean, log_variance, training=False).numpy() for _ in range(2))
    np.testing.assert_array_equal(fixed, repeated)
    assert fixed.std() == pytest.approx(3.0, abs=0.2)


def test_the_state_of_the_noise_generator_is_a_variable_of_the_network() -> None:
    mean, log_variance = keras.Input((3,)), keras.Input((3,))
    model = keras.Model([mean, log_variance], LatentSampling(name="latent")(mean, log_variance))
    inputs = [np.zeros((2, 3), np.float32)] * 2
    before = [variable.numpy() for variable in model.variables]
    first = model(inputs, training=True).numpy()
    for variable, value in zip(model.variables, before, strict=True):
        variable.assign(value)
    np.testing.assert_array_equal(model(inputs, training=True).numpy(), first)
    assert np.abs(model(inputs, training=True).numpy() - first).max() > 0.01


def test_the_weight_rises_with_the_steps_and_the_floor_bounds_the_divergence() -> None:
    layer = AnnealedKLPenalty(weight=0.5, start=0.2, decay=0.9, floor=0.3)
    high = np.array([1.0, 3.0], np.float32)
    for step in range(4):
        eta = 1 - (1 - 0.2) * 0.9**step
        np.testing.assert_allclose(layer(high, training=True).numpy(), [0.5 * eta * 2.0] * 2, rtol=1e-5)
    assert int(layer.steps.numpy()) == 4
    np.testing.assert_allclose(layer(high, training=False).numpy(), [0.5, 1.5])
    assert int(layer.steps.numpy()) == 4
    low = np.array([0.1, 0.2], np.float32)
    eta = 1 - (1 - 0.2) * 0.9**4
    np.testing.assert_allclose(layer(low, training=True).numpy(), [0.5 * eta * 0.3] * 2, rtol=1e-5)
    np.testing.assert_allclose(layer(low, training=False).numpy(), [0.05, 0.1])


def test_a_divergence_below_the_floor_has_no_gradient() -> None:
    import tensorflow as tf

    def gradient(size: float) -> Any:
        kl = tf.constant([size, size])
        with tf.GradientTape() as tape:
            tape.watch(kl)
            penalty = AnnealedKLPenalty(1.0, 1.0, 0.5, floor=0.2)(kl, training=True)
        return tape.gradient(penalty, kl).numpy()

    assert not gradient(0.1).any()
    np.testing.assert_allclose(gradient(0.4), [1.0, 1.0])
