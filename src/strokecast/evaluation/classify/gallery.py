"""Writes `gallery.json` of a task with classes: test drawings, and what each model predicts of them.

The report page draws them. Without a limit a large test split would make the page too large, so at most `MAX_POINTS`
points are kept: first the mistakes that are listed and the drawings with attention, then for every model and cell of its
confusion matrix the first drawing, then the second one, and so on.

Shapes: N test sketches, K classes, M sketches in the gallery, C classes of the confusion matrices.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.files import write_text
from strokecast.evaluation.classify import metrics
from strokecast.evaluation.classify.sketches import SketchAttention, SketchSplit, read_drawings
from strokecast.evaluation.common.drawings import encode_strokes
from strokecast.evaluation.common.ranking import Key
from strokecast.evaluation.common.trained_models import TrainedModels, display_labels

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_POINTS = 150_000  # of all drawings together: about a megabyte
MAX_CLASSES = 40  # of a confusion matrix
LISTED = 12  # mistakes per list


@dataclass(frozen=True)
class ModelGallery:
    """What one trained model predicts.

    Attributes:
        name: of the model, with the seed if it is not the first.
        probabilities: float64 [N, K].
        worst: rows of wrong predictions with the highest loss, highest first.
        confident: rows of wrong predictions with the highest confidence, highest first.
        attention: sketches with the model's attention.
    """

    name: str
    probabilities: Floats
    worst: Ints
    confident: Ints
    attention: Sequence[SketchAttention]


def write_gallery(
    path: Path,
    trained_models: TrainedModels,
    test: SketchSplit,
    probabilities: Mapping[Key, Floats],
    classes: Sequence[str],
    validated: Path,
    attention: Mapping[Key, Sequence[SketchAttention]] = MappingProxyType({}),
    attribution: str = "",
) -> None:
    """Write the gallery.

    Args:
        path: file to write.
        trained_models: of the task.
        test: the N test sketches.
        probabilities: (name, seed) → float64 [N, K].
        classes: K names.
        validated: parquet file of the test drawings, `data/validated/sketches/test.parquet`.
        attention: (name, seed) → sketches with attention weights.
        attribution: of the sketches; "" for none.
    """
    models = [
        _model_gallery(label, test.labels, probabilities[model.key], attention.get(model.key, ()))
        for name, labels in display_labels(trained_models).items()
        for label, model in zip(labels, trained_models.by_name(name), strict=True)
    ]
    predicted = [model.probabilities.argmax(axis=1) for model in models]
    first = np.concatenate([_listed_rows(model) for model in models])
    rows = choose_rows(test.labels, predicted, test.lengths, first, len(classes))
    shown_classes = _matrix_classes(test.labels, predicted, len(classes))
    gallery = {
        "classes": list(classes),
        "attribution": attribution,
        "test": len(test.ids),
        "totals": np.bincount(test.labels, minlength=len(classes)).tolist(),
        "matrix_classes": shown_classes.tolist(),
        "labels": test.labels[rows].tolist(),
        "drawings": [encode_strokes(drawing) for drawing in read_drawings(validated, test, rows)],
        "models": [_to_json(model, test.labels, rows, shown_classes) for model in models],
    }
    write_text(path, json.dumps(gallery, ensure_ascii=False, separators=(",", ":")) + "\n")


def choose_rows(
    labels: Ints,
    predicted: Sequence[Ints],
    lengths: Ints,
    first: Ints,
    classes: int,
    max_points: int = MAX_POINTS,
) -> Ints:
    """Rows of the sketches in the gallery, rising.

    Args:
        labels: int64 [N].
        predicted: per model int64 [N].
        lengths: int64 [N], points.
        first: rows that are kept before all others.
        classes: K.
        max_points: of the chosen sketches together; at least one sketch is chosen.
    """
    place = np.full(len(labels), len(labels), np.int64)  # in its cell, the lowest over the models
    for values in predicted:
        cells = labels * classes + values
        order = np.argsort(cells, kind="stable")
        starts = np.searchsorted(cells[order], cells[order])
        place[order] = np.minimum(place[order], np.arange(len(order)) - starts)
    place[first] = -1
    order = np.argsort(place, kind="stable")
    count = max(1, int((np.cumsum(lengths[order]) <= max_points).sum()))
    return np.sort(order[:count])


def _model_gallery(
    name: str, labels: Ints, probabilities: Floats, attention: Sequence[SketchAttention]
) -> ModelGallery:
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    # rounded: later digits, and so the order of nearly equal values, depend on threads and library versions
    loss = -np.log(np.maximum(probabilities[wrong, labels[wrong]], 1e-12)).round(4)
    confidence = probabilities[wrong].max(axis=1).round(5)
    return ModelGallery(
        name,
        probabilities,
        wrong[np.argsort(-loss, kind="stable")[:LISTED]],
        wrong[np.argsort(-confidence, kind="stable")[:LISTED]],
        attention,
    )


def _listed_rows(model: ModelGallery) -> Ints:
    attended = np.array([example.row for example in model.attention], np.int64)
    return np.concatenate([model.worst, model.confident, attended])


def _matrix_classes(labels: Ints, predicted: Sequence[Ints], classes: int) -> Ints:
    """The classes of the confusion matrices, rising: those with the most mistakes of all models, int64 [C]."""
    mistakes = np.zeros(classes, np.int64)
    for values in predicted:
        wrong = values != labels
        mistakes += np.bincount(labels[wrong], minlength=classes) + np.bincount(
            values[wrong], minlength=classes
        )
    return np.sort(np.argsort(-mistakes, kind="stable")[:MAX_CLASSES])


def _to_json(model: ModelGallery, labels: Ints, rows: Ints, shown_classes: Ints) -> dict[str, Any]:
    """The predictions of a model: probabilities in thousandths, sketches by their place in the gallery."""
    predicted = model.probabilities.argmax(axis=1)
    counts = metrics.confusion_counts(labels, predicted, model.probabilities.shape[1])
    places = {row: place for place, row in enumerate(rows.tolist())}
    chosen = model.probabilities[rows]
    values: dict[str, Any] = {
        "name": model.name,
        "correct": int((predicted == labels).sum()),
        "counts": counts[np.ix_(shown_classes, shown_classes)].tolist(),
        "predicted": predicted[rows].tolist(),
        "probability": _thousandths(chosen.max(axis=1)),
        "true_probability": _thousandths(chosen[np.arange(len(rows)), labels[rows]]),
        "worst": [places[row] for row in model.worst.tolist() if row in places],
        "confident": [places[row] for row in model.confident.tolist() if row in places],
    }
    if model.attention:  # weights in hundredths of uniform attention
        values["attention"] = [
            [places[example.row], np.rint(example.weights * len(example.weights) * 100).astype(int).tolist()]
            for example in model.attention
            if example.row in places
        ]
    return values


def _thousandths(probabilities: Floats) -> list[int]:
    return np.rint(probabilities * 1000).astype(int).tolist()
