"""Transform of a history before a regression: logarithm or none, divided by the typical size of a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kind = Literal["log", "log1p", "none"]

_MAX_EXPONENT = 700.0  # of a finite float64


@dataclass(frozen=True)
class HistoryTransform:
    """An invertible transform.

    Attributes:
        kind: `log`, `log1p` (of values divided by `scale`) or `none`.
        scale: divisor of the values, above 0.
    """

    kind: Kind
    scale: float

    def transform(self, values: Floats) -> Floats:
        """float64 [n]; values outside of the domain count as its end."""
        scaled = values / self.scale
        if self.kind == "log":
            return np.log(np.maximum(scaled, 1e-6))
        return np.log1p(np.maximum(scaled, 0.0)) if self.kind == "log1p" else scaled

    def inverse_transform(self, values: Floats) -> Floats:
        """Values in the series' own unit, float64 [n]."""
        if self.kind == "none":
            return values * self.scale
        exponential = np.exp if self.kind == "log" else np.expm1
        return exponential(np.minimum(values, _MAX_EXPONENT)) * self.scale


def fit_transform(values: Floats, kind: Kind | Literal["auto"]) -> HistoryTransform:
    """The transform of a history.

    Args:
        values: float64 [n].
        kind: `auto`: `log` for positive values, `log1p` with some zeros, else `none`.
    """
    size = float(np.median(np.abs(values))) or float(np.mean(np.abs(values))) or 1.0
    if kind == "auto":
        lowest = float(values.min())
        kind = "none" if lowest < 0 else "log1p" if lowest < 0.01 * size else "log"
    return HistoryTransform(kind, size)
