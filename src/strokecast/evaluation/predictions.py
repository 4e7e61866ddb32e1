"""What the predictions of both tasks must be before they are judged."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.errors import UserError
from strokecast.evaluation.trainings import Training


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
