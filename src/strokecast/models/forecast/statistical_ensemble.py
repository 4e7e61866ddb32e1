"""The mean of `auto_arima`, `auto_ets`, `auto_ces` and `dynamic_optimized_theta`.

Source: Petropoulos and Svetunkov, 2020 (a simple combination of univariate models; they take the median),
https://doi.org/10.1016/j.ijforecast.2019.01.006; the members are estimated by statsforecast.

Shape legend: n days of history, H days ahead.
Kind: statistical forecaster. The forms of the members are selected on the training days and stored; their parameters are
estimated on the history before each origin.
When to use it: if no single statistical forecaster stands out. It costs as much as its members together;
`dynamic_optimized_theta` limits the days of history.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import Config, MaxHistoryDays
from strokecast.models.common.registry import register
from strokecast.models.statistical.theta_and_ces import StatisticalEnsemble


class StatisticalEnsembleConfig(Config):
    """Settings of `forecast.statistical_ensemble`."""

    combine: Literal["mean", "median"] = Field(
        "mean", description="how the four forecasts of a day are combined"
    )
    max_history_days: MaxHistoryDays = Field(365, ge=StatisticalEnsemble.min_history)


@register(
    "forecast",
    "statistical_ensemble",
    StatisticalEnsembleConfig,
    testing=StatisticalEnsembleConfig(max_history_days=70),
    kind="rule",
    requirements=("statsforecast",),
)
def build(config: StatisticalEnsembleConfig, spec: Mapping[str, Any]) -> StatisticalEnsemble:
    """values [n] → forecasts [H], in the series' own unit."""
    return StatisticalEnsemble(config.combine, config.max_history_days, bool(spec.get("counts", False)))
