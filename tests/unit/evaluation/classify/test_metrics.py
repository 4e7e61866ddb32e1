"""Classification metrics against values computed by hand and scikit-learn."""

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, top_k_accuracy_score

from strokecast.evaluation.classify import metrics
from strokecast.models.common.probabilities import softmax

LABELS = np.array([0, 1, 2, 2])
PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.1, 0.8], [0.6, 0.3, 0.1]])


def test_headline_metrics_by_hand():
    values = metrics.headline_metrics(LABELS, PROBABILITIES, bins=10)
    assert values["accuracy"] == 0.5
    assert values["top5"] == 1.0
    # class 0: precision 1/3, recall 1; class 1: nothing predicted; class 2: precision 1, recall 1/2
    assert values["macro_f1"] == pytest.approx((0.5 + 0 + 2 / 3) / 3)
    assert values["log_loss"] == pytest.approx(
        -(math.log(0.7) + math.log(0.4) + math.log(0.8) + math.log(0.1)) / 4
    )
    # confidences 0.7 correct, 0.5 wrong, 0.8 correct, 0.6 wrong, each in its own bin
    assert values["ece"] == pytest.approx((0.3 + 0.5 + 0.2 + 0.6) / 4)


def test_headline_metrics_agree_with_scikit_learn():
    random = np.random.default_rng(4)
    labels = random.integers(0, 12, 3000)
    probabilities = softmax(random.normal(size=(3000, 12)) + 2 * np.eye(12)[labels])
    values = metrics.headline_metrics(labels, probabilities, 15)
    predicted = probabilities.argmax(axis=1)
    assert values["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert values["top5"] == pytest.approx(top_k_accuracy_score(labels, probabilities, k=5))
    assert values["macro_f1"] == pytest.approx(f1_score(labels, predicted, average="macro"))


def test_a_class_without_a_test_sketch_counts_in_macro_f1():
    values = metrics.headline_metrics(np.array([0, 1]), np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]), 5)
    assert values["macro_f1"] == pytest.approx(2 / 3)


def test_ties_go_to_the_lower_index_in_ranks_as_in_argmax():
    flat = np.full((3, 3), 1 / 3)
    assert metrics.ranks(np.array([0, 1, 2]), flat).tolist() == [0, 1, 2]
    assert metrics.headline_metrics(np.array([0, 1, 2]), flat, 5)["accuracy"] == pytest.approx(1 / 3)


def test_softmax_of_large_logits():
    assert softmax(np.array([[1e4, 0.0], [0.0, 0.0]], np.float32)).tolist() == [
        [1.0, 0.0],
        [0.5, 0.5],
    ]


def test_bins_include_their_upper_edge_and_may_be_empty():
    probabilities = np.array([[0.5, 0.5], [0.75, 0.25], [1.0, 0.0], [0.76, 0.24]])
    table = metrics.calibration_bins(np.array([0, 0, 1, 0]), probabilities, bins=4)
    assert [row.count for row in table] == [0, 1, 1, 2]
    assert math.isnan(table[0].accuracy)
    assert table[3].confidence == pytest.approx(0.88)
    assert table[3].accuracy == 0.5
    assert metrics.expected_calibration_error(table) == pytest.approx((0.5 + 0.25 + 2 * 0.38) / 4)


def test_a_calibrated_model_has_a_calibration_error_of_zero():
    confidence = np.repeat([0.6, 0.8], 1000)
    labels = np.concatenate([np.arange(1000) >= 600, np.arange(1000) >= 800]).astype(int)
    values = metrics.headline_metrics(labels, np.stack([confidence, 1 - confidence], axis=1), 15)
    assert values["ece"] == pytest.approx(0, abs=1e-12)


def test_class_metrics_by_hand():
    rows = metrics.class_metrics(LABELS, PROBABILITIES, ["a", "b", "c"])
    assert [(r.name, r.support) for r in rows] == [("a", 1), ("b", 1), ("c", 2)]
    assert (rows[0].precision, rows[0].recall) == (pytest.approx(1 / 3), 1.0)
    assert (rows[1].precision, rows[1].recall, rows[1].f1) == (0, 0, 0)
    assert rows[2].f1 == pytest.approx(2 / 3)


def test_length_groups_include_their_upper_edge():
    correct = np.array([1.0, 0.0, 1.0, 1.0, 0.5])
    groups = metrics.accuracy_by_length(correct, np.array([1, 25, 26, 50, 101]), (25, 50, 100))
    assert [(g.name, g.count) for g in groups] == [("1-25", 2), ("26-50", 2), ("51-100", 0), ("101+", 1)]
    assert [groups[i].accuracy for i in (0, 1, 3)] == [0.5, 1.0, 0.5]
    assert math.isnan(groups[2].accuracy)


def test_rows_of_the_confusion_are_the_true_classes():
    counts = metrics.confusion_counts(LABELS, PROBABILITIES.argmax(axis=1), 3)
    assert counts.tolist() == [[1, 0, 0], [1, 0, 0], [1, 0, 1]]


def test_one_class_is_always_right():
    values = metrics.headline_metrics(np.zeros(3, int), np.ones((3, 1)), 5)
    assert values == {"accuracy": 1.0, "top5": 1.0, "macro_f1": 1.0, "log_loss": 0.0, "ece": 0.0}
