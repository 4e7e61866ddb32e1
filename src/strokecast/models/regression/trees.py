"""Gradient-boosted regression trees, fitted by scikit-learn, kept and asked as plain arrays.

scikit-learn's `GradientBoostingRegressor` is taken, and neither its faster histogram sister nor another library: all
that makes up its forecasts lies in public attributes (`init_`, `estimators_`, `tree_`), from which they can be stored
without pickle and read by any later version, while the histogram one keeps its trees in private ones.

Shape legend: B windows, H days ahead, D targets, K features of a regression, M trees, N nodes of a full one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.models.regression.lagged import Features, Floats, Lagged

_NODES = ("left", "right", "feature", "threshold", "value")


class BoostedTrees(Lagged):
    """Trees on top of each other, each on what those before leave over.

    What they read of values, and what they forecast, is counted from the mean of the last days: a tree knows no level
    beyond those it has seen, and series grow.

    Args:
        trees: M.
        depth: of each tree.
        learning_rate: share of each tree that counts.
        subsample: share of the windows that each tree sees.
        max_features: share of the features that each split chooses among.
        loss: what is made small: squared_error, absolute_error or huber.
        spec, lags, weeks: as `Lagged`.
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

    def _learn(
        self, features: Features, target: Floats, seed: int, valid: tuple[Features, Floats] | None
    ) -> dict[str, NDArray[Any]]:
        from sklearn.ensemble import GradientBoostingRegressor

        relative, level = self._relative(features)
        kept: dict[str, list[Any]] = {name: [] for name in (*_NODES, "start")}
        for step in range(self.horizon):
            for of in range(self.targets):
                model = GradientBoostingRegressor(random_state=seed, **self.options)
                model.fit(relative[step], target[:, step, of] - level[:, of])
                kept["start"].append(float(model.init_.constant_.item()))
                trees = [tree.tree_ for tree in model.estimators_[:, 0]]
                kept["left"].append([tree.children_left for tree in trees])
                kept["right"].append([tree.children_right for tree in trees])
                kept["feature"].append([tree.feature for tree in trees])
                kept["threshold"].append([tree.threshold for tree in trees])
                kept["value"].append([model.learning_rate * tree.value[:, 0, 0] for tree in trees])
        nodes = 2 ** (self.depth + 1) - 1
        start = np.array(kept.pop("start"))
        return {"start": start} | {name: _together(rows, nodes) for name, rows in kept.items()}

    def _ahead(self, features: Features) -> Floats:
        relative, level = self._relative(features)
        made = np.empty((len(level), self.horizon, self.targets))
        for step in range(self.horizon):
            for of in range(self.targets):
                row = step * self.targets + of
                made[:, step, of] = level[:, of] + self.arrays["start"][row] + self._sum(relative[step], row)
        return made

    def _sum(self, features: Features, row: int) -> Floats:
        """What the trees of one regression say together: float64 [B] of features [B, K]."""
        left, right, feature, threshold, value = (self.arrays[name][row] for name in _NODES)  # each [M, N]
        trees = np.arange(len(left))
        at = np.zeros((len(features), len(left)), np.int64)  # [B, M], the node each window has come to
        for _ in range(self.depth):
            asked = np.take_along_axis(features, np.maximum(feature[trees, at], 0), axis=1)
            goes = np.where(asked <= threshold[trees, at], left[trees, at], right[trees, at])
            at = np.where(left[trees, at] < 0, at, goes)  # a leaf has no children
        total: Floats = value[trees, at].sum(axis=1)
        return total

    def _relative(self, features: Features) -> tuple[Features, Floats]:
        """Features float32 [H, B, K] counted from the level float64 [B, D + P] of each channel.

        What is known of the day stays, the level itself stands in for the oldest lag.
        """
        lagged = self.lags * self.read
        values = lagged + len(self.weeks) * self.read
        level = features[0, :, :lagged].reshape(-1, self.lags, self.read).mean(axis=1)  # [B, D + P]
        relative = features.copy()
        relative[:, :, :values] -= np.tile(level, values // self.read)
        relative[:, :, : self.read] = level
        return relative, level.astype(np.float64)


def _together(rows: list[list[NDArray[Any]]], nodes: int) -> NDArray[Any]:
    """Trees of unequal size as one array [H * D, M, N]; what lies beyond a tree's own nodes is never asked."""
    made = np.zeros((len(rows), len(rows[0]), nodes), rows[0][0].dtype)
    for number, row in enumerate(rows):
        for place, tree in enumerate(row):
            made[number, place, : len(tree)] = tree
    return made
