"""Fitting classifiers that have no network, from processed data; no TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.features.records import plain_reading
from strokecast.models.common.estimators import Estimator
from strokecast.training.guards import TrainingError

_VALID_BATCH = 256  # drawings a prediction, as networks get them


def fit(estimator: Estimator, processed: Path, spec: Mapping[str, Any], where: str) -> tuple[float, float]:
    """Fit `estimator` on the training split, and time its predictions on the validation split.

    Opens the files of the train and valid splits, never those of test.

    Args:
        estimator: unfitted.
        processed: `data/processed/classify`.
        spec: its spec.json.
        where: the entry in params.yaml, for messages.

    Returns:
        Seconds of the fit, reading included, and drawings a second of `predict` after a warm-up.

    Raises:
        UserError: if a class has no training drawing, or the data is damaged.
        TrainingError: where memory runs out.
    """
    started = time.perf_counter()
    try:
        estimator.fit(batch[:3] for batch in plain_reading.batches(processed, spec, "train"))
    except ValueError as error:
        fix = "every class needs a training drawing; check the source's classes and caps"
        raise UserError(f"cannot be fitted: {error}", where=where, fix=fix) from None
    except MemoryError:
        fix = "take fewer training drawings, or smaller features"
        raise TrainingError("out of memory", where=where, fix=fix) from None
    fitted = time.perf_counter() - started
    return fitted, _speed(estimator, processed, spec)


def _speed(estimator: Estimator, processed: Path, spec: Mapping[str, Any]) -> float:
    count, seconds = 0, 0.0
    for number, batch in enumerate(plain_reading.batches(processed, spec, "valid", _VALID_BATCH)):
        if number == 0:
            estimator.predict(batch.strokes, batch.length)
        started = time.perf_counter()
        estimator.predict(batch.strokes, batch.length)
        seconds += time.perf_counter() - started
        count += len(batch.label)
    return count / seconds if seconds else 0.0
