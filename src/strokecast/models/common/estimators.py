"""Classifiers of drawings without a network: k nearest neighbours and logistic regression.

An architecture's `build(config, spec)` returns an unfitted estimator. `fit` reads batches of the training split, `save`
writes `model.npz` (plain arrays, no pickle), `load` returns the fitted estimator, `predict_proba` returns probabilities.
scikit-learn is imported only for fitting, TensorFlow not at all.

Shape legend: N drawings, T padded points, F features, K classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from strokecast.models.common import array_model, sketch_features
from strokecast.models.common.array_model import FILE as FILE
from strokecast.models.common.probabilities import softmax

_MAX_DISTANCES = 1 << 22  # distances in memory at once
FeatureKind = Literal["raster", "summary"]
Batch = tuple[NDArray[np.float32], NDArray[np.integer], NDArray[np.integer]]


class Estimator(array_model.ArrayModel, ABC):
    """Classifier of drawings whose fitted state consists of named arrays.

    Attributes:
        classes: K.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def fit(self, train: Iterable[Batch]) -> None:
        """Fit on batches of (strokes float32 [B, T, 3], lengths [B], labels [B]); T may differ between batches.

        Raises:
            ValueError: if the labels are not 0 to K - 1, each at least once.
        """
        batches = [(self.features(strokes, lengths), labels) for strokes, lengths, labels in train]
        labels = np.concatenate([labels for _, labels in batches]).astype(np.int64)
        if sorted(set(labels.tolist())) != list(range(self.classes)):
            raise ValueError(
                f"labels should be 0 to {self.classes - 1}, each at least once, received {sorted(set(labels))}"
            )
        self.arrays = self._fit(np.concatenate([features for features, _ in batches]), labels)

    def predict_proba(
        self, strokes: NDArray[np.float32], lengths: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Return probabilities float64 [N, K] of strokes [N, T, 3]: all positive, each row sums to 1.

        Raises:
            ValueError: if the estimator is not fitted.
        """
        if not self.arrays:
            raise ValueError("the estimator is not fitted: call fit or load it")
        if len(strokes) == 0:
            return np.zeros((0, self.classes))
        return self._predict_proba(self.features(strokes, np.asarray(lengths)))

    @abstractmethod
    def features(self, strokes: NDArray[np.float32], lengths: NDArray[np.integer]) -> NDArray[Any]:
        """Return the features [N, F] of drawings."""

    @abstractmethod
    def _fit(self, features: NDArray[Any], labels: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Return `arrays`, fitted on features [N, F] and labels [N]."""

    @abstractmethod
    def _predict_proba(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return probabilities [N, K] of features [N, F]."""


class NearestNeighbours(Estimator):
    """k nearest neighbours by Euclidean distance; the vote of a neighbour has the weight 1 / distance.

    Each class also gets 1 / K of a vote of average weight, so that no probability is 0.

    Args:
        classes: K.
        feature_kind: compare images (`raster`) or standardised summary features (`summary`).
        neighbours: k.
        pixels: side of the images, pixels.
        width: pen width on the images, pixels.
    """

    def __init__(
        self, classes: int, feature_kind: FeatureKind, neighbours: int, pixels: int, width: float
    ) -> None:
        super().__init__(classes)
        self.feature_kind = feature_kind
        self.neighbours = neighbours
        self.pixels = pixels
        self.width = width

    def features(self, strokes: NDArray[np.float32], lengths: NDArray[np.integer]) -> NDArray[Any]:
        """Return images uint8 [N, pixels²], or summary features float64 [N, F]."""
        if self.feature_kind == "summary":
            return sketch_features.summary(strokes, lengths)
        return sketch_features.images(strokes, lengths, self.pixels, self.width).reshape(len(strokes), -1)

    def _fit(self, features: NDArray[Any], labels: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        mean, std = np.zeros(features.shape[1]), np.full(features.shape[1], 255.0)
        if self.feature_kind == "summary":
            mean, std = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)
        return {"features": features, "labels": labels, "mean": mean, "std": std}

    def _predict_proba(self, features: NDArray[Any]) -> NDArray[np.float64]:
        k = min(self.neighbours, len(self.arrays["labels"]))
        distances, indices = nearest(
            self._scaled(self.arrays["features"]), self._scaled(features), k
        )  # each [N, k]
        weights = 1.0 / np.maximum(distances, 1e-6)
        votes = np.zeros((len(features), self.classes))
        rows = np.repeat(np.arange(len(features)), k)
        np.add.at(votes, (rows, self.arrays["labels"][indices].ravel()), weights.ravel())
        votes += weights.mean(axis=1, keepdims=True) / self.classes
        return votes / votes.sum(axis=1, keepdims=True)

    def _scaled(self, features: NDArray[Any]) -> NDArray[np.float64]:
        scaled: NDArray[np.float64] = (features - self.arrays["mean"]) / self.arrays["std"]
        return scaled


def nearest(
    reference: NDArray[np.float64], queries: NDArray[np.float64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Find the k rows of `reference` [M, F] nearest to each row of `queries` [N, F], by Euclidean distance.

    Importing scikit-learn's search would take a second, longer than most searches.

    Returns:
        (distances [N, k], row indices [N, k]), unordered.
    """
    squared_norms = (reference**2).sum(axis=1)
    chunk = max(1, _MAX_DISTANCES // len(reference))
    distances, indices = np.empty((len(queries), k)), np.empty((len(queries), k), np.int64)
    for start in range(0, len(queries), chunk):
        rows = slice(start, start + chunk)
        products = 2 * queries[rows] @ reference.T
        squared = squared_norms - products + (queries[rows] ** 2).sum(axis=1, keepdims=True)
        indices[rows] = np.argpartition(squared, k - 1, axis=1)[:, :k]
        distances[rows] = np.sqrt(np.maximum(np.take_along_axis(squared, indices[rows], axis=1), 0.0))
    return distances, indices


class Logistic(Estimator):
    """Multinomial logistic regression on standardised summary features.

    Args:
        classes: K.
        l2: L2 regularisation factor, per drawing.
    """

    def __init__(self, classes: int, l2: float) -> None:
        super().__init__(classes)
        self.l2 = l2

    def features(self, strokes: NDArray[np.float32], lengths: NDArray[np.integer]) -> NDArray[Any]:
        """Return summary features float64 [N, F]."""
        return sketch_features.summary(strokes, lengths)

    def _fit(self, features: NDArray[Any], labels: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits

        mean, std = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)
        if self.classes == 1:  # scikit-learn needs two; draw may have a single class
            return {"weights": np.zeros((len(mean), 1)), "bias": np.zeros(1), "mean": mean, "std": std}
        model = LogisticRegression(C=1.0 / (self.l2 * len(labels)), max_iter=2000)
        with threadpool_limits(1):  # the matrices are small; on a busy machine more threads are slower
            model.fit((features - mean) / std, labels)
        weights, bias = model.coef_.T, model.intercept_  # [F, K], [K]
        if self.classes == 2:  # scikit-learn returns the logit of the second class only
            weights, bias = np.hstack([0 * weights, weights]), np.array([0.0, bias[0]])
        return {"weights": weights, "bias": bias, "mean": mean, "std": std}

    def _predict_proba(self, features: NDArray[Any]) -> NDArray[np.float64]:
        standardised = (features - self.arrays["mean"]) / self.arrays["std"]
        return softmax(standardised @ self.arrays["weights"] + self.arrays["bias"])


def load(model_dir: Path) -> Estimator:
    """Load the fitted estimator in `model_dir` (config.json, spec.json, model.npz).

    Raises:
        UserError: if a file is missing or unreadable, or the model is not an `Estimator`.
    """
    return array_model.load(model_dir, Estimator)  # type: ignore[type-abstract]
