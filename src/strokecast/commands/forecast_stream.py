"""Forecasts of the series of files of any size, piece by piece, in this process or in several."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from strokecast.commands import forecast_cells, forecast_input
from strokecast.commands.forecast_cells import CellFormat, SeriesFile
from strokecast.commands.history_check import HistoryCheck
from strokecast.common import pool
from strokecast.common.errors import UserError
from strokecast.features.records import spec as specs
from strokecast.features.records.spec import ForecastSpec
from strokecast.inference import combination_folder, stored_combination
from strokecast.inference.forecasting import InvalidSeries, OwnForecast, SeriesForecaster
from strokecast.inference.series_table import ID, to_series_id

_SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True)
class Model:
    """A model as each process loads it.

    Attributes:
        folder: of the trained model or the combination.
        checks_history: whether its validation forecasts, which registered copies lack, are compared with the input.
    """

    folder: Path
    checks_history: bool


@dataclass(frozen=True)
class _Piece:
    """Some series of a file, and what their forecasts need."""

    cells: pd.DataFrame
    cell_format: CellFormat
    future: pd.DataFrame | None
    days_ahead: int
    skip_invalid: bool


@dataclass
class _Results:
    """The series of a piece.

    Attributes:
        series: their forecasts and mistakes, in order.
        lines: warnings about their rows.
        history_lines: warnings about their histories.
        error: what ends the command.
    """

    series: list[OwnForecast | InvalidSeries] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    history_lines: list[str] = field(default_factory=list)
    error: UserError | None = None


def find_files(source: Path) -> list[Path]:
    """The file, or the CSV and parquet files in a folder, by name.

    Raises:
        UserError: if a folder has no such file.
    """
    if not source.is_dir():
        return [source]
    files = [
        path
        for path in sorted(source.iterdir())
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    if not files:
        raise UserError(
            "is a folder without a table", location=str(source), allowed="files ending in .csv or .parquet"
        )
    return files


def series_names(files: Sequence[SeriesFile], location: str) -> list[str] | None:
    """The ids of all files, in order; None for a single file without them.

    Raises:
        UserError: if one of several files has no ids, or two files have a series of the same id.
    """
    if len(files) == 1 and files[0].series is None:
        return None
    file_of: dict[str, SeriesFile] = {}
    for file in files:
        if file.series is None:
            raise UserError(
                f"has no column {ID!r}, and {location} has {len(files)} files",
                location=file.format.location,
                fix="name the series of each row",
            )
        for name in file.series:
            if name in file_of:
                raise UserError(
                    f"has the series {name}, which is also in {file_of[name].format.location}",
                    location=file.format.location,
                    fix="put all rows of a series in one file",
                )
            file_of[name] = file
    return list(file_of)


@dataclass(frozen=True)
class LoadedModel:
    """A model in this process.

    Attributes:
        source: its files.
        spec: its spec.json.
        forecaster: the model.
        history_check: None for a registered copy.
    """

    source: Model
    spec: ForecastSpec
    forecaster: SeriesForecaster
    history_check: HistoryCheck | None


def load(model: Model) -> LoadedModel:
    """Load a model.

    Raises:
        UserError: if a file is missing or cannot be read.
    """
    folder = model.folder
    spec = specs.load(folder, "forecast")
    is_combination = (folder / combination_folder.FILE).is_file()
    combination = stored_combination.load(folder) if is_combination else None
    check = HistoryCheck(folder, spec) if model.checks_history else None
    return LoadedModel(model, spec, SeriesForecaster(folder, spec, combination), check)


def forecast(
    loaded: LoadedModel,
    files: Iterable[SeriesFile],
    future: pd.DataFrame | None,
    days_ahead: int,
    skip_invalid: bool,
    jobs: int,
    report: Callable[[str], None],
    report_history: Callable[[str], None],
) -> Iterator[OwnForecast | InvalidSeries]:
    """Yield the forecast, or the mistake, of each series in order. Memory holds a few pieces of the files.

    Args:
        loaded: the model.
        files: of `forecast_cells.scan`.
        future: day types of the forecast days; with `unique_id` those of each series.
        days_ahead: days to forecast.
        skip_invalid: leave out series with a row that is not valid, each with a warning.
        jobs: processes that forecast pieces; with 1, this one.
        report: receives one line per warning about rows.
        report_history: receives one line per warning about a history (`history_check`).

    Raises:
        UserError: if a file cannot be read, a row is not valid, or a process was killed.
    """
    ids = None if future is None or ID not in future else future[ID].map(to_series_id)

    def make_pieces() -> Iterator[_Piece]:
        for file in files:
            for cells in forecast_cells.pieces(file):
                is_own = None if ids is None or ID not in cells else ids.isin(cells[ID].str.strip().unique())
                own_future = future if future is None or is_own is None else future[is_own]
                yield _Piece(cells, file.format, own_future, days_ahead, skip_invalid)

    run = (
        functools.partial(_load_and_forecast, loaded.source)
        if jobs > 1
        else functools.partial(_forecast_piece, loaded)
    )
    try:
        for results in pool.ordered_map(run, make_pieces(), jobs):
            for line in results.lines:
                report(line)
            if results.error is not None:
                raise results.error
            yield from results.series
            for line in results.history_lines:
                report_history(line)
    except BrokenProcessPool:
        raise UserError(
            f"one of {jobs} processes was killed, perhaps because memory ran out",
            location="--jobs",
            fix="use fewer",
        ) from None


def _forecast_piece(loaded: LoadedModel, piece: _Piece) -> _Results:
    results, location = _Results(), piece.cell_format.location
    try:
        frame = forecast_input.to_days(
            piece.cells,
            piece.cell_format,
            loaded.spec,
            loaded.forecaster.columns,
            results.lines.append,
            piece.skip_invalid,
        )
    except UserError as error:
        results.error = error
        return results
    if frame.empty:
        return results
    results.series = loaded.forecaster.forecast_each(frame, piece.future, piece.days_ahead, location)
    if loaded.history_check is not None:
        invalid = [one.name for one in results.series if isinstance(one, InvalidSeries)]
        checked = frame[~frame[ID].isin(invalid)] if invalid and ID in frame else frame
        results.history_lines = [f"{location}: {line}" for line in loaded.history_check.warnings(checked)]
    return results


def _load_and_forecast(model: Model, piece: _Piece) -> _Results:
    """`_forecast_piece` in a process of a pool, which loads the model once."""
    return _forecast_piece(_load_once(model), piece)


_load_once = functools.lru_cache(maxsize=1)(load)
