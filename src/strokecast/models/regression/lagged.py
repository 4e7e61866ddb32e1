"""Regressions from the last days and the calendar of the forecast day, one a day ahead; no network.

They read what networks read, {"past": [B, W, C], "future": [B, H, F]}, transformed and scaled, and give what networks
give. scikit-learn is imported where it fits; predictions are numpy's alone.

Shape legend: B windows, W days of past, C channels (D targets, P covariates, F known features), H days ahead,
K features of a regression.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.models.common import fitted

Features = NDArray[np.float32]
Floats = NDArray[np.float64]
Windows = tuple[Mapping[str, NDArray[np.float32]], NDArray[np.float32]]  # inputs, what came of them
WEEK = 7


class Lagged(fitted.Fitted, ABC):
    """A forecaster of one regression a day ahead and target.

    Args:
        spec: of the data.
        lags: last days of targets and covariates that it reads, W at most; None: W.
        weeks: the mean of the same weekday over so many weeks is a feature, for each; 7 * weeks <= W.

    Raises:
        UserError: if the window is shorter than the lags or the weeks.
    """

    name: str  # in params.yaml

    def __init__(self, spec: Mapping[str, Any], lags: int | None, weeks: tuple[int, ...]) -> None:
        super().__init__()
        self.spec = spec
        window = int(spec["window"])
        self.horizon = int(spec["horizon"])
        self.targets = len(spec["targets"])
        self.read = self.targets + len(spec["covariates"])  # channels that are no calendar
        self.lags = window if lags is None else lags
        self.weeks = weeks
        for key, need in (("lags", self.lags), ("weeks", WEEK * max(weeks, default=0))):
            if need > window:
                raise UserError(
                    f"asks for {need} days of past, the window has {window}",
                    where=f"params.yaml: models.forecast.{self.name}.config.{key}",
                    fix="ask for less, or lengthen features.forecast.window",
                )

    def fit(
        self,
        inputs: Mapping[str, NDArray[np.float32]],
        target: NDArray[np.float32],
        seed: int,
        valid: Windows | None = None,
    ) -> None:
        """Learn from windows {"past": [B, W, C], "future": [B, H, F]} and what came of them, [B, H, D].

        Args:
            inputs, target: of the training windows.
            seed: of what is drawn at random.
            valid: the same of the validation windows, for what is chosen on them.

        Raises:
            ValueError: if something has to be chosen, and there is nothing to choose it on.
        """
        known = None if valid is None else (self.features(valid[0]), valid[1].astype(np.float64))
        self.arrays = self._learn(self.features(inputs), target.astype(np.float64), seed, known)

    def predict(self, inputs: Mapping[str, NDArray[np.float32]]) -> Floats:
        """Forecasts float64 [B, H, D], transformed and scaled, of windows.

        Raises:
            ValueError: if nothing was fitted yet.
        """
        if not self.arrays:
            raise ValueError("fit or load it first")
        return self._ahead(self.features(inputs))

    def features(self, inputs: Mapping[str, NDArray[np.float32]]) -> Features:
        """What each regression reads: float32 [H, B, K].

        The last days as they are, the same weekday's means, then what is known of the day.
        """
        past = inputs["past"][:, :, : self.read]  # [B, W, D + P]
        days = past[:, past.shape[1] - self.lags :].reshape(len(past), -1)
        known = inputs.get("future", np.zeros((len(past), self.horizon, 0), np.float32))  # [B, H, F]
        steps = []
        for step in range(self.horizon):
            same = past[:, step % WEEK - WEEK :: -WEEK]  # [B, weeks, D + P], the latest week first
            means = [same[:, :weeks].mean(axis=1) for weeks in self.weeks]
            steps.append(np.concatenate([days, *means, known[:, step]], axis=1))
        return np.stack(steps).astype(np.float32)

    @abstractmethod
    def _learn(
        self, features: Features, target: Floats, seed: int, valid: tuple[Features, Floats] | None
    ) -> dict[str, NDArray[Any]]:
        """The arrays to keep, from features [H, B, K] and target [B, H, D]; `valid` is such a pair, too."""

    @abstractmethod
    def _ahead(self, features: Features) -> Floats:
        """Forecasts [B, H, D] from `arrays`."""


STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class Ridge(Lagged):
    """Linear regression on standardised features with a penalty on squared weights.

    Args:
        l2: strength of the penalty, a window; None: the one of `STRENGTHS` with the lowest MAE of the first
            target (transformed and scaled) on the validation windows, kept as the array `l2`.
        spec, lags, weeks: as `Lagged`.
    """

    name = "ridge"

    def __init__(
        self, spec: Mapping[str, Any], lags: int | None, weeks: tuple[int, ...], l2: float | None
    ) -> None:
        super().__init__(spec, lags, weeks)
        self.l2 = l2

    def _learn(
        self, features: Features, target: Floats, seed: int, valid: tuple[Features, Floats] | None
    ) -> dict[str, NDArray[Any]]:
        if self.l2 is not None:
            return _solve(features, target, self.l2)
        if valid is None:
            raise ValueError("validation windows are needed to choose l2 on")
        tried = []
        for strength in STRENGTHS:
            arrays = _solve(features, target, strength)
            error = np.abs(_linear(arrays, valid[0]) - valid[1])[..., 0].mean()
            tried.append((float(error), strength, arrays))
        _, strength, arrays = min(tried, key=lambda one: one[:2])
        return arrays | {"l2": np.array(strength)}

    def _ahead(self, features: Features) -> Floats:
        return _linear(self.arrays, features)


def _solve(features: Features, target: Floats, l2: float) -> dict[str, NDArray[Any]]:
    """Weights [H, K, D] and bias [H, D] of standardised features, with their mean and std [H, K]."""
    from sklearn import linear_model
    from threadpoolctl import threadpool_limits

    exact = features.astype(np.float64)
    mean, std = exact.mean(axis=1), exact.std(axis=1)
    std[std < 1e-6] = 1.0  # what never changes, e.g. a flag of a day that never came
    model = linear_model.Ridge(alpha=l2 * target.shape[0], solver="cholesky")
    weights, bias = [], []
    with threadpool_limits(1):  # the products are small; threads wait for each other on a busy machine
        for step in range(len(exact)):
            model.fit((exact[step] - mean[step]) / std[step], target[:, step])
            weights.append(np.atleast_2d(model.coef_).T)  # [K, D]
            bias.append(np.atleast_1d(model.intercept_))  # [D]
    return {"weights": np.stack(weights), "bias": np.stack(bias), "mean": mean, "std": std}


def _linear(arrays: Mapping[str, NDArray[Any]], features: Features) -> Floats:
    """Forecasts [B, H, D] of features [H, B, K] by what `_solve` gave."""
    standard = (features - arrays["mean"][:, None]) / arrays["std"][:, None]  # [H, B, K]
    steps = standard @ arrays["weights"] + arrays["bias"][:, None]  # [H, B, D]
    made: Floats = np.swapaxes(steps, 0, 1)
    return made


def load(folder: Path) -> Lagged:
    """The fitted regressions in `folder` (config.json, spec.json, model.npz).

    Raises:
        UserError: if a file is missing or no regression's.
    """
    return fitted.load(folder, Lagged)  # type: ignore[type-abstract]
