"""Any series in a CSV file of the user's, daily or finer, copied as it is."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.params import Csv
from strokecast.sources import local, tables

KEY = "params.yaml: series.csv"
TOLD = 20  # series that a line names


def fetch(options: Csv, folder: Path) -> str:
    """Check the file and copy it, byte for byte, as `series.csv` with `source.json`.

    Raises:
        UserError: if it is missing, no UTF-8 CSV with the named columns, or holds no row, or if
            it holds several series and none of them is chosen.
    """
    if options.date_column == options.value_column:
        raise UserError(
            f"date_column and value_column are both {options.date_column!r}", where=KEY, allowed="two columns"
        )
    path = local.resolve(options.path)
    if not path.exists():
        raise UserError(
            f"no such file {options.path!r}",
            where=f"{KEY}.path",
            allowed="a path from the project's root (the folder of params.yaml), or an absolute one",
        )
    target = folder / "series.csv"
    if path.is_file():
        shutil.copyfile(path, target)
    else:
        raise UserError(f"{options.path!r} is no file", where=f"{KEY}.path", allowed="a CSV file")
    record: dict[str, Any] = {
        "source": "csv",
        "name": f"{path.stem}: {options.value_column}",
        "unit": options.unit,
        "file": "series.csv",
        "date_column": options.date_column,
        "date_format": options.date_format,
        "value_column": options.value_column,
        "thousands": options.thousands,
        "aggregate": options.aggregate,
        "timezone": options.timezone,
        "id_column": options.id_column,
        "day_type_column": options.day_type_column,
        "total_column": options.total_column,
        "part_columns": list(options.part_columns),
        "extra_columns": list(options.extra_columns),
        "files": {"series.csv": local.facts(target)},
        "attribution": "",
        "licence": "",
    }
    rows, there = 0, Counter[str]()
    named = tables.columns(record)
    at = list(named).index("unique_id") if options.id_column else -1
    for cells in tables.read_columns(target, list(named.values()), options.path):
        rows += 1
        if at >= 0:
            there[cells[at].strip()] += 1
    chosen = _chosen(options, there)
    if chosen:
        record |= {"unique_id": chosen, "name": f"{path.stem}: {chosen}"}
    files.write_json(folder / "source.json", record)
    several = f", {len(there)} series, {chosen!r} to forecast" if len(there) > 1 else ""
    return f"csv {path.name}: {rows:,} rows, column {options.value_column!r}{several}"


def _chosen(options: Csv, there: Counter[str]) -> str:
    """The series to forecast; "" where the file does not tell series apart."""
    if not there:
        return ""
    told = ", ".join(sorted(there)[:TOLD]) + (f" and {len(there) - TOLD} more" if len(there) > TOLD else "")
    if "" in there:
        raise UserError(
            f"{there['']:,} rows have no {options.id_column!r}",
            where=options.path,
            fix=f"name their series, or leave series.csv.id_column empty; there are: {told.lstrip(', ')}",
        )
    if options.unique_id:
        if options.unique_id not in there:
            raise UserError(f"no series {options.unique_id!r}", where=f"{KEY}.unique_id", allowed=told)
        return options.unique_id
    if len(there) > 1:
        raise UserError(
            f"the file holds {len(there)} series: {told}",
            where=f"{KEY}.unique_id",
            fix="name the one to forecast",
        )
    return next(iter(there))


def changed(options: Csv, record: dict[str, Any]) -> str | None:
    """One line if the user's file differs from the copy that `record` describes, else None."""
    path = local.resolve(options.path)
    if not path.is_file():
        return None
    known = record["files"]["series.csv"]
    if path.stat().st_size == known["bytes"] and files.sha256(path) == known["sha256"]:
        return None
    return f"{options.path} changed"
