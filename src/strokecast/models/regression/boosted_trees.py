"""Gradient-boosted regression trees on lags: fitted by scikit-learn, stored and evaluated as plain arrays.

`GradientBoostingRegressor` has everything that its forecasts need in public attributes (`init_`, `estimators_`,
`tree_`). So the trees can be stored without pickle and read by any later version. The faster
`HistGradientBoostingRegressor` keeps its trees in private attributes.

Shape legend: B windows, H days ahead, D targets, K features of a regression, M trees, N nodes of a full tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.models.regression.lag_regressor import Features, Floats, LagRegressor

_NODE_ARRAYS = ("left", "right", "feature", "threshold", "value")


class BoostedTrees(LagRegressor):
    """Gradient boosting on features relative to the level of the last days.

    Trees cannot extrapolate beyond the values that they were fitted on, and series grow. Therefore both the value
    features and the target are differences from the mean of the last `lags` days.

    Args:
        spec, lags, weeks: see `LagRegressor`.
        trees: M, boosting stages.
        depth: maximum depth of each tree.
        learning_rate: factor of each tree's contribution.
        subsample: share of the windows that each tree is fitted on.
        max_features: share of the features considered at each split.
        loss: squared_error, absolute_error or huber.
    """

    name = "boosted_trees"

    def __init__(
        self,
        spec: Mapping[str, Any],
        lags: int | None,
        weeks: tuple[int, ...],
        *,
        trees: int,
        depth: int,
        learning_rate: float,
        subsample: float,
        max_features: float,
        loss: str,
    ) -> None:
        super().__init__(spec, lags, weeks)
        self.depth = depth
        self.options = {
            "n_estimators": trees,
            "max_depth": depth,
            "learning_rate": learning_rate,
            "subsample": subsample,
            "max_features": max_features,
            "loss": loss,
        }

    def _fit(
        self, features: Features, target: Floats, seed: int, valid: tuple[Features, Floats] | None
    ) -> dict[str, NDArray[Any]]:
        from sklearn.ensemble import GradientBoostingRegressor

        relative, level = self._relative_to_level(features)
        start: list[float] = []
        nodes: dict[str, list[Any]] = {name: [] for name in _NODE_ARRAYS}
        for step in range(self.horizon):
            for channel in range(self.targets):
                model = GradientBoostingRegressor(random_state=seed, **self.options)
                model.fit(relative[step], target[:, step, channel] - level[:, channel])
                start.append(float(model.init_.constant_.item()))
                trees = [tree.tree_ for tree in model.estimators_[:, 0]]
                nodes["left"].append([tree.children_left for tree in trees])
                nodes["right"].append([tree.children_right for tree in trees])
                nodes["feature"].append([tree.feature for tree in trees])
                nodes["threshold"].append([tree.threshold for tree in trees])
                nodes["value"].append([model.learning_rate * tree.value[:, 0, 0] for tree in trees])
        width = 2 ** (self.depth + 1) - 1
        padded = {name: _pad_trees(regressions, width) for name, regressions in nodes.items()}
        return {"start": np.array(start)} | padded

    def _predict(self, features: Features) -> Floats:
        relative, level = self._relative_to_level(features)
        forecasts = np.empty((len(level), self.horizon, self.targets))
        for step in range(self.horizon):
            for channel in range(self.targets):
                row = step * self.targets + channel
                trees = self._sum_of_trees(relative[step], row)
                forecasts[:, step, channel] = level[:, channel] + self.arrays["start"][row] + trees
        return forecasts

    def _sum_of_trees(self, features: Features, row: int) -> Floats:
        """Sum of the trees of one regression: float64 [B] for features [B, K]."""
        left, right, feature, threshold, value = (
            self.arrays[name][row] for name in _NODE_ARRAYS
        )  # each [M, N]
        trees = np.arange(len(left))
        node = np.zeros((len(features), len(left)), np.int64)  # [B, M], current node per window and tree
        for _ in range(self.depth):
            split_values = np.take_along_axis(features, np.maximum(feature[trees, node], 0), axis=1)
            child = np.where(split_values <= threshold[trees, node], left[trees, node], right[trees, node])
            node = np.where(left[trees, node] < 0, node, child)  # a leaf has no children
        total: Floats = value[trees, node].sum(axis=1)
        return total

    def _relative_to_level(self, features: Features) -> tuple[Features, Floats]:
        """Features relative to the level, float32 [H, B, K], and the level of each channel, float64 [B, D + P].

        The known features of the day are unchanged. The level itself replaces the oldest lag.
        """
        lagged = self.lags * self.value_channels
        values = lagged + len(self.weeks) * self.value_channels
        level = features[0, :, :lagged].reshape(-1, self.lags, self.value_channels).mean(axis=1)  # [B, D + P]
        relative = features.copy()
        relative[:, :, :values] -= np.tile(level, values // self.value_channels)
        relative[:, :, : self.value_channels] = level
        return relative, level.astype(np.float64)


def _pad_trees(regressions: list[list[NDArray[Any]]], width: int) -> NDArray[Any]:
    """Trees of different sizes as one array [H * D, M, N], zero-padded; the padding is never visited."""
    padded = np.zeros((len(regressions), len(regressions[0]), width), regressions[0][0].dtype)
    for row, trees in enumerate(regressions):
        for number, tree in enumerate(trees):
            padded[row, number, : len(tree)] = tree
    return padded
