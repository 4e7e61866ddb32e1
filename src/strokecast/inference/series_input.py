"""The checked days of one series: what a model reads to forecast it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from strokecast.common.errors import UserError
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries import series_spec
from strokecast.features.timeseries.window_transformer import DAY_TYPE, WindowTransformer
from strokecast.inference import backtest
from strokecast.inference.series_table import (
    ID,
    Days,
    check_columns,
    check_counts,
    format_cell,
    parse_days,
    parse_numbers,
    series_ids,
)


@dataclass(frozen=True)
class SeriesInput:
    """The checked days of one series.

    Attributes:
        name: of the series.
        series: its days, and those of the horizon; it has the name of the series of the model.
        count: days of history.
        location: how errors name the series.
    """

    name: str
    series: backtest.Series
    count: int
    location: str


class SeriesChecker:
    """Checks the days of series.

    Args:
        spec: of the model.
        columns: that the model reads.
        min_history: days of history that it needs.
        transforms_values: whether it transforms the values, which may not be defined for all of them.
        transformer_of: name of a series → its transformer.
    """

    def __init__(
        self,
        spec: ForecastSpec,
        columns: Sequence[str],
        min_history: int,
        transforms_values: bool,
        transformer_of: Callable[[str], WindowTransformer],
    ) -> None:
        self._spec, self._columns, self._min_history = spec, columns, min_history
        self._horizon = int(spec["horizon"])
        self._transforms_values, self._transformer_of = transforms_values, transformer_of
        self._is_global = series_spec.SINGLE not in series_spec.names(spec)

    def check(
        self, name: str, rows: pd.DataFrame, future: pd.DataFrame | None, days_ahead: int, location: str
    ) -> SeriesInput:
        """Check the days of one series.

        Args:
            name: of the series.
            rows: its rows; as for `SeriesForecaster.forecast`.
            future: the day types of its forecast days.
            days_ahead: number of days to forecast.
            location: how errors name the series.

        Raises:
            UserError: if there are too few rows or a row is not valid; names the first such date.
        """
        series = name if self._is_global else series_spec.SINGLE  # scaled as the training series
        days = parse_days(rows["ds"], location)
        count = len(days)
        columns: dict[str, Any] = {
            column: parse_numbers(rows[column], days, location)
            for column in self._columns
            if column not in ("ds", DAY_TYPE)
        }
        if count < self._min_history:
            raise UserError(
                f"{count} rows ({days[0]} to {days[-1]}) are too few",
                location=location,
                allowed=f"at least {self._min_history} days",
            )
        counts = bool(series_spec.for_series(self._spec, series)["counts"])
        for column in self._spec["targets"] if counts else ():
            check_counts(columns[column], days, f"{location} column {column}")
        if self._transforms_values:
            _check_domain(self._transformer_of(series), columns, days, location)
        all_days = days[0] + np.arange(count + self._horizon).astype("timedelta64[D]")
        if DAY_TYPE in self._columns:
            columns[DAY_TYPE] = self._day_types(rows[DAY_TYPE], future, all_days, days_ahead, location)
        return SeriesInput(name, backtest.Series(all_days, columns, {}, series), count, location)

    def _day_types(
        self, past: pd.Series, future: pd.DataFrame | None, days: Days, days_ahead: int, location: str
    ) -> list[str]:
        """The day type of each of `days`; any valid one beyond `days_ahead`, where it has no effect."""
        valid = self._spec["calendar"]["day_types"]
        count = len(past)
        day_types: list[Any] = past.tolist()
        future_types: dict[np.datetime64, Any] = {}
        if future is not None:
            check_columns(future, ("ds", DAY_TYPE), "future")
            future_types = dict(zip(parse_days(future["ds"], "future"), future[DAY_TYPE], strict=True))
        for day in days[count : count + days_ahead]:
            if day not in future_types:
                raise UserError(
                    f"the {DAY_TYPE} of {day} is not known",
                    location=location,
                    fix="give the day types of the forecast days (--future: columns ds, day_type)",
                )
            day_types.append(future_types[day])
        for day, day_type in zip(days, day_types, strict=False):
            if day_type not in valid:
                raise UserError(
                    f"{DAY_TYPE} {format_cell(day_type)} on {day}", location=location, allowed=valid
                )
        return day_types + [valid[0]] * (self._horizon - days_ahead)


def future_of(future: pd.DataFrame | None, series_id: Any) -> pd.DataFrame | None:
    """The rows of `future` of one series."""
    if future is None or series_id is None or ID not in future.columns:
        return future
    return future[(series_ids(future) == series_id).to_numpy()]


def _check_domain(
    transformer: WindowTransformer, columns: Mapping[str, Any], days: Days, location: str
) -> None:
    """Check that every value can be transformed.

    Raises:
        UserError: names the first date whose value cannot.
    """
    with np.errstate(all="ignore"):
        scaled = transformer.scale_columns(columns)
    for column, values in scaled.items():
        invalid = ~np.isfinite(values)
        if invalid.any():
            position, kind = int(np.argmax(invalid)), transformer.transforms[column].kind
            raise UserError(
                f"the model's transform {kind} is not defined for {columns[column][position]:g} on {days[position]}",
                location=f"{location} column {column}",
                allowed="values of 0 and more" if kind == "log1p" else "values above 0",
            )
