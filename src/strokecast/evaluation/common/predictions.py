"""What the tasks read of the test split, and what predictions must be before they are judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.evaluation.common.trainings import Training
from strokecast.features.records import reading

if TYPE_CHECKING:
    from strokecast.evaluation.classify.metrics import Sketches


def finite(values: NDArray[Any], training: Training) -> NDArray[Any]:
    """`values`, if all are finite numbers.

    Raises:
        UserError: names the training that diverged.
    """
    if not np.isfinite(values).all():
        raise UserError(
            f"{training.name} (seed {training.seed}) diverged: it predicts no finite numbers",
            where=str(training.folder),
            fix="lower its learning_rate or set clip_norm",
        )
    return values


def sketches(processed: Path, spec: Mapping[str, Any]) -> Sketches:
    """The test sketches of a task with classes, in the order of their files.

    Raises:
        UserError: if there are none.
    """
    from strokecast.evaluation.classify.metrics import Sketches

    ids: list[str] = []
    labels, lengths = [], []
    for inputs, label, key in reading.batches(processed, spec, "test", 1024, ["length"]):
        ids += [value.decode() for value in key.numpy().tolist()]
        labels.append(label.numpy())
        lengths.append(inputs["length"].numpy())
    if not ids:
        raise UserError("the test split holds no sketch", where=str(processed))
    return Sketches(ids, np.concatenate(labels).astype(np.int64), np.concatenate(lengths).astype(np.int64))
