"""The mean of a ridge regression and of gradient-boosted trees; no network.

Shape legend: B windows, H days ahead, D targets, K features of a regression.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.models.regression.lagged import Features, Floats, Lagged, Ridge
from strokecast.models.regression.trees import BoostedTrees


class Combined(Lagged):
    """Both fitted on the same features; their forecasts weigh the same.

    Args:
        spec, lags, weeks: as `Lagged`.
        l2: as `Ridge`.
        boosting: as `BoostedTrees`, by name.
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
        self.members: dict[str, Lagged] = {
            "ridge": Ridge(spec, lags, weeks, l2),
            "trees": BoostedTrees(spec, lags, weeks, **boosting),
        }

    def _learn(
        self,
        features: Features,
        target: Floats,
        seed: int,
        valid: tuple[Features, Floats] | None,
    ) -> dict[str, NDArray[Any]]:
        return {
            f"{name}.{key}": values
            for name, member in self.members.items()
            for key, values in member._learn(features, target, seed, valid).items()
        }

    def _ahead(self, features: Features) -> Floats:
        made = []
        for name, member in self.members.items():
            start = f"{name}."
            member.arrays = {k.removeprefix(start): v for k, v in self.arrays.items() if k.startswith(start)}
            made.append(member._ahead(features))
        mean: Floats = np.mean(made, axis=0)
        return mean
