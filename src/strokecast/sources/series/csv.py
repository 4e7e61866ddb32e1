"""Any daily or finer series in a local CSV file, copied byte for byte."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from strokecast.common import files, names
from strokecast.common.errors import UserError, escape_unprintable
from strokecast.params import Csv
from strokecast.sources import class_names, local, tables
from strokecast.sources.formats import source_json

KEY = "params.yaml: series.csv"


def check(options: Csv) -> None:
    """Check that the file exists and has the named columns.

    Raises:
        UserError: if the file is missing, is not a CSV file in UTF-8, or lacks a column.
    """
    path = _find(options)
    headers = tables.column_headers(options.model_dump())
    next(iter(tables.read_columns(path, list(headers.values()), options.path, options.separator)), None)


def _find(options: Csv) -> Path:
    """The file that `options` name."""
    path = local.resolve(options.path)
    try:
        files.check_regular(path)
    except UserError as error:
        if error.what == "no such file":
            raise UserError(
                f"no such file {options.path!r}",
                location=f"{KEY}.path",
                allowed="an absolute path, or a path relative to the project's root (the folder of params.yaml)",
            ) from None
        raise UserError(
            f"{options.path!r}: {error.what}", location=f"{KEY}.path", allowed="a CSV file"
        ) from None
    return path


def fetch(options: Csv, folder: Path) -> str:
    """Check the file and copy it as `series.csv`, with `source.json`; return one line that describes it.

    Raises:
        UserError: if the file is missing, is not a UTF-8 CSV file with the named columns, or has no
            row; if it contains several series and `unique_id` selects none of them.
    """
    path = _find(options)
    target = folder / "series.csv"
    shutil.copyfile(path, target)
    source: dict[str, Any] = {
        "source": "csv",
        "name": f"{escape_unprintable(path.stem)}: {options.value_column}",
        "unit": options.unit,
        "file": "series.csv",
        "path": options.path,
        "date_column": options.date_column,
        "date_format": options.date_format,
        "value_column": options.value_column,
        "separator": options.separator,
        "thousands": options.thousands,
        "decimal": options.decimal,
        "aggregate": options.aggregate,
        "timezone": options.timezone,
        "id_column": options.id_column,
        "day_type_column": options.day_type_column,
        "total_column": options.total_column,
        "part_columns": list(options.part_columns),
        "extra_columns": list(options.extra_columns),
        "files": {"series.csv": local.file_info(target)},
        "attribution": "",
        "licence": "",
    }
    n_rows, rows_by_id = 0, Counter[str]()
    headers = tables.column_headers(source)
    id_position = list(headers).index("unique_id") if options.id_column else -1
    for cells in tables.read_columns(target, list(headers.values()), options.path, options.separator):
        n_rows += 1
        if id_position >= 0:
            rows_by_id[cells[id_position]] += 1
    rows_by_id = _strip_ids(rows_by_id, options.path)
    unique_id = _select_series(options, rows_by_id)
    if unique_id:
        source |= {"unique_id": unique_id, "name": f"{escape_unprintable(path.stem)}: {unique_id}"}
    source_json.write(folder, source)
    ids = f", {len(rows_by_id)} series, {unique_id!r} to forecast" if len(rows_by_id) > 1 else ""
    return f"csv {path.name}: {n_rows:,} rows, column {options.value_column!r}{ids}"


def describe_change(options: Csv, source: dict[str, Any]) -> str | None:
    """One line if the user's file differs from the copy that `source.json` describes, else None."""
    path = local.resolve(options.path)
    if not path.is_file() or local.matches(path, source["files"]["series.csv"]):
        return None
    return f"{options.path} changed"


def _strip_ids(rows_by_id: Counter[str], location: str) -> Counter[str]:
    """The rows of each series, by id without spaces around it.

    Raises:
        UserError: if an id cannot be the name of a series.
    """
    stripped = Counter[str]()
    for unique_id, rows in rows_by_id.items():
        if unique_id.strip(" "):
            names.check(unique_id, "series", location)
        stripped[unique_id.strip()] += rows
    return stripped


def _select_series(options: Csv, rows_by_id: Counter[str]) -> str:
    """The id of the series to forecast; empty if the file has no id column."""
    if not rows_by_id:
        return ""
    ids = class_names.shorten(sorted(rows_by_id))
    if "" in rows_by_id:
        raise UserError(
            f"{rows_by_id['']:,} rows have no {options.id_column!r}",
            location=options.path,
            fix=f"name their series, or leave series.csv.id_column empty; the series are {ids.lstrip(', ')}",
        )
    if options.unique_id:
        if options.unique_id not in rows_by_id:
            raise UserError(f"no series {options.unique_id!r}", location=f"{KEY}.unique_id", allowed=ids)
        return options.unique_id
    if len(rows_by_id) > 1:
        raise UserError(
            f"the file contains {len(rows_by_id)} series: {ids}",
            location=f"{KEY}.unique_id",
            fix="name the series to forecast, or any of them with features.forecast.series: all",
        )
    return next(iter(rows_by_id))
