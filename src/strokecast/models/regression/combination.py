"""The equally weighted mean of a ridge regression and gradient-boosted trees.

Shape legend: B windows, H days ahead, D targets, K features of a regression.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.models.regression.boosted_trees import BoostedTrees
from strokecast.models.regression.lag_regressor import Features, Floats, LagRegressor
from strokecast.models.regression.ridge import RidgeRegressor


class Combination(LagRegressor):
    """Fits both members on the same features and averages their forecasts.

    Args:
        spec, lags, weeks: see `LagRegressor`.
        l2: see `RidgeRegressor`.
        boosting: keyword arguments of `BoostedTrees`.
    """

    name = "combination"

    def __init__(
        self,
        spec: Mapping[str, Any],
        lags: int | None,
        weeks: tuple[int, ...],
        *,
        l2: float | None,
        **boosting: Any,
    ) -> None:
        super().__init__(spec, lags, weeks)
        self.members: dict[str, LagRegressor] = {
            "ridge": RidgeRegressor(spec, lags, weeks, l2),
            "trees": BoostedTrees(spec, lags, weeks, **boosting),
        }

    def selected_config(self) -> dict[str, Any]:
        """`l2`, if it was chosen on the validation windows."""
        return {"l2": float(self.arrays["ridge.l2"])} if "ridge.l2" in self.arrays else {}

    def _fit(
        self,
        features: Features,
        target: Floats,
        seed: int,
        valid: tuple[Features, Floats] | None,
    ) -> dict[str, NDArray[Any]]:
        return {
            f"{name}.{key}": values
            for name, member in self.members.items()
            for key, values in member._fit(features, target, seed, valid).items()
        }

    def _predict(self, features: Features) -> Floats:
        forecasts = []
        for name, member in self.members.items():
            prefix = f"{name}."
            member.arrays = {
                key.removeprefix(prefix): values
                for key, values in self.arrays.items()
                if key.startswith(prefix)
            }
            forecasts.append(member._predict(features))
        mean: Floats = np.mean(forecasts, axis=0)
        return mean
