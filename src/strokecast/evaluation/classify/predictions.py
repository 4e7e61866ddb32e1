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

from strokecast.common.stage import progress
from strokecast.evaluation.classify.metrics import Attended, Sketches, examples
from strokecast.evaluation.common.predictions import finite, sketches
from strokecast.evaluation.common.trainings import Roster, Training, check_data
from strokecast.features.records import plain_reading, reading
from strokecast.inference import classify_split, networks
from strokecast.models.common import estimators
from strokecast.models.common.probabilities import softmax

Floats = NDArray[np.float64]
Key = tuple[str, int]


def collect(
    found: Roster, processed: Path, spec: Mapping[str, Any]
) -> tuple[Sketches, dict[Key, Floats], dict[Key, list[Attended]]]:
    """The test sketches, by (name, seed) the probabilities float64 [N, K], and what networks attend to.

    The third holds the networks that are pooled by attention, each with one sketch a class.

    Raises:
        UserError: if a training saw other data, cannot be read, or predicts what is no number.
    """
    check_data(found.trainings, spec["digest"])
    test = sketches(processed, spec)
    probabilities: dict[Key, Floats] = {}
    attended: dict[Key, list[Attended]] = {}
    for training in progress(found.trainings, "predicting", len(found.trainings), "training"):
        key = (training.name, training.seed)
        if training.kind == "estimator":
            ids, probabilities[key] = _estimated(training, processed, spec)
        else:
            network = networks.load_network(training.folder)
            ids, _, logits = classify_split.classify(network, processed, spec, "test")
            probabilities[key] = softmax(finite(logits, training))
            seen = _attended(network, processed, spec, test)
            if seen:
                attended[key] = seen
        if ids != test.ids:
            raise RuntimeError("the test records were read in two different orders")
    return test, probabilities, attended


def _attended(network: Any, processed: Path, spec: Mapping[str, Any], test: Sketches) -> list[Attended]:
    """The attention of a network on one sketch a class, by class; empty where it has none."""
    found: dict[int, Attended] = {}
    wanted, first = examples(test), 0
    inputs_read = list(networks.signature(network))
    for inputs, labels, _ in reading.batches(processed, spec, "test", 1024, inputs_read):
        rows = [row for row in wanted if first <= row < first + len(labels)]
        if rows:
            picked = {name: values.numpy()[np.array(rows) - first] for name, values in inputs.items()}
            weights = networks.attention(network, picked)
            if weights is None:
                return []
            for at, (row, n) in enumerate(zip(rows, picked["length"], strict=True)):
                found[row] = Attended(row, picked["strokes"][at, :n], weights[at, :n])
        first += len(labels)
    return [found[row] for row in wanted]


def _estimated(training: Training, processed: Path, spec: Mapping[str, Any]) -> tuple[list[str], Floats]:
    estimator = estimators.load(training.folder)
    ids: list[str] = []
    chances = []
    for batch in plain_reading.batches(processed, spec, "test"):
        ids += batch.ids
        chances.append(estimator.predict(batch.strokes, batch.length))
    return ids, finite(np.concatenate(chances), training)
