"""Classifiers that are fitted without a network: what they share, how they are stored, and the two there are.

An estimator's `build(config, spec)` gives it unfitted. `fit` sees batches of the training split, `save` writes
`model.npz` (plain arrays, no pickle), `load` gives it back fitted, `predict` gives probabilities.
scikit-learn is imported where it fits; TensorFlow is not imported at all.

Shape legend: N drawings, T padded points, F features, K classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from strokecast.models.common import fitted, sketch_features
from strokecast.models.common.fitted import FILE as FILE
from strokecast.models.common.probabilities import softmax

_DISTANCES = 1 << 22  # held at once
Features = Literal["raster", "summary"]
Batch = tuple[NDArray[np.float32], NDArray[np.integer], NDArray[np.integer]]


class Estimator(fitted.Fitted, ABC):
    """A classifier of drawings that holds nothing but named arrays.

    Attributes:
        classes: K.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def fit(self, train: Iterable[Batch]) -> None:
        """Learn from batches of (strokes float32 [B, T, 3], lengths [B], labels [B]); T may differ.

        Raises:
            ValueError: if a class has no drawing, or a label is no class.
        """
        batches = [(self.features(strokes, lengths), labels) for strokes, lengths, labels in train]
        labels = np.concatenate([labels for _, labels in batches]).astype(np.int64)
        if sorted(set(labels.tolist())) != list(range(self.classes)):
            raise ValueError(
                f"labels should be 0 to {self.classes - 1}, each there, received {sorted(set(labels))}"
            )
        self.arrays = self._learn(np.concatenate([features for features, _ in batches]), labels)

    def predict(self, strokes: NDArray[np.float32], lengths: NDArray[np.integer]) -> NDArray[np.float64]:
        """Probabilities float64 [N, K] of strokes [N, T, 3]; each row sums to 1, none is 0.

        Raises:
            ValueError: if nothing was fitted yet.
        """
        if not self.arrays:
            raise ValueError("fit or load it first")
        if len(strokes) == 0:
            return np.zeros((0, self.classes))
        return self._chances(self.features(strokes, np.asarray(lengths)))

    @abstractmethod
    def features(self, strokes: NDArray[np.float32], lengths: NDArray[np.integer]) -> NDArray[Any]:
        """What it looks at: [N, F]."""

    @abstractmethod
    def _learn(self, features: NDArray[Any], labels: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """The arrays to keep."""

    @abstractmethod
    def _chances(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities [N, K] from `arrays`."""


class NearestNeighbours(Estimator):
    """k nearest neighbours by Euclidean distance; a neighbour's vote weighs 1 / distance.

    Each class gets 1 / K of a vote of average weight beforehand, so that no probability is 0.

    Args:
        classes: K.
        looks_at: images (`raster`) or standardised summary features (`summary`).
        neighbours: k.
        pixels: a side of the images.
        width: pixels; of the lines on them.
    """

    def __init__(self, classes: int, looks_at: Features, neighbours: int, pixels: int, width: float) -> None:
        super().__init__(classes)
        self.looks_at = looks_at
        self.neighbours = neighbours
        self.pixels = pixels
        self.width = width

    def features(self, strokes: NDArray[np.float32], lengths: NDArray[np.integer]) -> NDArray[Any]:
        """Images uint8 [N, pixels²], or summaries float64 [N, F]."""
        if self.looks_at == "summary":
            return sketch_features.summary(strokes, lengths)
        return sketch_features.images(strokes, lengths, self.pixels, self.width).reshape(len(strokes), -1)

    def _learn(self, features: NDArray[Any], labels: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        mean, std = np.zeros(features.shape[1]), np.full(features.shape[1], 255.0)
        if self.looks_at == "summary":
            mean, std = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)
        return {"features": features, "labels": labels, "mean": mean, "std": std}

    def _chances(self, features: NDArray[Any]) -> NDArray[np.float64]:
        near = min(self.neighbours, len(self.arrays["labels"]))
        known = self._scaled(self.arrays["features"])
        distance, which = nearest(known, self._scaled(features), near)  # each [N, k]
        weight = 1.0 / np.maximum(distance, 1e-6)
        votes = np.zeros((len(features), self.classes))
        rows = np.repeat(np.arange(len(features)), near)
        np.add.at(votes, (rows, self.arrays["labels"][which].ravel()), weight.ravel())
        votes += weight.mean(axis=1, keepdims=True) / self.classes
        return votes / votes.sum(axis=1, keepdims=True)

    def _scaled(self, features: NDArray[Any]) -> NDArray[np.float64]:
        scaled: NDArray[np.float64] = (features - self.arrays["mean"]) / self.arrays["std"]
        return scaled


def nearest(
    known: NDArray[np.float64], asked: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The `count` rows of `known` [M, F] nearest to each of `asked` [N, F], by Euclidean distance.

    scikit-learn's search takes a second to import, which is more than most searches take.

    Returns:
        Their distances and row numbers, each [N, count], in no order.
    """
    sizes = (known**2).sum(axis=1)
    rows = max(1, _DISTANCES // len(known))
    distance, which = np.empty((len(asked), count)), np.empty((len(asked), count), np.int64)
    for at in range(0, len(asked), rows):
        part = slice(at, at + rows)
        square = sizes - 2 * asked[part] @ known.T + (asked[part] ** 2).sum(axis=1, keepdims=True)
        which[part] = np.argpartition(square, count - 1, axis=1)[:, :count]
        distance[part] = np.sqrt(np.maximum(np.take_along_axis(square, which[part], axis=1), 0.0))
    return distance, which


class Logistic(Estimator):
    """Multinomial logistic regression on standardised summary features.

    Args:
        classes: K.
        l2: strength of the penalty on squared weights, a drawing.
    """

    def __init__(self, classes: int, l2: float) -> None:
        super().__init__(classes)
        self.l2 = l2

    def features(self, strokes: NDArray[np.float32], lengths: NDArray[np.integer]) -> NDArray[Any]:
        """Summaries float64 [N, F]."""
        return sketch_features.summary(strokes, lengths)

    def _learn(self, features: NDArray[Any], labels: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits

        mean, std = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)
        model = LogisticRegression(C=1.0 / (self.l2 * len(labels)), max_iter=2000)
        with threadpool_limits(1):  # the products are small; threads wait for each other on a busy machine
            model.fit((features - mean) / std, labels)
        weights, bias = model.coef_.T, model.intercept_  # [F, K], [K]
        if self.classes == 2:  # scikit-learn keeps what speaks for the second class alone
            weights, bias = np.hstack([0 * weights, weights]), np.array([0.0, bias[0]])
        return {"weights": weights, "bias": bias, "mean": mean, "std": std}

    def _chances(self, features: NDArray[Any]) -> NDArray[np.float64]:
        standard = (features - self.arrays["mean"]) / self.arrays["std"]
        return softmax(standard @ self.arrays["weights"] + self.arrays["bias"])


def load(folder: Path) -> Estimator:
    """The fitted estimator in `folder` (config.json, spec.json, model.npz).

    Raises:
        UserError: if a file is missing or no estimator's.
    """
    return fitted.load(folder, Estimator)  # type: ignore[type-abstract]
