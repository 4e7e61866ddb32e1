"""The daily series in `data/raw/series/`, its cells as they stand in the file."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.common.errors import UserError
from strokecast.sources.formats import source_json

if TYPE_CHECKING:
    import pandas as pd


def read_source(raw_folder: Path) -> dict[str, Any]:
    """The contents of `source.json` in `data/raw/series/`.

    Raises:
        UserError: if it is missing or damaged.
    """
    return source_json.read(raw_folder, "series", "file", str, "names no file")


def read_series(raw_folder: Path) -> pd.DataFrame:
    """Read the cells of a downloaded series, unparsed.

    Returns:
        A frame with the columns `row` (int64, 1-based data row of its file; blank lines do not
        count), `ds` and `y` (str, the cells as they stand), in the order of the files. Where
        `source.json` names them: `unique_id`, `day_type`, `total`, `part: <header>` for each
        part and `extra: <header>` for each further column (str). Where there are several files: `file` (str), the name the user knows it by.

    Raises:
        UserError: if a file is missing, no UTF-8 CSV, lacks a column, or has no row.
    """
    import pandas as pd

    record = read_source(raw_folder)
    named = columns(record)
    parts = record.get("parts") or [{"file": record["file"]}]
    cells: list[tuple[str, ...]] = []
    rows: list[int] = []
    origin: list[str] = []
    for part in parts:
        found = list(read_columns(raw_folder / part["file"], list(named.values())))
        cells += found
        rows += range(1, len(found) + 1)
        origin += [part.get("name", part["file"])] * len(found)
    frame = pd.DataFrame({"row": pd.Series(rows, dtype="int64")})
    for at, name in enumerate(named):
        frame[name] = pd.Series([line[at] for line in cells], dtype="str")
    if len(parts) > 1:
        frame["file"] = pd.Series(origin, dtype="str")
    return frame


def columns(record: Mapping[str, Any]) -> dict[str, str]:
    """Name of a column in `read_series` → its header in the files, by `source.json`."""
    found = {"ds": record["date_column"], "y": record["value_column"]}
    for name in ("id", "day_type", "total"):
        if header := record.get(f"{name}_column"):
            found["unique_id" if name == "id" else name] = header
    for kind in ("part", "extra"):
        found |= {f"{kind}: {header}": header for header in record.get(f"{kind}_columns", ())}
    return found


def read_columns(path: Path, names: Sequence[str], where: str = "") -> Iterator[tuple[str, ...]]:
    """Yield the named cells of each data row of a CSV file (UTF-8, comma, BOM accepted).

    Args:
        path: the file.
        names: headers of the columns.
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
            at = [_position(header, name, where) for name in names]
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
                yield tuple(cells[position] for position in at)
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
