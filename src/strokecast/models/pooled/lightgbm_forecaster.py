"""LightGBM over all origins and days ahead at once: corrects the forecast of the level by a ridge regression.

With quantile levels, one model per level is boosted with the loss of that quantile (Koenker and Bassett, 1978,
https://doi.org/10.2307/1913643), and the quantiles of a day are sorted (Chernozhukov et al., 2010, https://doi.org/10.3982/ECTA7880).

Shapes: n days of history, O origins, H days ahead, K features, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.models.pooled import level_regression
from strokecast.models.pooled.level_features import Ints
from strokecast.models.pooled.pooled_forecaster import FitContext, LevelForecast, PooledForecaster
from strokecast.models.pooled.tree_inputs import TreeInputs, holidays_of
from strokecast.models.statistical.base import SeriesHistory

Floats = NDArray[np.float64]

_THREADS = 1  # rows are few; the result does not depend on the machine


class LightGbm(PooledForecaster):
    """Gradient boosting of what a ridge regression leaves of the level, with the day ahead as a feature.

    Args:
        spec: spec of the processed data.
        trees: boosting stages.
        learning_rate: factor of each tree's contribution.
        leaves: maximum leaves of a tree.
        rows: largest number of rows, one per origin and day ahead.
        quantiles: Q rising levels, 0.5 among them; (): a point forecast.
        pool_series: whether a model of several series is one for all (`fit_shared`), which is not refitted.
        options: see `PooledForecaster`.
    """

    def __init__(
        self,
        spec: Mapping[str, Any],
        *,
        trees: int,
        learning_rate: float,
        leaves: int,
        rows: int,
        quantiles: tuple[float, ...] = (),
        pool_series: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(spec, **options)
        self.trees, self.rows, self.quantile_levels = trees, rows, quantiles
        self.pools_series = pool_series
        self._read_boosters: list[Any] | None = None
        self.parameters = {
            "learning_rate": learning_rate,
            "num_leaves": leaves,
            "min_data_in_leaf": 40,
            "feature_fraction": 0.4,
            "bagging_fraction": 0.5,
            "bagging_freq": 1,
            "max_bin": 63,
            "seed": 1,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": _THREADS,
            "verbose": -1,
        }

    def _fit_level(self, context: FitContext) -> LevelForecast:
        ridge = level_regression.fit(context.adjusted, context.horizon, context.level_days)
        inputs, scale = TreeInputs.of(context), 1.0
        if self.shared is None:
            rows = self._rows(inputs, ridge)
            scale = rows.scale
            boosters = self._boost([rows], inputs)
        else:
            scale = self._rows(inputs, ridge).scale
            number = self.shared["series"].index(self.series)
            inputs = TreeInputs.of(context, self.shared["holiday_names"], scale, number)
            boosters = self._shared_boosters()

        def forecast(values: Floats, origins: Ints, horizon: int, start: int) -> Floats:
            features, _ = inputs.features(values, origins, horizon, start)
            flat = features.reshape(-1, features.shape[-1])
            corrections = np.stack(
                [booster.predict(flat, num_threads=_THREADS) for booster in boosters], axis=-1
            )
            corrections = np.sort(corrections, axis=-1).reshape(len(origins), horizon, -1)
            levels = ridge(values, origins, horizon, start)[..., None] + scale * corrections
            return levels if self.quantile_levels else levels[..., 0]

        return forecast

    def fit_shared(self, members: Mapping[str, tuple[Any, SeriesHistory]]) -> dict[str, Any]:
        """Boost one model on the training days of all series, each in its own unit and relative to its own level.

        Args:
            members: series → its fitted forecaster of this class, and its training days.

        Returns:
            `series` and `holiday_names`, which have a number in the features, and `boosters`, one per quantile level.
        """
        contexts = {name: member.training_context(history) for name, (member, history) in members.items()}
        names = sorted({holiday for context in contexts.values() for holiday in holidays_of(context)})
        all_rows, inputs = [], None
        for number, context in enumerate(contexts.values()):
            ridge = level_regression.fit(context.adjusted, context.horizon, context.level_days)
            scale = self._rows(TreeInputs.of(context, names), ridge).scale
            inputs = TreeInputs.of(context, names, scale, number)
            all_rows.append(self._rows(inputs, ridge))
        assert inputs is not None
        boosters = self._boost(all_rows, inputs)
        return {
            "series": list(members),
            "holiday_names": names,
            "boosters": [booster.model_to_string() for booster in boosters],
        }

    def _shared_boosters(self) -> list[Any]:
        """The boosters of `shared`, read once."""
        if self._read_boosters is None:
            lightgbm = import_lightgbm()
            texts = (self.shared or {})["boosters"]
            self._read_boosters = [lightgbm.Booster(model_str=text) for text in texts]
        return self._read_boosters

    def _rows(self, inputs: TreeInputs, ridge: LevelForecast) -> _Rows:
        """What ridge leaves of the training rows of one series."""
        context = inputs.context
        rows = level_regression.training_rows(
            context.adjusted, context.horizon, context.level_days, self.rows
        )
        days_ahead = rows.target.shape[1]
        features, level = inputs.features(context.adjusted, rows.origins, days_ahead, 0)
        target = rows.target + level[:, None] - ridge(context.adjusted, rows.origins, days_ahead, 0)
        scale = float(target.std()) or 1.0
        weights = np.repeat(rows.weights, days_ahead)
        return _Rows(features.reshape(-1, features.shape[-1]), target.ravel() / scale, weights, scale)

    def _boost(self, rows: Sequence[_Rows], inputs: TreeInputs) -> list[Any]:
        """One booster per quantile level, or one of the median, on the rows of all series."""
        lightgbm = import_lightgbm()
        features = np.concatenate([one.features for one in rows])
        data = lightgbm.Dataset(
            features,
            np.concatenate([one.target for one in rows]),
            weight=np.concatenate([one.weights for one in rows]),
            categorical_feature=inputs.categories(features.shape[-1]),
        )
        objectives: list[dict[str, Any]] = [
            {"objective": "quantile", "alpha": level} for level in self.quantile_levels
        ]
        return [
            lightgbm.train(self.parameters | objective, data, self.trees)
            for objective in objectives or [{"objective": "l1"}]
        ]


@dataclass(frozen=True)
class _Rows:
    """Training rows of one series: features [R, K], target [R] in units of `scale`, weights [R]."""

    features: Floats
    target: Floats
    weights: Floats
    scale: float


def import_lightgbm() -> Any:
    """The module `lightgbm`.

    Raises:
        UserError: if it is not installed, or if the system lacks its library libgomp.
    """
    try:
        import lightgbm
    except ImportError:
        raise UserError(
            "LightGBM is not installed",
            location="params.yaml: models.forecast.lightgbm",
            fix="run `make env`, or set enabled: false",
        ) from None
    except OSError as error:
        raise UserError(
            f"LightGBM cannot be loaded: {error}",
            location="params.yaml: models.forecast.lightgbm",
            fix="install the OpenMP library of the system (libgomp1 on Debian and Ubuntu, libgomp on Fedora, libomp on "
            "macOS), or set enabled: false",
        ) from None
    return lightgbm
