"""Forecasting rules that nothing is trained for; numpy alone.

Shapes: n days of history, H days of horizon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the always-running sync stage checks every config and starts fast without numpy
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class SeasonalNaive:
    """Each day repeats the day one season before; beyond one season, the last season again.

    Attributes:
        season: days.
    """

    season: int

    @property
    def min_history(self) -> int:
        """Days of history it needs."""
        return self.season

    def predict(self, history: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
        """The next `horizon` days in the series' own unit.

        Args:
            history: float64 [n], the last day last, n >= min_history.
            horizon: days, >= 1.

        Returns:
            float64 [H].

        Raises:
            ValueError: if the history is too short.
        """
        if len(history) < self.season:
            raise ValueError(f"history should hold at least {self.season} days, received {len(history)}")
        import numpy as np

        last = np.asarray(history, np.float64)[-self.season :]
        return last[np.arange(horizon) % self.season]
