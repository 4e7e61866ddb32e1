"""Files with daily series: their layout, found in a first pass, and their cells as text, in pieces of whole series.

Memory holds one piece. A file whose series are not together is first sorted by piece into temporary files.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from strokecast.commands import forecast_layout, input_files
from strokecast.commands.forecast_layout import Layout
from strokecast.common import names
from strokecast.common.errors import UserError
from strokecast.common.files import describe_os_error
from strokecast.features.timeseries.window_transformer import DAY_TYPE
from strokecast.inference.series_table import ID
from strokecast.sources import tables
from strokecast.validation.series.rows import EXTRA_PREFIX
from strokecast.validation.series.source import SeriesSource

PIECE_ROWS = 50_000  # a piece ends before the series that would exceed them
_MAX_PIECE_FILES = 200  # that are open at a time
_MAX_DATES = 200_000  # different ones from which the date format is chosen
_TIMES_FIX = (
    "write plain days, YYYY-MM-DD, or train the model with series.csv.timezone set to their time zone"
)


_Row = tuple[int, tuple[str, ...]]  # its number and its cells


@dataclass(frozen=True)
class CellFormat:
    """How the cells of a file are written.

    Attributes:
        location: how errors name the file.
        source: marks of numbers, time zone and aggregation.
        date_format: of the days or times, for strptime.
    """

    location: str
    source: SeriesSource
    date_format: str


@contextlib.contextmanager
def times_of(location: str) -> Iterator[None]:
    """Let an error of times with an offset from UTC name the file, not params.yaml: the trained model sets the time zone."""
    try:
        yield
    except UserError as error:
        raise UserError(error.what, location=location, fix=_TIMES_FIX) from None


@dataclass(frozen=True)
class SeriesFile:
    """A file of which every row was read once.

    Attributes:
        path: the file, a regular one.
        columns: that are read: ds, day_type, targets and covariates.
        layout: where it has them.
        format: how its cells are written.
        n_rows: rows.
        series: id → number of its rows, in the order of their first rows; None without a column of ids.
        is_sorted: whether the rows of each series follow each other.
    """

    path: Path
    columns: Sequence[str]
    layout: Layout
    format: CellFormat
    n_rows: int
    series: Mapping[str, int] | None
    is_sorted: bool


def scan(
    path: Path,
    location: str,
    table: Mapping[str, Any],
    columns: Sequence[str],
    report: Callable[[str], None],
    skip_invalid: bool = False,
) -> SeriesFile:
    """Find the layout, the date format and the series of a file by reading its dates and ids.

    Args:
        path: CSV or parquet file.
        location: how errors name it.
        table: how the training file is written: `table` of the spec.
        columns: that are read.
        report: receives one line if rows are left out.
        skip_invalid: leave out rows without id, and count a CSV row with more or fewer cells than the header as one with
            a date that cannot be read, if there is a column of ids.

    Raises:
        UserError: if the file cannot be read, lacks or repeats a column, or has no row or a row without id.
    """
    layout = forecast_layout.find(path, location, table, columns)
    has_ids = ID in layout.headers
    layout = dataclasses.replace(layout, skip_invalid=skip_invalid and has_ids)
    counts: dict[str, int] = {}
    dates: dict[str, None] = {}
    n_rows, n_without_id, row_without_id, last, is_sorted = 0, 0, 0, "", True
    for ds, *ids in _rows(path, location, layout, ("ds", *([ID] if has_ids else []))):
        n_rows += 1
        if len(dates) < _MAX_DATES and not ds.startswith(tables.RAGGED):
            dates[ds] = None
        if not ids:
            continue
        name = ids[0].strip()
        if not name:
            n_without_id, row_without_id = n_without_id + 1, row_without_id or n_rows
            continue
        is_sorted = is_sorted and (name == last or name not in counts)
        counts[name] = counts.get(name, 0) + 1
        last = name
    if not n_rows:
        raise UserError("has no row", location=location, allowed="at least one row")
    if n_without_id:
        line = f"{n_without_id:,} rows have no {layout.headers[ID]!r} (row {row_without_id})"
        if not layout.skip_invalid or not counts:
            raise UserError(line, location=location, fix="name their series, or remove the column")
        report(f"{location}: {line}; they are left out")
    for name in counts:
        names.check(name, "series", location)
    cells = pd.Series(list(dates), dtype="str")
    with times_of(location):
        date_format = forecast_layout.choose_format(cells, layout.source.date_format, layout.source.timezone)
    cell_format = CellFormat(location, layout.source, date_format)
    return SeriesFile(path, columns, layout, cell_format, n_rows, counts if has_ids else None, is_sorted)


def pieces(file: SeriesFile) -> Iterator[pd.DataFrame]:
    """Yield the cells of a file in pieces of about `PIECE_ROWS` rows, each with all rows of its series.

    Yields:
        As `sources.tables.read_series` returns them: `row` int64, the number of the row in the file, then text: `ds`, `y`,
        `unique_id` and `day_type` if the file has them, and `extra: <name>` per further column.

    Raises:
        UserError: if the file cannot be read, or no temporary file be written.
    """
    columns = list(file.layout.headers)
    numbered: Iterable[_Row] = enumerate(_rows(file.path, file.format.location, file.layout, columns), 1)
    if file.series is not None:
        position = columns.index(ID)
        numbered = (row for row in numbered if row[1][position].strip())
    limit = PIECE_ROWS if file.is_sorted else max(PIECE_ROWS, file.n_rows // _MAX_PIECE_FILES)
    piece_of = _assign(file.series or {}, limit)
    n_pieces = max(piece_of.values(), default=0) + 1
    if n_pieces == 1:
        yield _to_frame(numbered, file)
        return
    if file.is_sorted:
        for _, rows in itertools.groupby(numbered, lambda row: piece_of[row[1][position].strip()]):
            yield _to_frame(rows, file)
        return
    with tempfile.TemporaryDirectory(prefix="strokecast-") as folder:
        paths = [Path(folder) / f"{number}.csv" for number in range(n_pieces)]
        try:
            _write_pieces(numbered, paths, lambda cells: piece_of[cells[position].strip()])
        except OSError as error:
            raise UserError(
                f"cannot be written ({describe_os_error(error)})",
                location=folder,
                fix="sort the input by series, or set TMPDIR to a folder with as much space as the input takes",
            ) from None
        for path in paths:
            with path.open(encoding="utf-8", newline="") as stored:
                yield _to_frame(((int(number), tuple(cells)) for number, *cells in csv.reader(stored)), file)
            path.unlink()


def _assign(series: Mapping[str, int], limit: int) -> dict[str, int]:
    """Series → its piece. Pieces have consecutive series of at most `limit` rows, but at least one series."""
    piece, size, assigned = 0, 0, {}
    for name, count in series.items():
        if size and size + count > limit:
            piece, size = piece + 1, 0
        assigned[name], size = piece, size + count
    return assigned


def _write_pieces(
    rows: Iterable[_Row],
    paths: Sequence[Path],
    piece_of: Callable[[tuple[str, ...]], int],
) -> None:
    with ExitStack() as stack:
        opened = [stack.enter_context(path.open("w", encoding="utf-8", newline="")) for path in paths]
        writers = [csv.writer(file) for file in opened]
        for number, cells in rows:
            writers[piece_of(cells)].writerow((number, *cells))


def _to_frame(rows: Iterable[_Row], file: SeriesFile) -> pd.DataFrame:
    numbers, texts = zip(*rows, strict=True)
    cells = pd.DataFrame(texts, columns=list(file.layout.headers), dtype="str")
    values = [column for column in file.columns if column not in ("ds", DAY_TYPE)]
    cells = cells.rename(columns={name: f"{EXTRA_PREFIX}{name}" for name in values[1:]})
    cells = cells.rename(columns=dict.fromkeys(values[:1], "y"))
    if not values:
        cells["y"] = "0"
    cells.insert(0, "row", np.array(numbers, np.int64))
    return cells


def _rows(path: Path, location: str, layout: Layout, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The cells of some columns, row by row, as text."""
    headers = [layout.headers[name] for name in columns]
    if layout.separator:
        rows = tables.read_columns(path, headers, location, layout.separator, layout.skip_invalid)
        if not layout.skip_invalid:
            yield from rows
            return
        at = columns.index(ID)
        for cells in rows:
            yield (*cells[:at], cells[at].removeprefix(tables.RAGGED), *cells[at + 1 :])
        return
    for texts in input_files.read_parquet(path, headers, location):
        adapted = [
            forecast_layout.as_in_layout(cells, name, layout.source) if header in layout.typed else cells
            for name, header, cells in zip(columns, headers, texts, strict=True)
        ]
        yield from zip(*adapted, strict=True)
