"""Forecasts of raw daily series by a trained model of any kind, with the intervals that its training calibrated.

The model is asked as evaluation asks it (`features.backtest`), at one origin: the day after the last row.

Shapes: T days of history, H days ahead, L interval levels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from strokecast.common.errors import UserError
from strokecast.common.files import read_json
from strokecast.features.timeseries import series_spec
from strokecast.features.timeseries.horizons import DAY_TYPE, Preparer, raw_columns
from strokecast.inference import backtest, conformal
from strokecast.inference import days as rows
from strokecast.models.common import registry

ID = "unique_id"


class SeriesForecaster:
    """The next days of daily series.

    Args:
        folder: a trained model's: config.json, spec.json, calibration.json, the model.
        spec: contents of its spec.json.

    Attributes:
        horizon: days ahead that it forecasts.
        min_history: days of history that it needs.

    Raises:
        UserError: if a file is missing or cannot be read.
    """

    def __init__(self, folder: Path, spec: Mapping[str, Any]) -> None:
        told = read_json(folder / "config.json")
        kind = registry.get("forecast", told["name"]).kind
        self.horizon = int(spec["horizon"])
        self.min_history = backtest.min_history(folder, spec)
        self.columns = raw_columns(spec)
        self._spec = spec
        self._names = series_spec.names(spec)
        self._preparers = {name: Preparer(series_spec.of(spec, name)) for name in self._names}
        self._scales = kind != "rule"
        self._ask = backtest.load(kind, folder, spec, str(folder))
        self._calibrations = {name: conformal.load(folder, name) for name in self._names}

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Forecast the days after the last row, as many as the model was trained for.

        Args:
            frame: as `forecast` takes it. For a model that reads day types, the rows of the days to come follow,
                with `day_type` and no other value.

        Returns:
            As `forecast` gives it.

        Raises:
            UserError: as `forecast`.
        """
        future = None
        read = [name for name in self.columns if name not in ("ds", DAY_TYPE)]
        if DAY_TYPE in self.columns and set(self.columns) <= set(frame.columns):
            ids = frame[ID] if ID in frame.columns else pd.Series(0, frame.index)
            empty = frame[read].isna().all(axis=1)
            ahead = empty[::-1].groupby(ids[::-1]).cummin()[::-1].to_numpy(dtype=bool)
            frame, future = frame[~ahead], frame[ahead]
        return self.forecast(frame, future)

    def forecast(
        self,
        frame: pd.DataFrame,
        future: pd.DataFrame | None = None,
        horizon: int | None = None,
        where: str = "input",
    ) -> pd.DataFrame:
        """Forecast the days after the last row of each series.

        Args:
            frame: columns `ds` (days, ascending, none missing) and those the model was trained with, by these
                names, finite numbers in their own units; `day_type` where the model reads it. At least
                `min_history` rows. `unique_id` where there are several series; each is forecast alone.
            future: for a model that reads day types: `ds` and `day_type` of the days to come, and `unique_id`
                where they differ by series.
            horizon: days, at most the model's; None: the model's.
            where: how errors name the input.

        Returns:
            For each series `horizon` rows of `ds` (datetime64), `unique_id` (of the input, or else the name of
            the series that the model was trained on), `mean` or, of a model of quantiles, `median`, and the ends of
            the intervals (`lo-80`, `hi-80`, ...), float64: of the first target, in its own unit.

        Raises:
            UserError: if a column is missing, there are too few rows, the horizon is longer than the model's, or
                a row will not do; names the first date at fault.
        """
        ahead = self.horizon if horizon is None else horizon
        if not 1 <= ahead <= self.horizon:
            raise UserError(
                f"a horizon of {ahead} days is asked for",
                where="--horizon",
                allowed=f"1 to {self.horizon}, which the model was trained for",
                fix="set features.forecast.horizon and train it anew for more",
            )
        missing = [name for name in self.columns if name not in frame.columns]
        if missing:
            raise UserError(
                f"has no column {', '.join(map(repr, missing))}",
                where=where,
                allowed=f"columns {', '.join(self.columns)}",
            )
        if len(frame) == 0:
            raise UserError("has no row", where=where, allowed=f"at least {self.min_history} days")
        _check_ids(frame, future)
        made = [
            self._one(name, part, _of(future, given), ahead, where if given is None else f"{where} ({name})")
            for name, given, part in self._series(frame, where)
        ]
        return pd.concat(made, ignore_index=True)

    def _series(self, frame: pd.DataFrame, where: str) -> Iterator[tuple[str, Any, pd.DataFrame]]:
        """Name, value of `unique_id` (None without that column) and rows of each series, in order."""
        together = series_spec.ONE not in self._names
        if ID not in frame.columns and together:
            raise UserError(
                f"has no column {ID!r}, and the model knows {len(self._names)} series",
                where=where,
                allowed=", ".join(self._names),
            )
        if ID not in frame.columns:
            yield self._spec["name"], None, frame
            return
        unnamed = frame[ID].isna().to_numpy()
        if unnamed.any():
            date = rows.said(frame["ds"].iloc[int(np.argmax(unnamed))])
            raise UserError(
                f"no {ID} on {date}", where=where, allowed="a name in every row, or no such column"
            )
        for given in frame[ID].unique() if together else ():
            if str(given) not in self._names:
                raise UserError(
                    f"{ID} {str(given)!r} is none of the model's series",
                    where=where,
                    allowed=", ".join(self._names),
                )
        for given, part in frame.groupby(ID, sort=False):
            yield named(given), given, part

    def _one(
        self, name: str, part: pd.DataFrame, future: pd.DataFrame | None, ahead: int, where: str
    ) -> pd.DataFrame:
        own = (
            series_spec.ONE if series_spec.ONE in self._names else name
        )  # a model of one series scales all as that one
        calibration = self._calibrations[own]
        days = rows.days(part["ds"], where)
        count = len(days)
        columns: dict[str, Any] = {
            column: rows.numbers(part[column], days, where)
            for column in self.columns
            if column not in ("ds", DAY_TYPE)
        }
        if count < self.min_history:
            raise UserError(
                f"{count} rows ({days[0]} to {days[-1]}) are too few",
                where=where,
                allowed=f"at least {self.min_history} days",
            )
        if self._scales:
            self._check_transform(self._preparers[own], columns, days, where)
        whole = days[0] + np.arange(count + self.horizon).astype("timedelta64[D]")
        if DAY_TYPE in self.columns:
            columns[DAY_TYPE] = self._letters(part[DAY_TYPE], future, whole, ahead, where)
        said = self._ask(backtest.Series(whole, columns, {}, own), np.array([count]))
        point = said.point[..., 0]  # [1, H]
        counts = bool(series_spec.of(self._spec, own)["counts"])
        low, high = conformal.apply(calibration, point, said.quantiles, said.own, counts)
        if not all(np.isfinite(values).all() for values in (point, low, high)):
            raise UserError(f"the forecast of {whole[count]} is no finite number", where=where)
        ends = {
            column: values[0, :ahead]
            for column, values in zip(
                conformal.columns(calibration.levels),
                [end for pair in zip(low, high, strict=True) for end in pair],
                strict=True,
            )
        }
        return pd.DataFrame(
            {
                "ds": pd.to_datetime(whole[count : count + ahead]),
                ID: name,
                conformal.point_column(said.quantiles is not None): point[0, :ahead],
                **ends,
            }
        )

    def _check_transform(
        self, preparer: Preparer, columns: Mapping[str, Any], days: rows.Days, where: str
    ) -> None:
        with np.errstate(all="ignore"):
            scaled = preparer.scaled(columns)
        for column, values in scaled.items():
            wrong = ~np.isfinite(values)
            if wrong.any():
                at, kind = int(np.argmax(wrong)), preparer.transforms[column].kind
                raise UserError(
                    f"{columns[column][at]:g} on {days[at]} has no {kind}, which the model was trained with",
                    where=f"{where} column {column}",
                    allowed="values of 0 and more" if kind == "log1p" else "values above 0",
                )

    def _letters(
        self, past: pd.Series, future: pd.DataFrame | None, whole: rows.Days, ahead: int, where: str
    ) -> list[str]:
        """The day type of each of `whole`; beyond `ahead`, where it does not count, any."""
        known = self._spec["calendar"]["day_types"]
        count = len(past)
        letters: list[Any] = past.tolist()
        told: dict[np.datetime64, Any] = {}
        if future is not None:
            lacking = [name for name in ("ds", DAY_TYPE) if name not in future.columns]
            if lacking:
                raise UserError(
                    f"has no column {', '.join(map(repr, lacking))}",
                    where="future",
                    allowed=f"ds, {DAY_TYPE}",
                )
            told = dict(zip(rows.days(future["ds"], "future"), future[DAY_TYPE], strict=True))
        for day in whole[count : count + ahead]:
            if day not in told:
                raise UserError(
                    f"no {DAY_TYPE} is known of {day}",
                    where=where,
                    fix="give the day types of the days to come (--future: columns ds, day_type)",
                )
            letters.append(told[day])
        for day, letter in zip(whole, letters, strict=False):
            if letter not in known:
                raise UserError(
                    f"{DAY_TYPE} {rows.said(letter)} on {day}", where=where, allowed=", ".join(known)
                )
        return letters + [known[0]] * (self.horizon - ahead)


def _of(future: pd.DataFrame | None, given: Any) -> pd.DataFrame | None:
    """The days to come of one series."""
    if future is None or given is None or ID not in future.columns:
        return future
    return future[_names(future) == named(given)]


def named(given: Any) -> str:
    """A `unique_id` as text, the same of 7, 7.0 and "7": columns of one file are read as other types than another's."""
    whole = isinstance(given, float | np.floating) and float(given).is_integer()
    return str(int(given) if whole else given)


def _names(frame: pd.DataFrame) -> pd.Series:
    return frame[ID].map(named)


def _check_ids(frame: pd.DataFrame, future: pd.DataFrame | None) -> None:
    """Whether the days to come are those of the input's series.

    Raises:
        UserError: if a row of `future` has no `unique_id` or one that the input lacks.
    """
    if future is None or ID not in future.columns or ID not in frame.columns:
        return
    known = sorted(set(_names(frame.dropna(subset=[ID]))))
    for at, given in enumerate(future[ID]):
        date = rows.said(future["ds"].iloc[at]) if "ds" in future.columns else f"row {at + 1}"
        if pd.isna(given):
            raise UserError(f"no {ID} on {date}", where="future", allowed=", ".join(known))
        if named(given) not in known:
            raise UserError(
                f"{ID} {named(given)!r} on {date} is not in the input",
                where="future",
                allowed=", ".join(known),
            )
    lacking = sorted(set(known) - set(_names(future)))
    if lacking:
        raise UserError(f"no row of {ID} {lacking[0]!r}", where="future", allowed=", ".join(known))
