"""Losses of the recipes against their definitions."""

import numpy as np
import pytest

from strokecast.params import ClassifyRecipe
from strokecast.training import objectives

SPEC = {"classes": ["ant", "cup", "key"], "class_counts": {"ant": 60, "key": 10, "cup": 30}}
LABELS = np.array([0, 1, 2, 2], np.int64)
LOGITS = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
LOGS = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
PLAIN = -LOGS[np.arange(4), LABELS]


def losses(recipe: ClassifyRecipe) -> tuple[np.ndarray, np.ndarray]:
    objective = objectives.make("classify", recipe, SPEC, None)
    return objective.train_loss(LABELS, LOGITS).numpy(), objective.valid_loss(LABELS, LOGITS).numpy()


def test_cross_entropy_and_hits() -> None:
    train, valid = losses(ClassifyRecipe())
    np.testing.assert_allclose(train, PLAIN, rtol=1e-5)
    np.testing.assert_array_equal(train, valid)
    objective = objectives.make("classify", ClassifyRecipe(), SPEC, None)
    assert objective.hits is not None
    np.testing.assert_array_equal(objective.hits(LABELS, LOGITS).numpy(), LOGITS.argmax(axis=1) == LABELS)


def test_smoothing_spreads_a_share_of_the_label_in_training_and_validation() -> None:
    for one in losses(ClassifyRecipe(label_smoothing=0.3)):
        np.testing.assert_allclose(one, 0.7 * PLAIN - 0.3 * LOGS.mean(axis=1), rtol=1e-5)


def test_balanced_weights_are_one_on_the_average_and_make_classes_weigh_alike() -> None:
    weights = dict(zip(SPEC["classes"], objectives.class_weights(SPEC), strict=True))
    counts = SPEC["class_counts"]
    assert sum(weights[name] * counts[name] for name in counts) / sum(counts.values()) == pytest.approx(1)
    assert {round(weights[name] * counts[name], 9) for name in counts} == {round(100 / 3, 9)}


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_balanced_weights_are_in_the_training_loss_alone(smoothing: float) -> None:
    plain, _ = losses(ClassifyRecipe(label_smoothing=smoothing))
    train, valid = losses(ClassifyRecipe(label_smoothing=smoothing, class_weights="balanced"))
    np.testing.assert_allclose(train, plain * np.array([5 / 9, 10 / 9, 10 / 3, 10 / 3]), rtol=1e-5)
    np.testing.assert_allclose(valid, plain, rtol=1e-5)
