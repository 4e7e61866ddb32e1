"""LightGBM over all origins and days ahead at once: corrects the forecast of the level by a ridge regression.

With quantile levels, one model per level is boosted with the loss of that quantile (Koenker and Bassett, 1978,
https://doi.org/10.2307/1913643), and the quantiles of a day are sorted (Chernozhukov et al., 2010, https://doi.org/10.3982/ECTA7880).

Shapes: n days of history, O origins, H days ahead, K features, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.models.pooled import level_regression
from strokecast.models.pooled.calendar_design import WEEK, fit_design
from strokecast.models.pooled.day_features import CATEGORIES, NAMES, day_features
from strokecast.models.pooled.level_features import Ints, level_features
from strokecast.models.pooled.pooled_forecaster import FitContext, LevelForecast, PooledForecaster

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
        **options: Any,
    ) -> None:
        super().__init__(spec, **options)
        self.trees, self.rows, self.quantile_levels = trees, rows, quantiles
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
        lightgbm = import_lightgbm()
        all_days = context.start + np.arange(len(context.effects)).astype("timedelta64[D]")
        names = fit_design(all_days[: len(context.adjusted)], context.country).holiday_names
        by_day = day_features(all_days, context.country, names)
        weekly_effects = np.convolve(context.effects, np.ones(4 * WEEK) / (4 * WEEK))[: len(context.effects)]

        def features(values: Floats, origins: Ints, horizon: int, start: int) -> tuple[Floats, Floats]:
            """Features [O, H, K] and the level [O]; `start`: position of the first of the values in the history."""
            of_level, level = level_features(values, origins, horizon, context.level_days)
            ahead = np.arange(horizon)
            days = origins[:, None] + start + ahead  # [O, H]
            effect = context.effects[days] - weekly_effects[origins + start - 1][:, None]
            further = np.stack([effect, np.broadcast_to(ahead, days.shape)], axis=-1)
            return np.concatenate([of_level, by_day[days], further], axis=-1), level

        ridge = level_regression.fit(context.adjusted, context.horizon, context.level_days)
        rows = level_regression.training_rows(
            context.adjusted, context.horizon, context.level_days, self.rows
        )
        days_ahead = rows.target.shape[1]
        inputs, level = features(context.adjusted, rows.origins, days_ahead, 0)
        target = rows.target + level[:, None] - ridge(context.adjusted, rows.origins, days_ahead, 0)
        scale = float(target.std()) or 1.0
        first = rows.features.shape[-1]
        data = lightgbm.Dataset(
            inputs.reshape(-1, inputs.shape[-1]),
            target.ravel() / scale,
            weight=np.repeat(rows.weights, days_ahead),
            categorical_feature=[first + NAMES.index(name) for name in CATEGORIES],
        )
        objectives: list[dict[str, Any]] = [
            {"objective": "quantile", "alpha": level} for level in self.quantile_levels
        ]
        boosters = [
            lightgbm.train(self.parameters | objective, data, self.trees)
            for objective in objectives or [{"objective": "l1"}]
        ]

        def forecast(values: Floats, origins: Ints, horizon: int, start: int) -> Floats:
            inputs, _ = features(values, origins, horizon, start)
            flat = inputs.reshape(-1, inputs.shape[-1])
            corrections = np.stack(
                [booster.predict(flat, num_threads=_THREADS) for booster in boosters], axis=-1
            )
            corrections = np.sort(corrections, axis=-1).reshape(len(origins), horizon, -1)
            levels = ridge(values, origins, horizon, start)[..., None] + scale * corrections
            return levels if self.quantile_levels else levels[..., 0]

        return forecast


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
