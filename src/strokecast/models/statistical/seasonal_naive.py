"""The seasonal naive forecaster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strokecast.models.statistical.base import StatisticalForecaster

if TYPE_CHECKING:
    from strokecast.models.statistical.base import Days, Floats


class SeasonalNaive(StatisticalForecaster):
    """Repeats the last season; horizons longer than one season repeat it several times.

    Args:
        season: season length in days.

    Example:
        With a season of 7 and history 0, 1, ..., 19, the next 3 days are 13, 14, 15.
    """

    def __init__(self, season: int) -> None:
        super().__init__()
        self.min_history = self.season = season

    def _predict(self, values: Floats, next_days: Days) -> Floats:
        import numpy as np

        forecast: Floats = values[-self.season :][np.arange(len(next_days)) % self.season]
        return forecast
