"""Robust scale and weights.

Source: Huber, 1964, "Robust estimation of a location parameter", https://doi.org/10.1214/aoms/1177703732
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MAD_TO_STD = 1.4826  # of a normal distribution
_SMALLEST = 1e-12  # scale, of residuals that are all 0


def robust_std(residuals: Floats) -> float:
    """The scaled median absolute deviation of residuals of any shape from 0."""
    return _MAD_TO_STD * float(np.median(np.abs(residuals)))


def huber_weights(weights: Floats, residuals: Floats, scale: float) -> Floats:
    """Weights float64 [n] that are smaller where a residual is above `scale`, as in Huber's loss."""
    return weights / np.maximum(1.0, np.abs(residuals) / (scale + _SMALLEST))
