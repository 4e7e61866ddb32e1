"""Reads validated series, chooses features where settings are `auto`, and splits the series by time."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from strokecast.common.errors import UserError
from strokecast.features.records import arrow
from strokecast.features.timeseries import selection, series_spec, transforms, windows
from strokecast.params import ForecastFeatures


@dataclass(frozen=True)
class SeriesTable:
    """One series before it is split.

    Attributes:
        days: T consecutive days.
        columns: the columns that are read, [T] each.
    """

    days: Sequence[datetime.date]
    columns: Mapping[str, Any]


@dataclass(frozen=True)
class Series:
    """One series.

    Attributes:
        days: datetime64[D] [T].
        columns: the columns that are read, [T] each.
        splits: its splits by name.
    """

    days: Any
    columns: Mapping[str, Any]
    splits: Mapping[str, windows.Split]


def read_tables(validated: Path, settings: ForecastFeatures) -> dict[str, SeriesTable]:
    """The series by name, checked; the name of a single series is "".

    Raises:
        UserError: if the file is missing, lacks a column or a day, or has a value that cannot be transformed.
    """
    several = settings.series == "all"
    path = validated / ("all.parquet" if several else "series.parquet")
    if several and not path.is_file() and (validated / "series.parquet").is_file():
        raise UserError(
            "the source has only one series",
            location="params.yaml: features.forecast.series: all",
            fix="set series: one, or name the column that identifies series (series.csv.id_column)",
        )
    if not path.is_file():
        raise UserError("no such file", location=str(path), fix="run `dvc repro validate@series`")
    table = arrow.read_table(path)
    tables = {series_spec.SINGLE: table}
    if several:
        ids = table["unique_id"]
        tables = {
            name: table.filter(pc.equal(ids, name)).drop_columns("unique_id")
            for name in ids.unique().to_pylist()
        }
    days = {name: [_date(day) for day in one["ds"].to_pylist()] for name, one in tables.items()}
    for name, series_days in days.items():
        _check_daily(series_days, path, name)
    read = {}
    for name, one in tables.items():
        with _naming_series(name):
            columns = _columns(one, settings, np.array(days[name], "datetime64[D]"))
        read[name] = SeriesTable(days[name], columns)
    return read


def split_series(tables: Mapping[str, SeriesTable], settings: ForecastFeatures) -> dict[str, Series]:
    """The series with their splits, which begin on the same days.

    Args:
        tables: from `read_tables`.
        settings: without `auto`.

    Raises:
        UserError: if a series is too short for its splits.
    """
    reach = settings.reach
    dated = _dated(tables, settings)
    all_series = {}
    for name, one in tables.items():
        with _naming_series(name):
            splits = windows.split_by_time(one.days, dated, settings.input_size + reach)
        dates = np.array(one.days, "datetime64[D]")
        all_series[name] = Series(dates, one.columns, {split.name: split for split in splits})
    return all_series


def select_features(
    tables: Mapping[str, SeriesTable], settings: ForecastFeatures
) -> tuple[ForecastFeatures, dict[str, Any] | None]:
    """The settings with the features that `auto` stands for, and how they were chosen; None: none was `auto`."""
    if not selection.needs_selection(settings):
        return settings, None
    dated, all_days = _dated(tables, settings), []
    for one in tables.values():
        try:
            stop = max(0, windows.train_stop(one.days, dated) - settings.embargo)
        except UserError:  # `split_series` reports it
            stop = 0
        day_types = one.columns.get("day_type")
        all_days.append(
            selection.TrainingDays(
                np.array(one.days[:stop], "datetime64[D]"),
                one.columns[settings.targets[0]][:stop],
                None if day_types is None else list(day_types[:stop]),
            )
        )
    return selection.select(settings, all_days)


@contextmanager
def _naming_series(name: str) -> Iterator[None]:
    """Begin a `UserError` with the name of the series, if there are several."""
    try:
        yield
    except UserError as error:
        if not name:
            raise
        raise UserError(
            f"series {name!r}: {error.what}",
            location=error.location,
            allowed=error.allowed,
            fix=error.fix,
        ) from None


def _dated(tables: Mapping[str, SeriesTable], settings: ForecastFeatures) -> ForecastFeatures:
    if settings.series == "one":
        return settings
    return _with_dates(settings, [one.days for one in tables.values()])


def _with_dates(settings: ForecastFeatures, days: Sequence[Sequence[datetime.date]]) -> ForecastFeatures:
    """Replace shares by dates that hold for all series.

    Otherwise the training days of one series could be test days of another.
    """
    first, last = min(one[0] for one in days), max(one[-1] for one in days)
    count = (last - first).days + 1
    edges = {
        key: (first + datetime.timedelta(days=int(value * count))).isoformat()
        for key in ("valid_from", "test_from")
        if isinstance(value := getattr(settings, key), float)
    }
    return settings.model_copy(update=edges)


def _columns(table: Any, settings: ForecastFeatures, days: Any) -> dict[str, Any]:
    """The columns that are read, checked: float64 [T] each, and `day_type` if the calendar reads it."""
    available = [name for name in table.column_names if name not in ("ds", "filled", "rows", "day_type")]
    columns: dict[str, Any] = {}
    for key, names in (("targets", settings.targets), ("past_covariates", settings.past_covariates)):
        for name in names:
            if name not in available:
                raise UserError(
                    f"the series has no column {name!r}",
                    location=f"params.yaml: features.forecast.{key}",
                    allowed=available,
                    fix="list further columns of the source in its extra_columns",
                )
            columns[name] = arrow.column_floats(table[name])
            transforms.check_domain(settings.transform, name, columns[name], days)
    if "day_type" in settings.calendar and "day_type" in table.column_names:
        columns["day_type"] = np.array(table["day_type"].to_pylist(), object)
    return columns


def _date(day: datetime.date) -> datetime.date:
    return day.date() if isinstance(day, datetime.datetime) else day


def _check_daily(days: list[datetime.date], path: Path, name: str) -> None:
    if not days:
        raise UserError("has no rows", location=str(path), fix="see quarantine.parquet for the reasons")
    for before, after in itertools.pairwise(days):
        if (after - before).days != 1:
            raise UserError(
                f"{name}{name and ': '}{after} follows {before}",
                location=str(path),
                allowed="one row per day, in order, without gaps",
            )
