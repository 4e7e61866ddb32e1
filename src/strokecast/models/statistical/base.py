"""The interface of all statistical forecasters. Imports numpy only where it computes.

Shapes: n days of history, H days ahead, Q quantile levels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # the sync stage always runs and checks every config: importing numpy would slow it down
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Days = NDArray[np.datetime64]


class SeriesHistory(Protocol):
    """The fields of `strokecast.features.timeseries.window_transformer.History` that statistical forecasters read."""

    @property
    def values(self) -> Floats:
        """float64 [n], the first target in its own unit, oldest day first."""
        ...

    @property
    def next_days(self) -> Days:
        """The days to forecast, which follow the last value: datetime64[D], shape [H]."""
        ...


class StatisticalForecaster(ABC):
    """A forecaster of one series that is estimated on the history before each origin.

    `fit` selects the model specification once, on the training days. The specification and the config are all that
    is stored: there are no weights. `predict` estimates the parameters again on the history that it is given.

    Attributes:
        min_history: minimum number of days of history.
        slow: True if parameters are estimated at each origin. Calibration then uses only
            `calibration_origins` origins.
        refit_every: days of origins after which `predict` fits its weights again, whatever the settings of the evaluation;
            None: it has no weights.
        learns_year: True if effects that repeat every year are estimated on the history of `predict`, which should then
            have years.
        quantile_levels: Q rising levels, 0.5 among them, of a forecaster of quantiles; () for a point forecast.
        pools_series: whether several series have one model, learned by `fit_shared` after the `fit` of each.
        series: id of its series in a model of several; "" for a model of one.
        shared: JSON-serialisable result of `fit_shared`, the same for all series; None: nothing is shared.
        remark: words that the line of the training ends with; "": none.
        specification: JSON-serialisable result of `fit`; {} before `fit` and for models without a selection step.
    """

    min_history: int
    slow: bool = False
    refit_every: int | None = None
    quantile_levels: tuple[float, ...] = ()
    pools_series: bool = False
    series: str = ""
    shared: dict[str, Any] | None = None
    learns_year: bool = False
    remark: str = ""

    def __init__(self) -> None:
        self.specification: dict[str, Any] = {}

    def fit(self, history: SeriesHistory) -> None:
        """Select `specification` on the training days. Does nothing by default.

        Args:
            history: the training days, at least `min_history`, and the days that follow as days to forecast.

        Raises:
            ValueError: if there are too few days.
        """
        return

    def fit_shared(self, members: Mapping[str, tuple[Any, SeriesHistory]]) -> dict[str, Any]:
        """Learn what all series share, on their training days.

        Args:
            members: series → its fitted forecaster of this class, and its training days.
        """
        raise NotImplementedError(f"{type(self).__name__} has one model per series")

    def _training_values(self, history: SeriesHistory) -> Floats:
        """The values of the training days, float64 [n], n >= `min_history`."""
        import numpy as np

        values = np.asarray(history.values, np.float64)
        if len(values) < self.min_history:
            raise ValueError(f"at least {self.min_history} days are required, received {len(values)}")
        return values

    def predict(self, history: SeriesHistory) -> Floats:
        """Forecast the next days in the series' own unit.

        Args:
            history: at least `min_history` days, and the H days that follow.

        Returns:
            float64 [H]: the median if quantiles are forecast.

        Raises:
            ValueError: if the history is too short.
        """
        return self._predict(self._checked_values(history), history.next_days)

    def predict_quantiles(self, history: SeriesHistory) -> Floats:
        """Forecast the quantiles of the next days at `quantile_levels`, in the series' own unit.

        Args:
            history: as for `predict`.

        Returns:
            float64 [H, Q], rising along the last axis.

        Raises:
            ValueError: if the history is too short.
            NotImplementedError: if the forecaster has no quantiles.
        """
        return self._predict_quantiles(self._checked_values(history), history.next_days)

    def _checked_values(self, history: SeriesHistory) -> Floats:
        import numpy as np

        values = np.asarray(history.values, np.float64)
        if len(values) < self.min_history:
            raise ValueError(f"history should hold at least {self.min_history} days, received {len(values)}")
        return values

    @abstractmethod
    def _predict(self, values: Floats, next_days: Days) -> Floats:
        """float64 [H] from values [n], n >= `min_history`, which end the day before `next_days`."""

    def _predict_quantiles(self, values: Floats, next_days: Days) -> Floats:
        """float64 [H, Q]; arguments as for `_predict`."""
        raise NotImplementedError(f"{type(self).__name__} forecasts no quantiles")
