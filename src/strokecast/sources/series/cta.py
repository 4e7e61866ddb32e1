"""Daily boardings of the Chicago Transit Authority, from the City of Chicago's data portal.

Table 6iiy-9s97, "CTA - Ridership - Daily Boarding Totals": service_date, day_type (W weekday, A
Saturday, U Sunday or holiday), bus, rail_boardings, total_rides. Exports write the numbers plain or
with thousands commas in quotes; both are read. Exports that overlap are kept as they are: rows with
the same date and value are dropped, and counted, when the series is validated.
Source: https://data.cityofchicago.org/d/6iiy-9s97
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.params import Cta
from strokecast.sources import local, tables

KEY = "params.yaml: series.cta"
HEADERS = ("service_date", "day_type", "bus", "rail_boardings", "total_rides")
OTHER_WAYS = (
    "other ways: name an export that you have in series.cta.files, or another address in series.cta.url, "
    "or set series.source: births"
)


def fetch(options: Cta, folder: Path) -> str:
    """Fetch the export, or copy the local ones, each byte for byte, with `source.json`.

    Raises:
        UserError: if a file is missing or no such export, or the address cannot be reached.
    """
    parts = _from_files(options, folder) if options.files else _from_web(options, folder)
    rows = sum(
        sum(1 for _ in tables.read_columns(folder / part["file"], HEADERS, part["where"])) for part in parts
    )
    files.write_json(
        folder / "source.json",
        {
            "source": "cta",
            "name": f"CTA {options.column}",
            "unit": "boardings",
            "file": parts[0]["file"],
            "parts": [{"file": part["file"], "name": part["name"]} for part in parts],
            "date_column": "service_date",
            "date_format": "%m/%d/%Y",
            "value_column": options.column,
            "thousands": ",",
            "day_type_column": "day_type",
            "total_column": "total_rides",
            "part_columns": ["bus", "rail_boardings"],
            "extra_columns": [name for name in ("bus", "rail_boardings") if name != options.column],
            "files": {part["file"]: local.facts(folder / part["file"]) for part in parts},
            "attribution": "Chicago Transit Authority, daily boarding totals, City of Chicago Data Portal (6iiy-9s97)",
            "licence": "City of Chicago data terms of use",
        },
    )
    return f"cta: {rows:,} rows of {len(parts)} export{'s' * (len(parts) > 1)}, column {options.column!r}"


def changed(options: Cta, record: dict[str, Any]) -> str | None:
    """One line if a local export differs from the copy that `record` describes, else None."""
    for name, part in zip(options.files, record.get("parts", ()), strict=False):
        path, known = local.resolve(name), record["files"][part["file"]]
        if path.is_file() and (
            path.stat().st_size != known["bytes"] or files.sha256(path) != known["sha256"]
        ):
            return f"{name} changed"
    return None


def _from_files(options: Cta, folder: Path) -> list[dict[str, str]]:
    parts = []
    names = Counter(Path(name).name for name in options.files)
    for number, name in enumerate(options.files, 1):
        path = local.resolve(name)
        if not path.is_file():
            raise UserError(
                f"no such file {name!r}",
                where=f"{KEY}.files",
                allowed="paths from the project's root (the folder of params.yaml), or absolute ones",
            )
        target = "series.csv" if number == 1 else f"series-{number}.csv"
        shutil.copyfile(path, folder / target)
        called = path.name if names[path.name] == 1 else f"{number} {path.name}"
        parts.append({"file": target, "name": called, "where": name})
    return parts


def _from_web(options: Cta, folder: Path) -> list[dict[str, str]]:
    from strokecast.sources.http import downloads

    if not options.url.startswith(("http://", "https://")):
        raise UserError(
            f"{options.url!r} will not do",
            where=f"{KEY}.url",
            allowed="an http(s) address; local files go to series.cta.files",
        )
    wanted = downloads.Wanted(options.url, "series.csv")
    try:
        (found,) = downloads.fetch([wanted], source="cta", other_ways=OTHER_WAYS)
    except downloads.NotThereError as error:
        raise UserError(
            f"no such file {options.url} (HTTP {error.status})", where=f"{KEY}.url", fix=OTHER_WAYS
        ) from None
    try:
        for _ in tables.read_columns(found, HEADERS, options.url):
            pass
    except UserError:
        downloads.forget(found)
        raise
    downloads.put([found], folder)
    return [{"file": "series.csv", "name": "series.csv", "where": options.url}]
