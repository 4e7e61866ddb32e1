"""Classical methods of statistical forecasting, through statsforecast (https://github.com/Nixtla/statsforecast).

Each finds its form (which exponential smoothing, which ARIMA order) once, on the training days, and estimates its
parameters anew on the history it is asked with. statsforecast is imported where it computes: that takes about two
seconds, and nothing here is compiled at run time.

Shapes: n days of history, H days ahead.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from strokecast.models.statistical.rules import Rule

if TYPE_CHECKING:
    from strokecast.models.statistical.rules import Floats

WEEK = 7
_METHODS = ("CSS-ML", "ML", "CSS")  # of estimating an ARIMA, the next where one finds no stationary start


class Classical(Rule):
    """A method of statsforecast on the last days of a history.

    Args:
        history: days that it looks back, `min_history` or more; None: all there are.
        counts: forecasts are never below 0.
    """

    slow = True

    def __init__(self, history: int | None, counts: bool) -> None:
        super().__init__()
        self.history = history
        self.counts = counts

    def find(self, values: Floats) -> None:
        """Choose the form on the last `history` training days.

        Raises:
            ValueError: if they are too few.
        """
        if len(values) < self.min_history:
            raise ValueError(f"they should number {self.min_history} or more, received {len(values)}")
        with _quiet():
            self.found = self._form(self._last(values))

    def _ahead(self, values: Floats, horizon: int) -> Floats:
        import numpy as np

        with _quiet():
            made = np.asarray(self._forecast(self._last(values), horizon), np.float64)
        return np.maximum(made, 0.0) if self.counts else made

    def _last(self, values: Floats) -> Floats:
        return values if self.history is None else values[-self.history :]

    def _form(self, values: Floats) -> dict[str, Any]:
        return {}

    @abstractmethod
    def _forecast(self, values: Floats, horizon: int) -> Floats:
        """float64 [H], in no way bounded."""


class Ets(Classical):
    """Exponential smoothing with a week's season; error, trend and season by AICc (Hyndman et al., 2002)."""

    min_history = 3 * WEEK

    def _form(self, values: Floats) -> dict[str, Any]:
        from statsforecast.models import AutoETS

        components = AutoETS(season_length=WEEK).fit(values).model_["components"]  # e.g. MAdM as "MAMD"
        return {"model": components[:3], "damped": components[3] == "D"}

    def _forecast(self, values: Floats, horizon: int) -> Floats:
        from statsforecast.models import AutoETS

        model = str(self.found["model"])
        if values.min() <= 0:  # multiplicative errors and seasons are defined above 0 only
            model = model.replace("M", "A")
        method = AutoETS(season_length=WEEK, model=model, damped=bool(self.found["damped"]))
        made: Floats = method.forecast(values, horizon)["mean"]
        return made


class Arima(Classical):
    """ARIMA of a given order with a week's season, by maximum likelihood.

    Args:
        order: (p, d, q).
        seasonal: (P, D, Q) of the week.
        constant: with a mean, or with a drift where it is differenced once.
        history, counts: as `Classical`.
    """

    min_history = 6 * WEEK

    def __init__(
        self,
        order: tuple[int, int, int],
        seasonal: tuple[int, int, int],
        constant: bool,
        history: int | None,
        counts: bool,
    ) -> None:
        super().__init__(history, counts)
        self.found = {"order": list(order), "seasonal": list(seasonal), "constant": constant}

    def _form(self, values: Floats) -> dict[str, Any]:
        return self.found  # the order is given

    def _forecast(self, values: Floats, horizon: int) -> Floats:
        return arima(values, horizon, **self.found)


class AutoArima(Classical):
    """ARIMA with a week's season, its order by stepwise search and AICc (Hyndman and Khandakar, 2008)."""

    min_history = 6 * WEEK

    def _form(self, values: Floats) -> dict[str, Any]:
        from statsforecast.models import AutoARIMA

        fitted = AutoARIMA(season_length=WEEK, approximation=True).fit(values).model_
        p, q, seasonal_p, seasonal_q, _, d, seasonal_d = (int(part) for part in fitted["arma"])
        return {
            "order": [p, d, q],
            "seasonal": [seasonal_p, seasonal_d, seasonal_q],
            "constant": bool({"intercept", "drift"} & set(fitted["coef"])),
        }

    def _forecast(self, values: Floats, horizon: int) -> Floats:
        return arima(values, horizon, **self.found)


class Mstl(Classical):
    """Seasons and a trend taken apart by LOESS, each put on: the seasons repeat, the trend by ETS without a season.

    Args:
        seasons: days, rising.
        jump: days from one point that LOESS is computed at to the next; in between it is linear.
        history, counts: as `Classical`.
    """

    def __init__(self, seasons: tuple[int, ...], jump: int, history: int | None, counts: bool) -> None:
        super().__init__(history, counts)
        self.seasons = seasons
        self.jump = jump
        self.min_history = 2 * max(seasons)  # what a season is told from

    def _forecast(self, values: Floats, horizon: int) -> Floats:
        from statsforecast.models import MSTL

        steps = {"trend_jump": self.jump, "low_pass_jump": self.jump}
        method = MSTL(season_length=list(self.seasons), stl_kwargs=steps)
        made: Floats = method.forecast(values, horizon)["mean"]
        return made


def arima(values: Floats, horizon: int, order: list[int], seasonal: list[int], constant: bool) -> Floats:
    """The next days float64 [H] by an ARIMA (p, d, q)(P, D, Q)7 estimated on values [n].

    Raises:
        ValueError: if no way of estimating finds a stationary model.
    """
    from numpy.linalg import LinAlgError
    from statsforecast.models import ARIMA

    for method in _METHODS:
        model = ARIMA(
            order=tuple(order),
            season_length=WEEK,
            seasonal_order=tuple(seasonal),
            include_constant=constant,
            method=method,
        )
        try:
            made: Floats = model.forecast(values, horizon)["mean"]
        except (ValueError, LinAlgError) as error:
            told = error
            continue
        return made
    raise ValueError(f"ARIMA {tuple(order)}{tuple(seasonal)}7 cannot be estimated: {told}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings of single steps of a search: what counts is the best one it finds."""
    import numpy as np

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
