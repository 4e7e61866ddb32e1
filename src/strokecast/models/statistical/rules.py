"""What every forecasting rule shares, and the seasonal naive ones; numpy alone.

A rule stores its config and what it found on the training days (`found`: plain JSON values), no weights. Whatever
else it needs it estimates anew on the history it is given.

Shapes: n days of history, H days ahead.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # the always-running sync stage checks every config and starts fast without numpy
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Past(Protocol):
    """What a rule reads of a `strokecast.features.timeseries.horizons.History`."""

    @property
    def values(self) -> Floats:
        """float64 [n], the first target in its own unit, the last day last."""
        ...

    @property
    def next_days(self) -> NDArray[np.datetime64]:
        """datetime64[D] [H], the days to forecast."""
        ...


class Rule(ABC):
    """A forecaster of one series that is not trained.

    Attributes:
        min_history: days of history it needs.
        slow: it estimates anew at each origin, so that calibration asks it at few (`calibration_origins`).
        found: settings found on the training days, as JSON holds them; {} before, and where there are none.
    """

    min_history: int
    slow: bool = False

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def find(self, values: Floats) -> None:
        """Choose `found` on the training days' values, float64 [n], n >= min_history. Most rules need none."""
        return

    def predict(self, history: Past) -> Floats:
        """The next days in the series' own unit.

        Args:
            history: at least `min_history` days, and the H days that follow.

        Returns:
            float64 [H].

        Raises:
            ValueError: if the history is too short.
        """
        import numpy as np

        values = np.asarray(history.values, np.float64)
        if len(values) < self.min_history:
            raise ValueError(f"history should hold at least {self.min_history} days, received {len(values)}")
        return self._ahead(values, len(history.next_days))

    @abstractmethod
    def _ahead(self, values: Floats, horizon: int) -> Floats:
        """float64 [H] from values [n], n >= min_history."""


class SeasonalNaive(Rule):
    """Each day repeats the day one season before; beyond one season, the last season again.

    Args:
        season: days.
    """

    def __init__(self, season: int) -> None:
        super().__init__()
        self.min_history = self.season = season

    def _ahead(self, values: Floats, horizon: int) -> Floats:
        import numpy as np

        repeated: Floats = values[-self.season :][np.arange(horizon) % self.season]
        return repeated
