"""Weights of ensembles against a search over the simplex."""

import numpy as np
import pytest

from strokecast.inference import ensemble

RNG = np.random.default_rng(3)
LABELS = RNG.integers(0, 3, 60)
PROBABILITIES = RNG.dirichlet([1.0, 1.0, 1.0], size=(2, 60))
PROBABILITIES[1, np.arange(60), LABELS] += 0.2
PROBABILITIES /= PROBABILITIES.sum(axis=-1, keepdims=True)


def log_loss(weights: np.ndarray) -> float:
    mean = np.einsum("m,mnk->nk", weights, PROBABILITIES)
    return float(-np.log(mean[np.arange(60), LABELS]).mean())


def test_weights_by_log_loss_are_the_best_of_the_simplex() -> None:
    weights = ensemble.fit_weights(PROBABILITIES, LABELS, "log_loss")
    assert weights.sum() == pytest.approx(1)
    assert weights.min() >= 0
    best = min(log_loss(np.array([share, 1 - share])) for share in np.linspace(0, 1, 1001))
    assert log_loss(weights) == pytest.approx(best, abs=1e-5)
    assert log_loss(weights) < log_loss(np.array([0.5, 0.5]))


def test_held_out_probabilities_do_not_use_the_labels_of_their_own_fold() -> None:
    before = ensemble.held_out_probabilities(PROBABILITIES, LABELS, "log_loss")
    assert before.sum(axis=1) == pytest.approx(1)
    own = np.arange(60) % ensemble.FOLDS == 0
    changed = np.where(own, (LABELS + 1) % 3, LABELS)
    after = ensemble.held_out_probabilities(PROBABILITIES, changed, "log_loss")
    np.testing.assert_array_equal(after[own], before[own])
    assert not np.array_equal(after[~own], before[~own])
    equal = ensemble.held_out_probabilities(PROBABILITIES, LABELS, "equal")
    np.testing.assert_allclose(equal, PROBABILITIES.mean(axis=0))
