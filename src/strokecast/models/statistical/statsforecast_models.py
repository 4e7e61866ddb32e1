"""ETS, ARIMA and MSTL through statsforecast (https://github.com/Nixtla/statsforecast).

`fit` selects the specification (the form of exponential smoothing, the order of an ARIMA) once, on the training days.
`predict` estimates the parameters on the history that it is given. statsforecast is imported inside the methods
because its import takes about two seconds. Nothing here is compiled at run time.

Shapes: n days of history, H days ahead.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from strokecast.models.statistical.base import StatisticalForecaster

if TYPE_CHECKING:
    from strokecast.models.statistical.base import Days, Floats, SeriesHistory

WEEK = 7
_ESTIMATION_METHODS = ("CSS-ML", "ML", "CSS")  # the next one is tried if no stationary start is found


class StatsforecastModel(StatisticalForecaster):
    """A statsforecast model of the last days of a history.

    Args:
        max_history_days: number of last days to use, at least `min_history`; None: the full history.
        counts: clip forecasts at 0.
    """

    slow = True

    def __init__(self, max_history_days: int | None, counts: bool) -> None:
        super().__init__()
        self.max_history_days = max_history_days
        self.counts = counts

    def fit(self, history: SeriesHistory) -> None:
        """Select the specification on the last `max_history_days` training days.

        Args:
            history: the training days.

        Raises:
            ValueError: if they are fewer than `min_history`.
        """
        values = self._training_values(history)
        with _ignore_warnings():
            self.specification = self._select(self._recent(values))

    def _predict(self, values: Floats, next_days: Days) -> Floats:
        import numpy as np

        with _ignore_warnings():
            forecast = np.asarray(self._forecast(self._recent(values), len(next_days)), np.float64)
        return np.maximum(forecast, 0.0) if self.counts else forecast

    def _recent(self, values: Floats) -> Floats:
        return values if self.max_history_days is None else values[-self.max_history_days :]

    def _select(self, values: Floats) -> dict[str, Any]:
        """The specification for values [n]; {} for models without a selection step."""
        return {}

    @abstractmethod
    def _forecast(self, values: Floats, horizon: int) -> Floats:
        """float64 [H], not clipped."""


class AutoEts(StatsforecastModel):
    """Exponential smoothing with a weekly season; AICc selects error, trend and season (Hyndman et al., 2002)."""

    min_history = 3 * WEEK

    def _select(self, values: Floats) -> dict[str, Any]:
        from statsforecast.models import AutoETS

        components = AutoETS(season_length=WEEK).fit(values).model_["components"]  # e.g. MAdM as "MAMD"
        return {"model": components[:3], "damped": components[3] == "D"}

    def _forecast(self, values: Floats, horizon: int) -> Floats:
        from statsforecast.models import AutoETS

        form = str(self.specification["model"])
        if values.min() <= 0:  # multiplicative errors and seasons are defined only above 0
            form = form.replace("M", "A")
        model = AutoETS(season_length=WEEK, model=form, damped=bool(self.specification["damped"]))
        mean: Floats = model.forecast(values, horizon)["mean"]
        return mean


class Sarima(StatsforecastModel):
    """ARIMA of a given order with a weekly season, estimated by maximum likelihood.

    Args:
        order: (p, d, q).
        seasonal: (P, D, Q) of the weekly season.
        constant: include a mean, or a drift if the series is differenced once.
        max_history_days, counts: see `StatsforecastModel`.
    """

    min_history = 6 * WEEK

    def __init__(
        self,
        order: tuple[int, int, int],
        seasonal: tuple[int, int, int],
        constant: bool,
        max_history_days: int | None,
        counts: bool,
    ) -> None:
        super().__init__(max_history_days, counts)
        self.specification = {"order": list(order), "seasonal": list(seasonal), "constant": constant}

    def _select(self, values: Floats) -> dict[str, Any]:
        return self.specification  # the order is an argument

    def _forecast(self, values: Floats, horizon: int) -> Floats:
        return forecast_arima(values, horizon, **self.specification)


class AutoArima(StatsforecastModel):
    """ARIMA with a weekly season; stepwise search by AICc selects the order (Hyndman and Khandakar, 2008)."""

    min_history = 6 * WEEK

    def _select(self, values: Floats) -> dict[str, Any]:
        from statsforecast.models import AutoARIMA

        model = AutoARIMA(season_length=WEEK, approximation=True).fit(values).model_
        p, q, seasonal_p, seasonal_q, _, d, seasonal_d = (int(number) for number in model["arma"])
        return {
            "order": [p, d, q],
            "seasonal": [seasonal_p, seasonal_d, seasonal_q],
            "constant": bool({"intercept", "drift"} & set(model["coef"])),
        }

    def _forecast(self, values: Floats, horizon: int) -> Floats:
        return forecast_arima(values, horizon, **self.specification)


class Mstl(StatsforecastModel):
    """Multiple seasonal-trend decomposition by LOESS: the seasons repeat, ETS without a season forecasts the trend.

    Args:
        seasons: season lengths in days, ascending.
        jump: LOESS is computed at every `jump`-th day and interpolated linearly between these.
        max_history_days, counts: see `StatsforecastModel`.
    """

    def __init__(
        self, seasons: tuple[int, ...], jump: int, max_history_days: int | None, counts: bool
    ) -> None:
        super().__init__(max_history_days, counts)
        self.seasons = seasons
        self.jump = jump
        self.min_history = 2 * max(seasons)  # two periods identify a season

    def _forecast(self, values: Floats, horizon: int) -> Floats:
        from statsforecast.models import MSTL

        stl_kwargs = {"trend_jump": self.jump, "low_pass_jump": self.jump}
        model = MSTL(season_length=list(self.seasons), stl_kwargs=stl_kwargs)
        mean: Floats = model.forecast(values, horizon)["mean"]
        return mean


def forecast_arima(
    values: Floats, horizon: int, order: list[int], seasonal: list[int], constant: bool
) -> Floats:
    """Forecast with an ARIMA (p, d, q)(P, D, Q)7 estimated on the values.

    Args:
        values: float64 [n].
        horizon: H.
        order: [p, d, q].
        seasonal: [P, D, Q] of the weekly season.
        constant: include a mean or drift.

    Returns:
        float64 [H].

    Raises:
        ValueError: if no estimation method finds a stationary model.
    """
    from numpy.linalg import LinAlgError
    from statsforecast.models import ARIMA

    for method in _ESTIMATION_METHODS:
        model = ARIMA(
            order=tuple(order),
            season_length=WEEK,
            seasonal_order=tuple(seasonal),
            include_constant=constant,
            method=method,
        )
        try:
            mean: Floats = model.forecast(values, horizon)["mean"]
        except (ValueError, LinAlgError) as error:
            last_error = error
            continue
        return mean
    raise ValueError(f"ARIMA {tuple(order)}{tuple(seasonal)}7 cannot be estimated: {last_error}")


@contextmanager
def _ignore_warnings() -> Iterator[None]:
    """Ignore the warnings of single search steps: only the best step counts."""
    import numpy as np

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
