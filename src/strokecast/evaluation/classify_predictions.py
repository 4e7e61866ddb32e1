"""What every classifier says of the test split: the one place that opens it.

Networks and estimators read the same padded records that their training reads, parsed by the same code,
so masks and cropping are the same. Shapes: N test sketches, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.errors import UserError
from strokecast.evaluation.classify import Sketches
from strokecast.evaluation.predictions import finite
from strokecast.evaluation.trainings import Roster, Training, check_data
from strokecast.features import plain_reading, prediction, reading
from strokecast.models import estimators, inference
from strokecast.stage import progress

Floats = NDArray[np.float64]


def collect(
    found: Roster, processed: Path, spec: Mapping[str, Any]
) -> tuple[Sketches, dict[tuple[str, int], Floats]]:
    """The test sketches, and by (name, seed) the probabilities float64 [N, K].

    Raises:
        UserError: if a training saw other data, cannot be read, or predicts what is no number.
    """
    check_data(found.trainings, spec["digest"])
    test = _sketches(processed, spec)
    probabilities = {}
    for training in progress(found.trainings, "predicting", len(found.trainings), "training"):
        said = _estimated if training.kind == "estimator" else _of_network
        ids, chances = said(training, processed, spec)
        if ids != test.ids:
            raise RuntimeError("the test records were read in two different orders")
        probabilities[training.name, training.seed] = chances
    return test, probabilities


def _of_network(training: Training, processed: Path, spec: Mapping[str, Any]) -> tuple[list[str], Floats]:
    network = inference.load_network(training.folder)
    ids, _, logits = prediction.classify(network, processed, spec, "test")
    return ids, inference.softmax(finite(logits, training))


def _estimated(training: Training, processed: Path, spec: Mapping[str, Any]) -> tuple[list[str], Floats]:
    estimator = estimators.load(training.folder)
    ids: list[str] = []
    chances = []
    for batch in plain_reading.batches(processed, spec, "test"):
        ids += batch.ids
        chances.append(estimator.predict(batch.strokes, batch.length))
    return ids, finite(np.concatenate(chances), training)


def _sketches(processed: Path, spec: Mapping[str, Any]) -> Sketches:
    ids: list[str] = []
    labels, lengths = [], []
    for inputs, label, key in reading.batches(processed, spec, "test", 1024):
        ids += [value.decode() for value in key.numpy().tolist()]
        labels.append(label.numpy())
        lengths.append(inputs["length"].numpy())
    if not ids:
        raise UserError("the test split holds no sketch", where=str(processed))
    return Sketches(ids, np.concatenate(labels).astype(np.int64), np.concatenate(lengths).astype(np.int64))
