"""The theta method, complex exponential smoothing and the combination of four forecasters, through statsforecast.

As in `statsforecast_models`, `fit` selects the specification and `predict` estimates the parameters. numba compiles complex
exponential smoothing at its first use, which takes half a minute, and keeps the result on disk for later processes.

Shapes: n days of history, H days ahead.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from strokecast.models.statistical.statsforecast_models import WEEK, AutoArima, AutoEts, StatsforecastModel

if TYPE_CHECKING:
    from strokecast.models.statistical.base import Floats


class DynamicOptimizedTheta(StatsforecastModel):
    """Theta method with optimised theta and drift, on values without their week if the week is significant."""

    min_history = 3 * WEEK

    def _forecast(self, values: Floats, horizon: int) -> Floats:
        from statsforecast.models import DynamicOptimizedTheta as Theta

        mean: Floats = Theta(season_length=WEEK).forecast(values, horizon)["mean"]
        return mean


class AutoCes(StatsforecastModel):
    """Complex exponential smoothing with a weekly season; AICc selects the form of the season."""

    min_history = 3 * WEEK

    def _select(self, values: Floats) -> dict[str, Any]:
        if values.min() == values.max():  # the forecast is the last value, whatever the form
            return {"model": "N"}
        return {"model": str(_auto_ces(season_length=WEEK).fit(values).model_["seasontype"])}

    def _forecast(self, values: Floats, horizon: int) -> Floats:
        model = _auto_ces(season_length=WEEK, model=str(self.specification["model"]))
        mean: Floats = model.forecast(values, horizon)["mean"]
        return mean


class StatisticalEnsemble(StatsforecastModel):
    """The mean or median of ARIMA, exponential smoothing, complex exponential smoothing and the theta method.

    Args:
        combine: `mean` or `median` of the four forecasts of a day.
        max_history_days, counts: see `StatsforecastModel`.
    """

    min_history = AutoArima.min_history

    def __init__(
        self, combine: Literal["mean", "median"], max_history_days: int | None, counts: bool
    ) -> None:
        super().__init__(max_history_days, counts)
        self.combine = combine
        self.members: dict[str, StatsforecastModel] = {
            "auto_arima": AutoArima(max_history_days, counts=False),
            "auto_ets": AutoEts(max_history_days, counts=False),
            "auto_ces": AutoCes(max_history_days, counts=False),
            "dynamic_optimized_theta": DynamicOptimizedTheta(max_history_days, counts=False),
        }

    def _select(self, values: Floats) -> dict[str, Any]:
        return {name: member._select(values) for name, member in self.members.items()}

    def _forecast(self, values: Floats, horizon: int) -> Floats:
        import numpy as np

        forecasts = []
        for name, member in self.members.items():
            member.specification = self.specification[name]
            forecasts.append(member._forecast(values, horizon))
        combined: Floats = (
            np.median(forecasts, axis=0) if self.combine == "median" else np.mean(forecasts, axis=0)
        )
        return combined


def _auto_ces(**settings: Any) -> Any:
    """statsforecast's AutoCES. Its compiled functions are kept in numba's cache, unless none of its folders is writable."""
    from statsforecast import ces, models

    functions: list[Any] = [value for value in vars(ces).values() if hasattr(value, "enable_caching")]
    for function in functions:
        with suppress(RuntimeError):  # no folder is writable
            function.enable_caching()
    return models.AutoCES(**settings)
