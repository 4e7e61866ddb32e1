"""The intervals of `strokecast forecast` from call to call: a JSON file per model.

Each call learns the errors of earlier forecasts whose days the input now holds, and stores its own forecast. The first call
starts from the validation forecasts of the training (`inference.adaptive_intervals`).

Shapes: T days of history, H days of the horizon, L interval levels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.common.paths import VALIDATION_FORECASTS
from strokecast.inference import validation_forecasts
from strokecast.inference.adaptive_intervals import IntervalTracker, IssuedForecasts

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]

_KIND = "strokecast forecast intervals"
_COMPARED_DAYS = 7  # whose values show that the input is still the same series
_FIX = "remove it, or name another file with --state"


@dataclass(frozen=True)
class PendingForecast:
    """A forecast of which not all days have passed.

    Attributes:
        first_day: its first day.
        point: float64 [H].
        low: float64 [L, H], the model's own interval ends.
        high: float64 [L, H].
    """

    first_day: np.datetime64
    point: Floats
    low: Floats
    high: Floats


@dataclass
class SeriesState:
    """The intervals of one series.

    Attributes:
        tracker: has learned all errors up to `last_day`.
        last_day: the last day of the last input; None: no call yet.
        values: day (YYYY-MM-DD) → value of the last days of that input.
        pending: forecasts by first day, rising.
    """

    tracker: IntervalTracker
    last_day: np.datetime64 | None = None
    values: dict[str, float] = field(default_factory=dict)
    pending: list[PendingForecast] = field(default_factory=list)

    def learn(self, days: Days, values: Floats) -> None:
        """Learn the errors of earlier forecasts on the days after `last_day`, and note the last days.

        Args:
            days: datetime64[D] [T], consecutive.
            values: float64 [T].
        """
        later = np.zeros(len(days), bool) if self.last_day is None else days > self.last_day
        for day, value in zip(days[later], values[later], strict=True):
            self._learn_day(day, float(value))
        self.last_day = days[-1]
        self.values = dict(
            zip(days[-_COMPARED_DAYS:].astype(str).tolist(), values[-_COMPARED_DAYS:].tolist(), strict=True)
        )

    def _learn_day(self, day: np.datetime64, value: float) -> None:
        horizon = len(self.tracker.bias)
        levels = len(self.tracker.levels)
        actual, point = np.full(horizon, np.nan), np.zeros(horizon)
        low, high = np.zeros((2, levels, horizon))
        kept = []
        for one in self.pending:
            ahead = int((day - one.first_day).astype(int))
            if 0 <= ahead < horizon:
                actual[ahead], point[ahead] = value, one.point[ahead]
                low[:, ahead], high[:, ahead] = one.low[:, ahead], one.high[:, ahead]
            if ahead < horizon - 1:
                kept.append(one)
        if np.isfinite(actual).any():
            self.tracker.update(actual, point, low, high)
        self.pending = kept

    def add(self, forecast: PendingForecast) -> None:
        """Store a forecast; it replaces one of the same days."""
        others = [one for one in self.pending if one.first_day != forecast.first_day]
        self.pending = [*others, forecast]

    def is_of_other_series(self, days: Days, values: Floats) -> bool:
        """Whether every value that the last input had too was another one then. Single values may be revised."""
        now = dict(zip(days.astype(str).tolist(), values.tolist(), strict=True))
        compared = [now[day] == value for day, value in self.values.items() if day in now]
        return bool(compared) and not any(compared)

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {
            "tracker": self.tracker.to_dict(),
            "last_day": str(self.last_day),
            "values": self.values,
            "pending": [
                {
                    "first_day": str(one.first_day),
                    "point": one.point.tolist(),
                    "low": one.low.tolist(),
                    "high": one.high.tolist(),
                }
                for one in self.pending
            ],
        }

    @classmethod
    def from_dict(cls, contents: Mapping[str, Any], horizon: int) -> Self:
        """The state stored as `to_dict`.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: if it is not one of this horizon.
        """
        tracker = IntervalTracker.from_dict(contents["tracker"], horizon)
        shape = len(tracker.levels), horizon
        pending = [
            PendingForecast(
                np.datetime64(one["first_day"], "D"),
                *(np.asarray(one[name], np.float64) for name in ("point", "low", "high")),
            )
            for one in contents["pending"]
        ]
        for one in pending:
            if one.point.shape != (horizon,) or one.low.shape != shape or one.high.shape != shape:
                raise ValueError(f"a forecast is not of shape {list(shape)}")
        values = {str(day): float(value) for day, value in contents["values"].items()}
        return cls(tracker, np.datetime64(contents["last_day"], "D"), values, pending)


class IntervalState:
    """The intervals of all series that one model forecasts.

    Args:
        path: of the file; it may not exist yet.
        model: name and seed of the model, such as `ridge-seed1`.
        folder: of the trained model.
        horizon: H.
        report: receives one line per warning.

    Raises:
        UserError: if the file cannot be read, or is not the state of this model.
    """

    def __init__(
        self, path: Path, model: str, folder: Path, horizon: int, report: Callable[[str], None]
    ) -> None:
        self.path = path
        self._model, self._report = model, report
        self._validation = validation_forecasts.load(folder)
        self._training = files.sha256(folder / VALIDATION_FORECASTS)
        self._series: dict[str, SeriesState] = {}
        try:
            contents = files.read_json(path)
        except FileNotFoundError:
            return
        except files.InvalidJsonError as error:
            raise UserError(error.what, location=str(path), fix=_FIX) from None
        except OSError as error:
            reason = files.describe_os_error(error)
            raise UserError(f"cannot be read ({reason})", location=str(path), fix=_FIX) from None
        if not isinstance(contents, dict) or contents.get("kind") != _KIND:
            raise UserError("is not a state of forecast intervals", location=str(path), fix=_FIX)
        if contents.get("model") != model:
            raise UserError(
                f"is the state of {contents.get('model')}, not of {model}", location=str(path), fix=_FIX
            )
        if contents.get("training") != self._training:
            report(f"{path}: {model} was trained again; its intervals start from its validation errors")
            return
        try:
            self._series = {
                name: SeriesState.from_dict(one, horizon) for name, one in contents["series"].items()
            }
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"is damaged ({error})", location=str(path), fix=_FIX) from None

    def intervals(
        self,
        name: str,
        trained_series: str,
        days: Days,
        values: Floats,
        point: Floats,
        low: Floats,
        high: Floats,
    ) -> tuple[Floats, Floats]:
        """Learn from the history, store the forecast and return its interval ends float64 [L, H], not nested yet.

        Args:
            name: of the series.
            trained_series: the series of the model whose validation errors it starts from.
            days: datetime64[D] [T], the history.
            values: float64 [T], its values.
            point: float64 [H], the forecast of the days after it.
            low: float64 [L, H], the model's own interval ends.
            high: float64 [L, H].
        """
        state = self._series.get(name) or self._start(trained_series)
        if state.is_of_other_series(days, values):
            self._report(
                f"{self.path}: the last values of {name} are not those of the last call; its intervals start from "
                "the validation errors (for a second series, name another file with --state)"
            )
            state = self._start(trained_series)
        elif state.last_day is not None and days[-1] < state.last_day:
            self._report(
                f"{self.path}: has the errors of {name} up to {state.last_day}, the input ends on {days[-1]}; the "
                "intervals are those of the validation errors, and this forecast is not stored"
            )
            return self._start(trained_series).tracker.ends(point, low, high)
        state.learn(days, values)
        state.add(PendingForecast(days[-1] + np.timedelta64(1, "D"), point, low, high))
        self._series[name] = state
        return state.tracker.ends(point, low, high)

    def _start(self, series: str) -> SeriesState:
        return SeriesState(IntervalTracker.fit(IssuedForecasts.of_model(self._validation[series])))

    def write(self, path: Path) -> None:
        """Write the state to `path`."""
        contents = {
            "kind": _KIND,
            "model": self._model,
            "training": self._training,
            "series": {name: state.to_dict() for name, state in self._series.items()},
        }
        files.write_json(path, contents)
