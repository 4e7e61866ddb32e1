"""Checks of predictions before they are evaluated."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.evaluation.common.trained_models import TrainedModel


def require_finite(values: NDArray[Any], model: TrainedModel) -> NDArray[Any]:
    """Return `values` if all of them are finite.

    Raises:
        UserError: names the trained model that diverged.
    """
    if not np.isfinite(values).all():
        raise UserError(
            f"{model.name} (seed {model.seed}) diverged: its predictions are not finite",
            location=str(model.folder),
            fix="lower its learning_rate or set global_clipnorm",
        )
    return values
