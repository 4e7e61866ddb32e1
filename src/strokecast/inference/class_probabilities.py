"""The class probabilities of a trained classifier of any kind, from its prepared inputs.

Shapes: B examples of a batch, N of a split, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.inference import networks, split_predictions
from strokecast.models.common import estimators
from strokecast.models.common.probabilities import softmax

Floats = NDArray[np.float64]
PredictProba = Callable[[Mapping[str, NDArray[Any]]], Floats]
"""A model's inputs for a batch → probabilities float64 [B, K]."""


@dataclass(frozen=True)
class ClassProbabilities:
    """A loaded classifier.

    Attributes:
        predict_proba: reads at least `inputs`; ignores others.
        inputs: names of the inputs.
    """

    predict_proba: PredictProba
    inputs: tuple[str, ...]


def load(folder: Path) -> ClassProbabilities:
    """Load the network or the estimator of a classifier's folder.

    Raises:
        UserError: if a file is missing or unreadable.
    """
    if (folder / estimators.FILE).is_file():
        model = estimators.load(folder)
        return ClassProbabilities(
            lambda inputs: model.predict_proba(inputs["strokes"], inputs["length"]), ("strokes", "length")
        )
    network = networks.load_network(folder)
    run, names = networks.inference_function(network), tuple(networks.input_signature(network))

    def predict_proba(inputs: Mapping[str, NDArray[Any]]) -> Floats:
        return softmax(run({name: inputs[name] for name in names}).numpy())

    return ClassProbabilities(predict_proba, names)


def predict_split(
    folder: Path, processed: Path, spec: Any, split: str
) -> tuple[list[str], NDArray[np.int64], Floats]:
    """Run a trained classifier over a split, in the order of its files.

    Args:
        folder: of the training.
        processed: folder of the processed data of its task.
        spec: its spec.json.
        split: "train", "valid" or "test".

    Returns:
        N ids, labels int64 [N] and probabilities float64 [N, K].
    """
    if not (folder / estimators.FILE).is_file():
        ids, labels, logits = split_predictions.predict_split(
            networks.load_network(folder), processed, spec, split
        )
        return ids, labels, softmax(logits)
    from strokecast.features.records import numpy_reader  # needs a package that a stored model does not

    estimator = estimators.load(folder)
    names, numbers, probabilities = [], [], []
    for batch in numpy_reader.batches(processed, spec, split):
        names += batch.ids
        numbers.append(batch.label)
        probabilities.append(estimator.predict_proba(batch.strokes, batch.length))
    return names, np.concatenate(numbers), np.concatenate(probabilities)
