"""The mixture density against scipy; its bounds; steps after the end of a drawing."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from strokecast.models.layers import mixture
from strokecast.models.layers.stroke5 import stroke5

M = 3
LENGTH = np.array([4, 1, 6], np.int32)
T = 6


def strokes(seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    drawings = rng.normal(size=(3, T, 3)).astype(np.float32)
    drawings[:, :, 2] = rng.random((3, T)) < 0.4
    drawings[np.arange(T) >= LENGTH[:, None]] = 0
    return drawings


def raw(seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(3, T + 1, 6 * M + 3)).astype(np.float32)


def expected_losses(target: Any, raw_step: Any) -> tuple[float, float]:
    """L_s and L_p of one step, computed with scipy."""
    raw_step = raw_step.astype(np.float64)
    pen, rest = raw_step[:3], raw_step[3:].reshape(6, M)
    weight = np.exp(rest[0]) / np.exp(rest[0]).sum()
    density = 0.0
    for k in range(M):
        sx, sy, rho = np.exp(rest[3, k]), np.exp(rest[4, k]), 0.99 * np.tanh(rest[5, k])
        covariance = [[sx * sx, rho * sx * sy], [rho * sx * sy, sy * sy]]
        density += weight[k] * stats.multivariate_normal.pdf(target[:2], rest[1:3, k], covariance)
    pen_probabilities = np.exp(pen) / np.exp(pen).sum()
    return -np.log(density), -np.log(pen_probabilities[int(np.argmax(target[2:]))])


def test_losses_equal_those_of_scipy() -> None:
    target = stroke5(strokes(), LENGTH).numpy()
    moves, pens = (loss.numpy() for loss in mixture.step_losses(target, raw()))
    total = mixture.reconstruction(target, raw()).numpy()
    for row, length in enumerate(LENGTH):
        expected = [expected_losses(target[row, step], raw()[row, step]) for step in range(length + 1)]
        np.testing.assert_allclose(moves[row, :length], [s for s, _ in expected[:-1]], rtol=1e-4)
        np.testing.assert_allclose(pens[row, : length + 1], [p for _, p in expected], rtol=1e-4)
        assert not moves[row, length:].any()
        assert not pens[row, length + 1 :].any()
        summed = sum(s for s, _ in expected[:-1]) + sum(p for _, p in expected)
        assert total[row] == pytest.approx(summed / (length + 1), rel=1e-4)


@pytest.mark.parametrize("end", [np.zeros(5), np.array([0, 0, 0, 0, 1]), np.full(5, 7.0)])
def test_steps_after_the_end_affect_neither_loss_nor_gradient(end: Any) -> None:
    import tensorflow as tf

    def run(target: Any, raw_values: Any) -> tuple[Any, Any]:
        outputs = tf.constant(raw_values)
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            loss = mixture.reconstruction(target, outputs)
        return loss.numpy(), tape.gradient(loss, outputs).numpy()

    target = stroke5(strokes(), LENGTH).numpy()
    loss, gradient = run(target, raw())
    after = np.arange(T + 1) > LENGTH[:, None]
    changed_raw, changed_target = raw(), target.copy()
    changed_raw[after] = 50.0
    changed_target[after] = end
    changed_loss, changed_gradient = run(changed_target, changed_raw)
    np.testing.assert_array_equal(changed_loss, loss)
    np.testing.assert_array_equal(changed_gradient, gradient)
    assert not gradient[after].any()
    assert (np.abs(gradient[~after]).max(axis=1) > 0).all()
    changed_raw[0, LENGTH[0]] = 50.0 * np.arange(6 * M + 3)  # the end step itself counts
    assert run(target, changed_raw)[0][0] != loss[0]


@pytest.mark.parametrize("size", [0.0, 1e-3, 30.0, 1e3])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_loss_and_gradients_stay_finite_at_extremes(size: float, sign: float) -> None:
    import tensorflow as tf

    drawings = strokes()
    drawings[:, :, :2] *= 100.0
    outputs = tf.constant(sign * size * np.where(raw() > 0, 1.0, -0.5), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        loss = mixture.reconstruction(stroke5(drawings, LENGTH), outputs)
    assert np.isfinite(loss.numpy()).all()
    assert np.isfinite(tape.gradient(loss, outputs).numpy()).all()


def test_the_density_is_bounded() -> None:
    outputs = np.full((1, 2, 9), -1e4, np.float32)
    outputs[:, :, :6] = 0.0  # one component, centred on the point, with the smallest deviation
    still = np.zeros((1, 1, 3), np.float32)
    moves, _ = mixture.step_losses(stroke5(still, np.array([1], np.int32)), outputs)
    floor = np.log(2 * np.pi) - 12.0 + 0.5 * np.log(1 - 0.99**2)
    assert moves.numpy()[0, 0] == pytest.approx(floor, rel=1e-4)
