"""CSV files of daily series: their cells as text, exactly as they are in the file."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.common.errors import UserError
from strokecast.sources.formats import source_json

if TYPE_CHECKING:
    import pandas as pd

MAX_LISTED = 20  # columns in one message


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
    parts = source.get("parts") or [{"file": source["file"]}]
    cells: list[tuple[str, ...]] = []
    row_numbers: list[int] = []
    file_names: list[str] = []
    for part in parts:
        rows = list(read_columns(raw_folder / part["file"], list(headers.values())))
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


def read_columns(path: Path, names: Sequence[str], location: str = "") -> Iterator[tuple[str, ...]]:
    """Yield the cells of some columns, row by row, from a CSV file (UTF-8, comma, BOM accepted).

    Args:
        path: the file.
        names: headers of the columns.
        location: name of the file in error messages; default: its path.

    Raises:
        UserError: if the file is missing, empty, not UTF-8 or not CSV; if its header lacks or
            repeats one of the columns; if a row has more or fewer cells than the header; if there
            is no row.
    """
    location = location or str(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next((cells for cells in reader if cells), None)
            if header is None:
                raise UserError(
                    "is empty", location=location, allowed="a CSV file with a header and at least one row"
                )
            positions = [_position(header, name, location) for name in names]
            n_rows = 0
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise UserError(
                        f"{len(cells)} cells, but the header names {len(header)} columns",
                        location=f"{location}, line {reader.line_num}",
                        fix="put quotes around cells that contain a comma",
                    )
                n_rows += 1
                yield tuple(cells[position] for position in positions)
            if not n_rows:
                raise UserError("has a header but no row", location=location, allowed="at least one row")
    except FileNotFoundError:
        raise UserError("no such file", location=location) from None
    except (IsADirectoryError, PermissionError) as error:
        raise UserError(
            f"cannot be read: {error.strerror}", location=location, allowed="a CSV file"
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"is not UTF-8 text (byte {error.start})", location=location, fix="save it as UTF-8"
        ) from None
    except csv.Error as error:
        raise UserError(f"is not CSV: {error}", location=location, allowed="comma-separated text") from None


def _position(header: list[str], name: str, location: str) -> int:
    count = header.count(name)
    if count == 1:
        return header.index(name)
    if count > 1:
        raise UserError(f"the header names the column {name!r} {count} times", location=location)
    columns = ", ".join(header[:MAX_LISTED]) + (", ..." if len(header) > MAX_LISTED else "")
    raise UserError(
        f"no column {name!r}; the columns are {columns}",
        location=location,
        fix="name the columns in params.yaml: series.csv",
    )
