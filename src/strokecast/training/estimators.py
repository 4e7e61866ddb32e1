"""Fits classifiers without a network on processed data; no TensorFlow."""

from __future__ import annotations

import time
from pathlib import Path

from strokecast.common.errors import UserError
from strokecast.features.records import numpy_reader
from strokecast.features.records.spec import ClassifySpec
from strokecast.models.common.estimators import Estimator
from strokecast.training.guards import TrainingError

_VALID_BATCH_SIZE = 256  # drawings per prediction, as for networks


def fit(
    estimator: Estimator, processed: Path, spec: ClassifySpec, location: str
) -> tuple[float, float, float]:
    """Fit `estimator` on the training split, and time its predictions on the validation split.

    Opens the files of the train and valid splits, never those of the test split.

    Args:
        estimator: unfitted.
        processed: `data/processed/classify`.
        spec: its spec.json.
        location: key path of the model in params.yaml, for errors.

    Returns:
        Seconds of the fit, reading included, predicted drawings per second after a warm-up, and the accuracy on
        the validation split.

    Raises:
        UserError: if a class has no training drawing, or the data is damaged.
        TrainingError: if memory runs out.
    """
    started = time.perf_counter()
    try:
        estimator.fit(batch[:3] for batch in numpy_reader.batches(processed, spec, "train"))
    except ValueError as error:
        fix = "every class needs a training drawing; check the source's classes and caps"
        raise UserError(f"cannot be fitted: {error}", location=location, fix=fix) from None
    except MemoryError:
        fix = "use fewer training drawings, or smaller features"
        raise TrainingError("out of memory", location=location, fix=fix) from None
    fit_seconds = time.perf_counter() - started
    return fit_seconds, *_evaluate(estimator, processed, spec)


def _evaluate(estimator: Estimator, processed: Path, spec: ClassifySpec) -> tuple[float, float]:
    """Predicted drawings per second, and the accuracy; both on the validation split."""
    count, correct, seconds = 0, 0, 0.0
    for number, batch in enumerate(numpy_reader.batches(processed, spec, "valid", _VALID_BATCH_SIZE)):
        if number == 0:
            estimator.predict_proba(batch.strokes, batch.length)
        started = time.perf_counter()
        probabilities = estimator.predict_proba(batch.strokes, batch.length)
        seconds += time.perf_counter() - started
        count += len(batch.label)
        correct += int((probabilities.argmax(axis=1) == batch.label).sum())
    return (count / seconds if seconds else 0.0), (correct / count if count else 0.0)
