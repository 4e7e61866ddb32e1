"""Any daily series in a CSV file of the user's, copied as it is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from strokecast import files
from strokecast.errors import UserError
from strokecast.params import Csv
from strokecast.sources import local, tables

KEY = "params.yaml: series.csv"


def fetch(options: Csv, folder: Path) -> str:
    """Check the file and copy it, byte for byte, as `series.csv` with `source.json`.

    Raises:
        UserError: if it is missing, no UTF-8 CSV with the named columns, or holds no row.
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
    rows = sum(1 for _ in tables.read_cells(target, options.date_column, options.value_column, options.path))
    files.write_json(
        folder / "source.json",
        {
            "source": "csv",
            "name": f"{path.stem}: {options.value_column}",
            "unit": options.unit,
            "file": "series.csv",
            "date_column": options.date_column,
            "date_format": options.date_format,
            "value_column": options.value_column,
            "thousands": options.thousands,
            "files": {"series.csv": local.facts(target)},
            "attribution": "",
            "licence": "",
        },
    )
    return f"csv {path.name}: {rows:,} rows, column {options.value_column!r}"


def changed(options: Csv, record: dict[str, Any]) -> str | None:
    """One line if the user's file differs from the copy that `record` describes, else None."""
    path = local.resolve(options.path)
    if not path.is_file():
        return None
    known = record["files"]["series.csv"]
    if path.stat().st_size == known["bytes"] and files.sha256(path) == known["sha256"]:
        return None
    return f"{options.path} changed"
