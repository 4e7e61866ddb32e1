"""Chooses to which recent level networks forecast relative (`residual: auto`), once per data set, on validation windows.

A network that has learned one level pulls its forecasts towards it, because weights stay small and activations saturate. A ridge
regression with a strong penalty does the same in a fraction of a second. So for each residual one is fitted per forecast day, on the
training windows minus that residual, and the residual with the lowest error on the validation windows is chosen. On the
series that this was tried on, the order of the residuals is that of trained GRUs (docs/lab-notes.md).

Shapes: N windows, W days of a window, H days of the horizon, F known features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_WEEK, _LEVEL_DAYS = 7, 28
CANDIDATES = {"none": 0, "last_week": _WEEK, "mean_28": _LEVEL_DAYS}  # → days that it reads
MAX_WINDOWS = 2000  # of all series together, per split
_MAX_DAYS = 7  # of the horizon that are forecast
_PENALTY = 0.1  # per window, on scaled values and features
_MIN_GAIN = 0.02  # share of the error without a residual


@dataclass(frozen=True)
class ScaledWindows:
    """Windows of the first target as networks read them.

    Attributes:
        past: float [N, W].
        future: float [N, H, F].
        target: float [N, H].
    """

    past: NDArray[np.floating]
    future: NDArray[np.floating]
    target: NDArray[np.floating]

    def subsample(self, count: int) -> Self:
        """At most `count` windows, evenly spaced."""
        rows = np.unique(np.linspace(0, len(self.past) - 1, min(count, len(self.past))).astype(np.int64))
        return type(self)(self.past[rows], self.future[rows], self.target[rows])

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """The windows of several series."""
        arrays = zip(*((one.past, one.future, one.target) for one in parts), strict=True)
        return cls(*(np.concatenate(one) for one in arrays))


def choose(train: ScaledWindows, valid: ScaledWindows) -> dict[str, Any]:
    """The residual with the lowest validation error, and all errors, as spec.json stores them.

    Args:
        train: training windows; at least one.
        valid: validation windows; at least one.

    Returns:
        `chosen`: one of `CANDIDATES` for which the window is long enough; `none` unless another one lowers its error by
        2 %. `errors`: residual → mean absolute error in scaled values.
    """
    names = [name for name, days in CANDIDATES.items() if train.past.shape[1] >= days]
    horizon = train.target.shape[1]
    days = np.unique(np.linspace(0, horizon - 1, min(_MAX_DAYS, horizon)).astype(np.int64))
    errors = np.mean([_errors(train, valid, int(day), names) for day in days], axis=0)
    by_name = {name: float(f"{error:.4g}") for name, error in zip(names, errors, strict=True)}
    best = min(names, key=by_name.__getitem__)
    chosen = best if by_name[best] <= (1 - _MIN_GAIN) * by_name["none"] else "none"
    return {"chosen": chosen, "errors": by_name}


def describe(residual: dict[str, Any]) -> str:
    """What was chosen, in one line."""
    errors = ", ".join(f"{name} {error:.3g}" for name, error in residual["errors"].items())
    return (
        f"residual of networks with residual: auto: {residual['chosen']} (scaled validation error: {errors})"
    )


def _errors(train: ScaledWindows, valid: ScaledWindows, day: int, names: Sequence[str]) -> Floats:
    """Mean absolute error on one forecast day, per residual."""
    columns, tested = (
        np.concatenate([one.past, one.future[:, day]], axis=1).astype(np.float64) for one in (train, valid)
    )
    center = columns.mean(axis=0)
    columns, tested = columns - center, tested - center
    base, tested_base = (
        np.stack([_base(one.past, day, name) for name in names], axis=1) for one in (train, valid)
    )
    target = train.target[:, day, None] - base  # [N, residuals]
    mean = target.mean(axis=0)
    gram = columns.T @ columns + _PENALTY * len(columns) * np.eye(columns.shape[1])
    weights = np.linalg.solve(gram, columns.T @ (target - mean))
    forecast = tested @ weights + mean + tested_base
    return np.asarray(np.abs(forecast - valid.target[:, day, None]).mean(axis=0))


def _base(past: NDArray[np.floating], day: int, residual: str) -> Floats:
    """What the residual adds to the forecast of one day, float64 [N]."""
    if residual == "none":
        return np.zeros(len(past))
    if residual == "last_week":
        return past[:, past.shape[1] - _WEEK + day % _WEEK].astype(np.float64)
    return past[:, -_LEVEL_DAYS:].mean(axis=1, dtype=np.float64)
