"""Classifiers without a network: what they learn, their probabilities and their errors."""

import numpy as np
import pytest

from strokecast.models.common import estimators
from strokecast.models.common.estimators import Batch, Logistic, NearestNeighbours


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_regression_separates_simple_classes(
    classes: int, batches: list[Batch], two_lines: Batch
) -> None:
    train = [*batches, two_lines] if classes == 3 else batches
    model = Logistic(classes, 1e-3)
    model.fit(train)
    for strokes, length, label in train:
        probabilities = model.predict_proba(strokes, length)
        assert probabilities.shape == (len(label), classes)
        np.testing.assert_array_equal(probabilities.argmax(axis=1), label)


@pytest.mark.parametrize("max_distances", [7, 1 << 22])
def test_nearest_rows_equal_those_of_scikit_learn(
    max_distances: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sklearn.neighbors import NearestNeighbors

    monkeypatch.setattr(estimators, "_MAX_DISTANCES", max_distances)
    rng = np.random.default_rng(2)
    reference, queries = rng.normal(size=(50, 6)), rng.normal(size=(9, 6))
    queries[0] = reference[31]
    distances, indices = estimators.nearest(reference, queries, 4)
    order = np.argsort(distances, axis=1)
    search = NearestNeighbors(n_neighbors=4, algorithm="brute").fit(reference)
    expected_distances, expected_indices = search.kneighbors(queries)
    np.testing.assert_array_equal(np.take_along_axis(indices, order, axis=1), expected_indices)
    np.testing.assert_allclose(np.take_along_axis(distances, order, axis=1), expected_distances, atol=1e-6)
    assert estimators.nearest(reference[:3], queries, 3)[1].shape == (9, 3)


@pytest.mark.parametrize("feature_kind", ["raster", "summary"])
def test_nearest_neighbours_separate_simple_classes(
    feature_kind: estimators.FeatureKind, batches: list[Batch]
) -> None:
    model = NearestNeighbours(2, feature_kind, 3, 10, 1.5)
    model.fit(batches[:1])
    strokes, length, label = batches[1]
    np.testing.assert_array_equal(model.predict_proba(strokes, length).argmax(axis=1), label)
    train_strokes, train_length, train_label = batches[0]
    probability = model.predict_proba(train_strokes, train_length)[np.arange(20), train_label]
    assert (probability > 0.6).all()
    assert (probability < 1).all()


def test_votes_have_the_weight_one_over_distance() -> None:
    model = NearestNeighbours(2, "summary", 2, 10, 1.5)
    model.arrays = {
        "features": np.array([[0.0], [4.0]]),
        "labels": np.array([0, 1]),
        "mean": np.zeros(1),
        "std": np.ones(1),
    }
    probabilities = model._predict_proba(np.array([[1.0]]))[0]
    votes = np.array([1 + 1 / 3, 1 / 3 + 1 / 3])  # 1 and 1/3, plus half of the mean weight 2/3 for each
    np.testing.assert_allclose(probabilities, votes / 2, rtol=1e-6)


def test_every_class_needs_a_drawing(batches: list[Batch]) -> None:
    with pytest.raises(ValueError, match="labels should be 0 to 2, each at least once"):
        Logistic(3, 1e-3).fit(batches)


def test_an_unfitted_estimator_does_not_predict(batches: list[Batch]) -> None:
    with pytest.raises(ValueError, match="the estimator is not fitted: call fit or load it"):
        Logistic(2, 1e-3).predict_proba(*batches[0][:2])


def test_no_drawings_give_no_probabilities(batches: list[Batch]) -> None:
    model = Logistic(2, 1e-3)
    model.fit(batches)
    assert model.predict_proba(np.zeros((0, 4, 3), np.float32), np.zeros(0, np.int32)).shape == (0, 2)


def test_logistic_regression_of_one_class_is_certain(batches: list[Batch]) -> None:
    model = Logistic(1, 1e-3)
    model.fit([(strokes, length, np.zeros_like(label)) for strokes, length, label in batches])
    strokes, length, label = batches[0]
    np.testing.assert_array_equal(model.predict_proba(strokes, length), np.ones((len(label), 1)))
