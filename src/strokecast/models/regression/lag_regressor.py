"""Base class of regressions on lags: one regression per day ahead, without a network.

Inputs and outputs are those of the forecasting networks: {"past": [B, W, C], "future": [B, H, F]}, transformed and
scaled. scikit-learn is imported only to fit; prediction uses numpy alone.

Shape legend: B windows, W days of past, C channels (D targets, P past covariates, F known features), H days ahead,
K features of a regression.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.models.common import array_model
from strokecast.models.regression.config import WEEK, check_window

Features = NDArray[np.float32]
Floats = NDArray[np.float64]
Windows = tuple[Mapping[str, NDArray[np.float32]], NDArray[np.float32]]  # (inputs, target)


class LagRegressor(array_model.ArrayModel, ABC):
    """A direct multi-step forecaster: one regression per day ahead and target.

    Args:
        spec: spec of the processed data (`input_size`, `horizon`, `targets`, `past_covariates`).
        lags: number of last days of targets and past covariates to read, at most W; None: W.
        weeks: for each number n, the mean of the same weekday over the last n weeks is a feature; 7 n <= W.

    Raises:
        UserError: if the window is shorter than the lags or the weeks.
    """

    name: str  # entry in params.yaml

    def __init__(self, spec: Mapping[str, Any], lags: int | None, weeks: tuple[int, ...]) -> None:
        super().__init__()
        self.spec = spec
        input_size = int(spec["input_size"])
        self.horizon = int(spec["horizon"])
        self.targets = len(spec["targets"])
        self.value_channels = self.targets + len(spec["past_covariates"])  # the first channels, D + P
        self.lags = input_size if lags is None else lags
        self.weeks = weeks
        check_window(input_size, self.lags, weeks, f"params.yaml: models.forecast.{self.name}.config")

    def fit(
        self,
        inputs: Mapping[str, NDArray[np.float32]],
        target: NDArray[np.float32],
        seed: int,
        valid: Windows | None = None,
    ) -> None:
        """Fit all regressions.

        Args:
            inputs: training windows {"past": [B, W, C], "future": [B, H, F]}.
            target: float32 [B, H, D], the true values.
            seed: random seed.
            valid: (inputs, target) of the validation windows, to choose hyperparameters that are None.

        Raises:
            ValueError: if a hyperparameter has to be chosen and `valid` is None.
        """
        valid_set = None if valid is None else (self.features(valid[0]), valid[1].astype(np.float64))
        self.arrays = self._fit(self.features(inputs), target.astype(np.float64), seed, valid_set)

    def predict(self, inputs: Mapping[str, NDArray[np.float32]]) -> Floats:
        """Forecasts float64 [B, H, D], transformed and scaled.

        Args:
            inputs: windows {"past": [B, W, C], "future": [B, H, F]}.

        Raises:
            ValueError: if the model is not fitted.
        """
        if not self.arrays:
            raise ValueError("the model is not fitted: call fit or load it")
        return self._predict(self.features(inputs))

    def features(self, inputs: Mapping[str, NDArray[np.float32]]) -> Features:
        """The features of each day's regression: float32 [H, B, K].

        In this order: the last `lags` days, the means of the same weekday, the known features of the day.
        """
        past = inputs["past"][:, :, : self.value_channels]  # [B, W, D + P]
        lagged = past[:, past.shape[1] - self.lags :].reshape(len(past), -1)
        future = inputs.get("future", np.zeros((len(past), self.horizon, 0), np.float32))  # [B, H, F]
        by_step = []
        for step in range(self.horizon):
            same_weekday = past[:, step % WEEK - WEEK :: -WEEK]  # [B, weeks, D + P], latest week first
            means = [same_weekday[:, :weeks].mean(axis=1) for weeks in self.weeks]
            by_step.append(np.concatenate([lagged, *means, future[:, step]], axis=1))
        return np.stack(by_step).astype(np.float32)

    @abstractmethod
    def _fit(
        self, features: Features, target: Floats, seed: int, valid: tuple[Features, Floats] | None
    ) -> dict[str, NDArray[Any]]:
        """The fitted arrays, from features [H, B, K] and target [B, H, D]; `valid` has the same two."""

    @abstractmethod
    def _predict(self, features: Features) -> Floats:
        """Forecasts [B, H, D] of features [H, B, K], from `arrays`."""


def load(folder: Path) -> LagRegressor:
    """Load the fitted regressions in `folder` (config.json, spec.json, model.npz).

    Raises:
        UserError: if a file is missing or does not belong to a regression on lags.
    """
    return array_model.load(folder, LagRegressor)  # type: ignore[type-abstract]
