"""CSV files of daily series: their cells as text, exactly as they are in the file."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from strokecast.common import file_types, files
from strokecast.common.errors import UserError
from strokecast.sources.formats import source_json

if TYPE_CHECKING:
    import pandas as pd

MAX_LISTED = 20  # columns in one message
DEFAULT_SEPARATOR = ","
RAGGED = "row with more or fewer cells than the header: "
_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}


def read_series(raw_folder: Path) -> pd.DataFrame:
    """Read a downloaded series without parsing its cells.

    Args:
        raw_folder: `data/raw/series/`.

    Returns:
        A frame in the order of the files with the columns `row` (int64: number of the data row in
        its file, from 1; blank lines do not count), `ds` and `y` (str). Present if `source.json`
        names them, all str: `unique_id`, `day_type`, `total`, `part: <header>` per part,
        `extra: <header>` per further column. With several files: `file` (str), the name of the
        user's file.

    Raises:
        UserError: if a file is missing, is not a UTF-8 CSV file, lacks a column, or has no row.
    """
    import pandas as pd

    source = source_json.read(raw_folder, "series")
    headers = column_headers(source)
    separator = source.get("separator", DEFAULT_SEPARATOR)
    parts = source.get("parts") or [{"file": source["file"]}]
    cells: list[tuple[str, ...]] = []
    row_numbers: list[int] = []
    file_names: list[str] = []
    for part in parts:
        rows = list(read_columns(raw_folder / part["file"], list(headers.values()), separator=separator))
        cells += rows
        row_numbers += range(1, len(rows) + 1)
        file_names += [part.get("name", part["file"])] * len(rows)
    frame = pd.DataFrame({"row": pd.Series(row_numbers, dtype="int64")})
    for position, name in enumerate(headers):
        frame[name] = pd.Series([row[position] for row in cells], dtype="str")
    if len(parts) > 1:
        frame["file"] = pd.Series(file_names, dtype="str")
    return frame


def column_headers(source: Mapping[str, Any]) -> dict[str, str]:
    """Column of `read_series` → header of that column in the files, from the contents of `source.json`."""
    headers = {"ds": source["date_column"], "y": source["value_column"]}
    for name in ("id", "day_type", "total"):
        if header := source.get(f"{name}_column"):
            headers["unique_id" if name == "id" else name] = header
    for name in ("part", "extra"):
        headers |= {f"{name}: {header}": header for header in source.get(f"{name}_columns", ())}
    return headers


def read_header(path: Path, location: str = "", separator: str = DEFAULT_SEPARATOR) -> list[str]:
    """The cells of the first line that is not blank.

    Raises:
        UserError: as `read_columns`, but for single columns and rows.
    """
    with _open(path, location or str(path)) as file:
        return _header(csv.reader(file, strict=True, delimiter=separator), location or str(path))


def read_columns(
    path: Path,
    names: Sequence[str],
    location: str = "",
    separator: str = DEFAULT_SEPARATOR,
    skip_ragged: bool = False,
) -> Iterator[tuple[str, ...]]:
    """Yield the cells of some columns, row by row, from a CSV file (UTF-8, BOM accepted).

    Args:
        path: the file.
        names: headers of the columns. Spaces around a header and its Unicode form may differ.
        location: name of the file in error messages; default: its path.
        separator: of the cells.
        skip_ragged: of a row with more or fewer cells than the header, yield those that it has, each after `RAGGED`, and ""
            for the others, instead of an error.

    Raises:
        UserError: if the file is missing, empty, not UTF-8 or not CSV; if its header lacks or
            repeats one of the columns; if a row has more or fewer cells than the header; if there
            is no row.
    """
    location = location or str(path)
    with _open(path, location) as file:
        reader = csv.reader(file, strict=True, delimiter=separator)
        header = _header(reader, location)
        positions = [find_column(header, name, location, separator) for name in names]
        n_rows = 0
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header) and skip_ragged:
                n_rows += 1
                yield tuple(f"{RAGGED}{cells[at]}" if at < len(cells) else "" for at in positions)
                continue
            if len(cells) != len(header):
                raise UserError(
                    f"{len(cells)} cells, but the header names {len(header)} columns",
                    location=f"{location}, line {reader.line_num}",
                    fix=f"put quotes around cells that contain {_SEPARATORS[separator]}",
                )
            n_rows += 1
            yield tuple(cells[position] for position in positions)
        if not n_rows:
            raise UserError("has a header but no row", location=location, allowed="at least one row")


def count_header(header: Sequence[str], name: str) -> int:
    """How often a header names a column, with any spaces around it and in any Unicode form."""
    return header.count(name) or sum(_normalize(cell) == _normalize(name) for cell in header)


@contextmanager
def _open(path: Path, location: str) -> Iterator[TextIO]:
    """Open a CSV file; what goes wrong while it is read becomes a `UserError`."""
    try:
        with files.open_binary(path):
            file_type = file_types.recognize(path)
    except UserError as error:
        raise UserError(error.what, location=location, allowed=error.allowed or "a CSV file") from None
    except OSError as error:  # a damaged disk
        raise UserError(f"cannot be read ({files.describe_os_error(error)})", location=location) from None
    if file_type is not None:
        raise UserError(f"is {file_type.name}, not a CSV file", location=location, fix=file_type.fix)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except UnicodeDecodeError:
        raise UserError(
            f"is not UTF-8 text ({_first_undecodable(path)})", location=location, fix="save it as UTF-8"
        ) from None
    except OSError as error:
        raise UserError(f"cannot be read ({files.describe_os_error(error)})", location=location) from None
    except csv.Error as error:
        raise UserError(f"is not CSV: {error}", location=location, allowed="comma-separated text") from None


def _first_undecodable(path: Path) -> str:
    """The first byte that is not UTF-8, and its line."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f"byte 0x{line[error.start]:02x} in line {number}"
    return "at the end"


def _header(reader: Iterator[list[str]], location: str) -> list[str]:
    header = next((cells for cells in reader if cells), None)
    if header is None:
        raise UserError(
            "is empty", location=location, allowed="a CSV file with a header and at least one row"
        )
    if any("\0" in cell for cell in header):
        raise UserError("has NUL bytes, as UTF-16 text has", location=location, fix="save it as CSV in UTF-8")
    return header


def _normalize(header: str) -> str:
    return unicodedata.normalize("NFC", header.strip())


def find_column(header: Sequence[str], name: str, location: str, separator: str = DEFAULT_SEPARATOR) -> int:
    """Position of a column in a header. Spaces around its name and its Unicode form may differ.

    Raises:
        UserError: if the header lacks or repeats it.
    """
    count = count_header(header, name)
    if count == 1:
        return next(
            position
            for normalize in (str, _normalize)
            for position, cell in enumerate(header)
            if normalize(cell) == normalize(name)
        )
    if count > 1:
        raise UserError(
            f"the header names the column {name!r} {count} times", location=location, fix="rename one of them"
        )
    columns = ", ".join(map(repr, header[:MAX_LISTED])) + (", ..." if len(header) > MAX_LISTED else "")
    other = find_separator(header, name, separator)
    raise UserError(
        f"no column {name!r}; the columns are {columns}",
        location=location,
        fix=f"set series.csv.separator to {other!r}"
        + (", and series.csv.decimal to ',' if the numbers have decimal commas" if other == ";" else "")
        if other
        else "name the columns in params.yaml: series.csv",
    )


def find_separator(header: Sequence[str], name: str, separator: str) -> str:
    """The separator that a file seems to have instead of `separator`; "": none.

    Args:
        header: the header, split at `separator`.
        name: a column that it lacks.
        separator: with which it was split.
    """
    line = separator.join(header)
    others = [other for other in _SEPARATORS if other != separator]
    with_column = (other for other in others if count_header(line.split(other), name))
    single = (other for other in others if len(header) == 1 and other in line)
    return next(with_column, next(single, ""))
