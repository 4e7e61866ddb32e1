"""The daily series in `data/raw/series/`, its cells as they stand in the file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast import files
from strokecast.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def read_source(raw_folder: Path) -> dict[str, Any]:
    """The contents of `source.json` in `data/raw/series/`.

    Raises:
        UserError: if it is missing or damaged.
    """
    path = raw_folder / "source.json"
    try:
        record = files.read_json(path)
    except FileNotFoundError:
        raise UserError("no such file", where=str(path), fix="run `dvc repro`") from None
    except ValueError:
        raise UserError("no valid JSON", where=str(path), fix="run `dvc repro -f download@series`") from None
    if not isinstance(record, dict) or "file" not in record:
        raise UserError("names no file", where=str(path), fix="run `dvc repro -f download@series`")
    return record


def read_series(raw_folder: Path) -> pd.DataFrame:
    """Read the date and value cells of a downloaded series, unparsed.

    Returns:
        A frame with the columns `row` (int64, 1-based data row of the file; blank lines do not
        count), `ds` and `y` (str, the cells as they stand), in the order of the file.

    Raises:
        UserError: if the file is missing, no UTF-8 CSV, lacks a column, or has no row.
    """
    import pandas as pd

    record = read_source(raw_folder)
    cells = list(read_cells(raw_folder / record["file"], record["date_column"], record["value_column"]))
    return pd.DataFrame(
        {
            "row": pd.Series(range(1, len(cells) + 1), dtype="int64"),
            "ds": pd.Series([ds for ds, _ in cells], dtype="str"),
            "y": pd.Series([y for _, y in cells], dtype="str"),
        }
    )


def read_cells(path: Path, date_column: str, value_column: str, where: str = "") -> Iterator[tuple[str, str]]:
    """Yield the date and value cell of each data row of a CSV file (UTF-8, comma, BOM accepted).

    Args:
        path: the file.
        date_column: header of the date column.
        value_column: header of the value column.
        where: how errors name the file; its path by default.

    Raises:
        UserError: if the file is missing, empty, no UTF-8 text or no CSV, if its header lacks or
            repeats a named column, if a row has more or fewer cells than the header, or if there
            is no row.
    """
    where = where or str(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            header = next((cells for cells in lines if cells), None)
            if header is None:
                raise UserError(
                    "is empty", where=where, allowed="a CSV file with a header and at least one row"
                )
            at_date, at_value = (_position(header, name, where) for name in (date_column, value_column))
            rows = 0
            for cells in lines:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise UserError(
                        f"{len(cells)} cells, but the header names {len(header)} columns",
                        where=f"{where}, line {lines.line_num}",
                        fix="quote cells that hold a comma",
                    )
                rows += 1
                yield cells[at_date], cells[at_value]
            if not rows:
                raise UserError("has a header but no row", where=where, allowed="at least one row")
    except FileNotFoundError:
        raise UserError("no such file", where=where) from None
    except (IsADirectoryError, PermissionError) as error:
        raise UserError(f"cannot be read: {error.strerror}", where=where, allowed="a CSV file") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"is not UTF-8 text (byte {error.start})", where=where, fix="save it as UTF-8"
        ) from None
    except csv.Error as error:
        raise UserError(f"is no CSV: {error}", where=where, allowed="comma-separated text") from None


def _position(header: list[str], name: str, where: str) -> int:
    count = header.count(name)
    if count == 1:
        return header.index(name)
    if count > 1:
        raise UserError(f"the column {name!r} stands {count} times in the header", where=where)
    there = ", ".join(header[:20]) + (", ..." if len(header) > 20 else "")
    raise UserError(
        f"no column {name!r}; it has {there}", where=where, fix="name the columns in params.yaml: series.csv"
    )
