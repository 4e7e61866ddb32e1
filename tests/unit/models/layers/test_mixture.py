"""The mixture density against numpy and scipy, its ends, and what follows the end of a drawing."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from strokecast.models.layers import mixture
from strokecast.models.layers.stroke5 import PreviousPoint, stroke5

M = 3
LENGTH = np.array([4, 1, 6], np.int32)
T = 6


def strokes(seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    made = rng.normal(size=(3, T, 3)).astype(np.float32)
    made[:, :, 2] = rng.random((3, T)) < 0.4
    made[np.arange(T) >= LENGTH[:, None]] = 0
    return made


def raw(seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(3, T + 1, 6 * M + 3)).astype(np.float32)


def likelihood_by_hand(target: Any, numbers: Any) -> tuple[float, float]:
    """L_s and L_p of one step, by scipy."""
    numbers = numbers.astype(np.float64)
    pen, rest = numbers[:3], numbers[3:].reshape(6, M)
    weight = np.exp(rest[0]) / np.exp(rest[0]).sum()
    density = 0.0
    for k in range(M):
        sx, sy, rho = np.exp(rest[3, k]), np.exp(rest[4, k]), 0.99 * np.tanh(rest[5, k])
        covariance = [[sx * sx, rho * sx * sy], [rho * sx * sy, sy * sy]]
        density += weight[k] * stats.multivariate_normal.pdf(target[:2], rest[1:3, k], covariance)
    chances = np.exp(pen) / np.exp(pen).sum()
    return -np.log(density), -np.log(chances[int(np.argmax(target[2:]))])


def test_the_likelihood_is_that_of_scipy() -> None:
    target = stroke5(strokes(), LENGTH).numpy()
    moves, pens = (part.numpy() for part in mixture.step_losses(target, raw()))
    total = mixture.reconstruction(target, raw()).numpy()
    for row, length in enumerate(LENGTH):
        by_hand = [likelihood_by_hand(target[row, step], raw()[row, step]) for step in range(length + 1)]
        np.testing.assert_allclose(moves[row, :length], [s for s, _ in by_hand[:-1]], rtol=1e-4)
        np.testing.assert_allclose(pens[row, : length + 1], [p for _, p in by_hand], rtol=1e-4)
        assert not moves[row, length:].any()
        assert not pens[row, length + 1 :].any()
        summed = sum(s for s, _ in by_hand[:-1]) + sum(p for _, p in by_hand)
        assert total[row] == pytest.approx(summed / (length + 1), rel=1e-4)


def test_a_drawing_in_stroke5() -> None:
    points = np.array([[[1, 2, 0], [3, 4, 1], [0, 0, 0]]], np.float32)
    made = stroke5(points, np.array([2], np.int32)).numpy()
    np.testing.assert_array_equal(
        made[0], [[1, 2, 1, 0, 0], [3, 4, 0, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
    )
    before = PreviousPoint()(points, np.array([2], np.int32)).numpy()
    np.testing.assert_array_equal(before[0, 0], [0, 0, 1, 0, 0])
    np.testing.assert_array_equal(before[0, 1:], made[0, :-1])


@pytest.mark.parametrize("end", [np.zeros(5), np.array([0, 0, 0, 0, 1]), np.full(5, 7.0)])
def test_what_follows_the_end_changes_neither_loss_nor_gradient(end: Any) -> None:
    import tensorflow as tf

    def run(target: Any, numbers: Any) -> tuple[Any, Any]:
        given = tf.constant(numbers)
        with tf.GradientTape() as tape:
            tape.watch(given)
            loss = mixture.reconstruction(target, given)
        return loss.numpy(), tape.gradient(loss, given).numpy()

    target = stroke5(strokes(), LENGTH).numpy()
    loss, gradient = run(target, raw())
    after = np.arange(T + 1) > LENGTH[:, None]
    numbers, other = raw(), target.copy()
    numbers[after] = 50.0
    other[after] = end
    changed_loss, changed_gradient = run(other, numbers)
    np.testing.assert_array_equal(changed_loss, loss)
    np.testing.assert_array_equal(changed_gradient, gradient)
    assert not gradient[after].any()
    assert (np.abs(gradient[~after]).max(axis=1) > 0).all()
    numbers[0, LENGTH[0]] = 50.0 * np.arange(6 * M + 3)  # the end itself has a say
    assert run(target, numbers)[0][0] != loss[0]


@pytest.mark.parametrize("size", [0.0, 1e-3, 30.0, 1e3])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_loss_and_gradients_stay_finite_at_extremes(size: float, sign: float) -> None:
    import tensorflow as tf

    moved = strokes()
    moved[:, :, :2] *= 100.0
    numbers = tf.constant(sign * size * np.where(raw() > 0, 1.0, -0.5), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(numbers)
        loss = mixture.reconstruction(stroke5(moved, LENGTH), numbers)
    assert np.isfinite(loss.numpy()).all()
    assert np.isfinite(tape.gradient(loss, numbers).numpy()).all()


def test_a_density_cannot_grow_without_bound() -> None:
    numbers = np.full((1, 2, 9), -1e4, np.float32)
    numbers[:, :, :6] = 0.0  # one component, right at the point, as sharp as can be
    still = np.zeros((1, 1, 3), np.float32)
    moves, _ = mixture.step_losses(stroke5(still, np.array([1], np.int32)), numbers)
    floor = np.log(2 * np.pi) - 12.0 + 0.5 * np.log(1 - 0.99**2)
    assert moves.numpy()[0, 0] == pytest.approx(floor, rel=1e-4)
