"""Ridge regression on lags, fitted by its normal equations.

Shape legend: B windows, H days ahead, D targets, K features of a regression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.models.regression.lag_regressor import Features, Floats, LagRegressor

L2_GRID = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class RidgeRegressor(LagRegressor):
    """Linear regression on standardised features with a penalty on squared weights.

    Args:
        spec, lags, weeks: see `LagRegressor`.
        l2: penalty per window. None: the value of `L2_GRID` with the lowest MAE of the first target (transformed
            and scaled) on the validation windows; it is stored as the array `l2`.
    """

    name = "ridge"

    def __init__(
        self, spec: Mapping[str, Any], lags: int | None, weeks: tuple[int, ...], l2: float | None
    ) -> None:
        super().__init__(spec, lags, weeks)
        self.l2 = l2

    def selected_config(self) -> dict[str, Any]:
        """`l2`, if it was chosen on the validation windows."""
        return {"l2": float(self.arrays["l2"])} if "l2" in self.arrays else {}

    def _fit(
        self, features: Features, target: Floats, seed: int, valid: tuple[Features, Floats] | None
    ) -> dict[str, NDArray[Any]]:
        if self.l2 is not None:
            return _fit_ridge(features, target, (self.l2,))[0]
        if valid is None:
            raise ValueError("validation windows are required to choose l2")
        fits = _fit_ridge(features, target, L2_GRID)
        errors = [np.abs(_predict_linear(arrays, valid[0]) - valid[1])[..., 0].mean() for arrays in fits]
        best = int(np.argmin(errors))
        return fits[best] | {"l2": np.array(L2_GRID[best])}

    def _predict(self, features: Features) -> Floats:
        return _predict_linear(self.arrays, features)


def _fit_ridge(
    features: Features, target: Floats, penalties: Sequence[float]
) -> list[dict[str, NDArray[Any]]]:
    """Weights [H, K, D] and bias [H, D] on standardised features, with their mean and std [H, K]; one fit per penalty.

    The products of the features, which take most of the time, are computed once for all penalties.
    """
    from threadpoolctl import threadpool_limits

    mean, std = features.mean(axis=1, dtype=np.float64), features.std(axis=1, dtype=np.float64)
    std[std < 1e-6] = 1.0  # constant features, e.g. the flag of a holiday that is not in the training days
    bias = target.mean(axis=0)  # [H, D]
    weights = np.empty((len(penalties), *mean.shape, target.shape[2]))
    diagonal = np.arange(mean.shape[1])
    with threadpool_limits(1):  # the products are small; on a busy machine, threads would wait for each other
        for step in range(len(features)):
            standardised = (features[step] - mean[step]) / std[step]
            products, moments = (
                standardised.T @ standardised,
                standardised.T @ (target[:, step] - bias[step]),
            )
            for row, penalty in enumerate(penalties):
                penalised = products.copy()
                penalised[diagonal, diagonal] += penalty * target.shape[0]
                weights[row, step] = np.linalg.solve(penalised, moments)
    return [{"weights": one, "bias": bias, "mean": mean, "std": std} for one in weights]


def _predict_linear(arrays: Mapping[str, NDArray[Any]], features: Features) -> Floats:
    """Forecasts [B, H, D] of features [H, B, K] with the arrays of `_fit_ridge`."""
    standardised = (features - arrays["mean"][:, None]) / arrays["std"][:, None]  # [H, B, K]
    by_step = standardised @ arrays["weights"] + arrays["bias"][:, None]  # [H, B, D]
    forecasts: Floats = np.swapaxes(by_step, 0, 1)
    return forecasts
