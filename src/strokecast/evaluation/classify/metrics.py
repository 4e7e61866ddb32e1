"""Metrics of a classifier from its probabilities.

Shapes: N test sketches, K classes. `labels` int64 [N], `probabilities` float [N, K],
`lengths` int64 [N] in points, `ranks` int64 [N] (0: the true class is the likeliest).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Sketches:
    """The test sketches: `ids` of N, `labels` int64 [N], `lengths` int64 [N] (points, as cropped)."""

    ids: Sequence[str]
    labels: Ints
    lengths: Ints


@dataclass(frozen=True)
class Attended:
    """The test sketch number `row`, strokes float32 [n, 3], and the attention of its points, float32 [n]."""

    row: int
    strokes: NDArray[np.float32]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class Bin:
    """One bin of the reliability diagram: `low` < confidence <= `high`."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Group:
    """Accuracy over the sketches of `first` to `last` points (`last` None: no upper end)."""

    first: int
    last: int | None
    count: int
    accuracy: float

    @property
    def name(self) -> str:
        """e.g. `26-50` or `101+`."""
        return f"{self.first}+" if self.last is None else f"{self.first}-{self.last}"


@dataclass(frozen=True)
class ClassRow:
    """Precision, recall and F1 of one class; 0 where the denominator is 0."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


def examples(test: Sketches) -> list[int]:
    """One sketch a class, by its row: of the class's lengths the median, of equals the first."""
    rows = []
    for label in np.unique(test.labels):
        mine = np.flatnonzero(test.labels == label)
        order = np.argsort(test.lengths[mine], kind="stable")
        rows.append(int(mine[order[(len(mine) - 1) // 2]]))
    return rows


def ranks(labels: Ints, probabilities: Floats) -> Ints:
    """How many classes are put before the true one; of equals the lower index goes first."""
    true = np.take_along_axis(probabilities, labels[:, None], axis=1)
    before = (probabilities > true).sum(axis=1)
    ties = (probabilities == true) & (np.arange(probabilities.shape[1]) < labels[:, None])
    return (before + ties.sum(axis=1)).astype(np.int64)


def headline(labels: Ints, probabilities: Floats, bins: int) -> dict[str, float]:
    """The figures of the leaderboard.

    Returns:
        `accuracy` and `top5` (shares, 0 to 1; top-5 is top-K with fewer than five classes),
        `macro_f1` (unweighted mean over all K classes), `log_loss` (nats), `ece`
        (expected calibration error, 0 to 1, over `bins` equal-width bins; Guo et al. 2017).
    """
    from sklearn.metrics import f1_score, log_loss

    k = probabilities.shape[1]
    rank = ranks(labels, probabilities)
    every = np.arange(k)
    f1 = f1_score(labels, probabilities.argmax(axis=1), labels=every, average="macro", zero_division=0)
    return {
        "accuracy": float((rank == 0).mean()),
        "top5": float((rank < 5).mean()),
        "macro_f1": float(f1),
        "log_loss": float(log_loss(labels, probabilities, labels=every)),
        "ece": calibration_error(calibration(labels, probabilities, bins)),
    }


def calibration(labels: Ints, probabilities: Floats, bins: int) -> list[Bin]:
    """Equal-width bins over the confidence, the probability of the predicted class.

    Empty bins have count 0 and NaN for confidence and accuracy.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(index, confidence, bins) / counts
        accuracy = np.bincount(index, correct, bins) / counts
    return [
        Bin(i / bins, (i + 1) / bins, int(counts[i]), float(mean_confidence[i]), float(accuracy[i]))
        for i in range(bins)
    ]


def calibration_error(table: Sequence[Bin]) -> float:
    """Mean over sketches of |accuracy - confidence| of their bin."""
    total = sum(row.count for row in table)
    return sum(row.count * abs(row.accuracy - row.confidence) for row in table if row.count) / total


def per_class(labels: Ints, probabilities: Floats, classes: Sequence[str]) -> list[ClassRow]:
    """Precision, recall, F1 and support of every class."""
    from sklearn.metrics import precision_recall_fscore_support

    precision, recall, f1, support = precision_recall_fscore_support(
        labels, probabilities.argmax(axis=1), labels=np.arange(len(classes)), zero_division=0
    )
    return [
        ClassRow(name, float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
        for i, name in enumerate(classes)
    ]


def by_length(correct: Floats, lengths: Ints, edges: Sequence[int]) -> list[Group]:
    """Accuracy by length: up to the first edge, from there to the next, ..., above the last.

    Args:
        correct: float64 [N], 1 where right (or the share of seeds that were right).
        lengths: int64 [N], points.
        edges: points; each the inclusive upper end of a group. A group without a sketch has
            count 0 and NaN accuracy.
    """
    index = np.digitize(lengths, edges, right=True)
    counts = np.bincount(index, minlength=len(edges) + 1)
    with np.errstate(invalid="ignore"):
        accuracy = np.bincount(index, correct, len(edges) + 1) / counts
    firsts = [1, *(edge + 1 for edge in edges)]
    lasts = [*edges, None]
    return [
        Group(first, last, int(count), float(share))
        for first, last, count, share in zip(firsts, lasts, counts, accuracy, strict=True)
    ]


def confusion(labels: Ints, predicted: Ints, k: int) -> Ints:
    """Counts int64 [K, K]: rows are the true classes, columns the predicted ones."""
    from sklearn.metrics import confusion_matrix

    counts: Ints = confusion_matrix(labels, predicted, labels=np.arange(k)).astype(np.int64)
    return counts
