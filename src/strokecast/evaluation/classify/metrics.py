"""Metrics of a classifier from its probabilities.

Shapes: N test sketches, K classes. `labels` int64 [N], `probabilities` float [N, K],
`lengths` int64 [N] in points, `ranks` int64 [N] (0: the true class is the most probable).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class CalibrationBin:
    """One bin of the reliability diagram: `low` < confidence <= `high`."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class LengthGroup:
    """Accuracy over the sketches of `first` to `last` points (`last` None: no upper end)."""

    first: int
    last: int | None
    count: int
    accuracy: float

    @property
    def name(self) -> str:
        """The span, e.g. `26-50` or `101+`."""
        return f"{self.first}+" if self.last is None else f"{self.first}-{self.last}"


@dataclass(frozen=True)
class ClassMetrics:
    """Precision, recall and F1 of one class; 0 if the denominator is 0."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


def ranks(labels: Ints, probabilities: Floats) -> Ints:
    """Number of classes ranked before the true one; of equal probabilities the lower index comes first."""
    true = np.take_along_axis(probabilities, labels[:, None], axis=1)
    before = (probabilities > true).sum(axis=1)
    ties = (probabilities == true) & (np.arange(probabilities.shape[1]) < labels[:, None])
    return (before + ties.sum(axis=1)).astype(np.int64)


def headline_metrics(labels: Ints, probabilities: Floats, bins: int) -> dict[str, float]:
    """The metrics of the leaderboard.

    Returns:
        `accuracy` and `top5` (shares from 0 to 1; with fewer than five classes `top5` is top-K),
        `macro_f1` (unweighted mean over all K classes), `log_loss` (nats), `ece`
        (expected calibration error from 0 to 1 over `bins` equal-width bins; Guo et al. 2017).
    """
    from sklearn.metrics import f1_score, log_loss

    k = probabilities.shape[1]
    rank = ranks(labels, probabilities)
    classes = np.arange(k)
    f1 = f1_score(labels, probabilities.argmax(axis=1), labels=classes, average="macro", zero_division=0)
    return {
        "accuracy": float((rank == 0).mean()),
        "top5": float((rank < 5).mean()),
        "macro_f1": float(f1),
        "log_loss": float(log_loss(labels, probabilities, labels=classes)) if k > 1 else 0.0,
        "ece": expected_calibration_error(calibration_bins(labels, probabilities, bins)),
    }


def calibration_bins(labels: Ints, probabilities: Floats, bins: int) -> list[CalibrationBin]:
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
        CalibrationBin(
            i / bins, (i + 1) / bins, int(counts[i]), float(mean_confidence[i]), float(accuracy[i])
        )
        for i in range(bins)
    ]


def expected_calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """Mean over sketches of |accuracy - confidence| of their bin."""
    total = sum(row.count for row in bins)
    return sum(row.count * abs(row.accuracy - row.confidence) for row in bins if row.count) / total


def class_metrics(labels: Ints, probabilities: Floats, classes: Sequence[str]) -> list[ClassMetrics]:
    """Precision, recall, F1 and support per class."""
    from sklearn.metrics import precision_recall_fscore_support

    precision, recall, f1, support = precision_recall_fscore_support(
        labels, probabilities.argmax(axis=1), labels=np.arange(len(classes)), zero_division=0
    )
    return [
        ClassMetrics(name, float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
        for i, name in enumerate(classes)
    ]


def accuracy_by_length(correct: Floats, lengths: Ints, edges: Sequence[int]) -> list[LengthGroup]:
    """Accuracy per group of lengths: up to the first edge, from there to the next, ..., above the last.

    Args:
        correct: float64 [N], 1 for a correct prediction (or the share of seeds that were correct).
        lengths: int64 [N], points.
        edges: points; inclusive upper ends of the groups.

    Returns:
        One group more than `edges`. A group without sketches has count 0 and NaN accuracy.
    """
    index = np.digitize(lengths, edges, right=True)
    counts = np.bincount(index, minlength=len(edges) + 1)
    with np.errstate(invalid="ignore"):
        accuracy = np.bincount(index, correct, len(edges) + 1) / counts
    firsts = [1, *(edge + 1 for edge in edges)]
    lasts = [*edges, None]
    return [
        LengthGroup(first, last, int(count), float(share))
        for first, last, count, share in zip(firsts, lasts, counts, accuracy, strict=True)
    ]


def confusion_counts(labels: Ints, predicted: Ints, k: int) -> Ints:
    """Counts int64 [K, K]: rows are the true classes, columns the predicted ones."""
    from sklearn.metrics import confusion_matrix

    counts: Ints = confusion_matrix(labels, predicted, labels=np.arange(k)).astype(np.int64)
    return counts
