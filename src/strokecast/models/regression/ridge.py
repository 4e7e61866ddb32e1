"""Ridge regression on lags, fitted by scikit-learn.

Shape legend: B windows, H days ahead, D targets, K features of a regression.
"""

from __future__ import annotations

from collections.abc import Mapping
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
            return _fit_ridge(features, target, self.l2)
        if valid is None:
            raise ValueError("validation windows are required to choose l2")
        candidates = []
        for l2 in L2_GRID:
            arrays = _fit_ridge(features, target, l2)
            error = np.abs(_predict_linear(arrays, valid[0]) - valid[1])[..., 0].mean()
            candidates.append((float(error), l2, arrays))
        _, best_l2, arrays = min(candidates, key=lambda candidate: candidate[:2])
        return arrays | {"l2": np.array(best_l2)}

    def _predict(self, features: Features) -> Floats:
        return _predict_linear(self.arrays, features)


def _fit_ridge(features: Features, target: Floats, l2: float) -> dict[str, NDArray[Any]]:
    """Weights [H, K, D] and bias [H, D] on standardised features, with their mean and std [H, K]."""
    from sklearn import linear_model
    from threadpoolctl import threadpool_limits

    exact = features.astype(np.float64)
    mean, std = exact.mean(axis=1), exact.std(axis=1)
    std[std < 1e-6] = 1.0  # constant features, e.g. the flag of a holiday that is not in the training days
    model = linear_model.Ridge(alpha=l2 * target.shape[0], solver="cholesky")
    weights, bias = [], []
    with threadpool_limits(1):  # the products are small; on a busy machine, threads would wait for each other
        for step in range(len(exact)):
            model.fit((exact[step] - mean[step]) / std[step], target[:, step])
            weights.append(np.atleast_2d(model.coef_).T)  # [K, D]
            bias.append(np.atleast_1d(model.intercept_))  # [D]
    return {"weights": np.stack(weights), "bias": np.stack(bias), "mean": mean, "std": std}


def _predict_linear(arrays: Mapping[str, NDArray[Any]], features: Features) -> Floats:
    """Forecasts [B, H, D] of features [H, B, K] with the arrays of `_fit_ridge`."""
    standardised = (features - arrays["mean"][:, None]) / arrays["std"][:, None]  # [H, B, K]
    by_step = standardised @ arrays["weights"] + arrays["bias"][:, None]  # [H, B, D]
    forecasts: Floats = np.swapaxes(by_step, 0, 1)
    return forecasts
