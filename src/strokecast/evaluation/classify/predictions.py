"""Predictions of every classifier on the test split, which only this module opens.

Networks and estimators read the same padded records as in training, through the same parser, so masks and cropping
are the same.
Shapes: N test sketches, K classes, n points of one sketch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.console import progress
from strokecast.evaluation.classify.sketches import (
    SketchAttention,
    SketchSplit,
    check_order,
    median_examples,
    read_test_split,
)
from strokecast.evaluation.common.predictions import require_finite
from strokecast.evaluation.common.ranking import Key
from strokecast.evaluation.common.trained_models import TrainedModels, check_same_data
from strokecast.features.records import reading
from strokecast.features.records.spec import ClassifySpec
from strokecast.inference import class_probabilities, networks, split_predictions
from strokecast.models.common.probabilities import softmax

Floats = NDArray[np.float64]


def predict_test_split(
    trained_models: TrainedModels, processed: Path, spec: ClassifySpec
) -> tuple[SketchSplit, dict[Key, Floats], dict[Key, list[SketchAttention]]]:
    """Predict the test split with every trained model.

    Returns:
        The test sketches; (name, seed) → probabilities float64 [N, K]; (name, seed) → attention on one sketch per
        class, for networks that pool by attention.

    Raises:
        UserError: if a model was trained on other data, cannot be read, or its predictions are not finite.
    """
    check_same_data(trained_models.finished, spec["digest"])
    test = read_test_split(processed, spec)
    probabilities: dict[Key, Floats] = {}
    attention: dict[Key, list[SketchAttention]] = {}
    for model in progress(trained_models.finished, "predicting", len(trained_models.finished), "training"):
        if model.kind == "estimator":
            ids, _, values = class_probabilities.predict_split(model.folder, processed, spec, "test")
            probabilities[model.key] = require_finite(values, model)
        else:
            network = networks.load_network(model.folder)
            ids, _, logits = split_predictions.predict_split(network, processed, spec, "test")
            probabilities[model.key] = softmax(require_finite(logits, model))
            examples = _attention_examples(network, processed, spec, test)
            if examples:
                attention[model.key] = examples
        check_order(ids, test)
    return test, probabilities, attention


def _attention_examples(
    network: Any, processed: Path, spec: ClassifySpec, test: SketchSplit
) -> list[SketchAttention]:
    """The attention of a network on one sketch per class, in the order of the classes.

    Empty if the network does not pool by attention; the test split is not read then.
    """
    attention = networks.attention_function(network)
    if attention is None:
        return []
    examples: dict[int, SketchAttention] = {}
    chosen, first = median_examples(test), 0
    input_names = list(networks.input_signature(network))
    for inputs, labels, _ in reading.batches(processed, spec, "test", 1024, input_names):
        rows = [row for row in chosen if first <= row < first + len(labels)]
        if rows:
            batch = {name: values.numpy()[np.array(rows) - first] for name, values in inputs.items()}
            weights = attention(batch).numpy()
            for at, (row, n) in enumerate(zip(rows, batch["length"], strict=True)):
                examples[row] = SketchAttention(row, batch["strokes"][at, :n], weights[at, :n])
        first += len(labels)
    return [examples[row] for row in chosen]
