"""Daily boardings of the Chicago Transit Authority, from the City of Chicago's data portal.

Table 6iiy-9s97, "CTA - Ridership - Daily Boarding Totals": service_date, day_type (W weekday, A
Saturday, U Sunday or holiday), bus, rail_boardings, total_rides. Exports have plain numbers, or
quoted numbers with thousands separators; both are read. Overlapping exports are copied as they are:
validation drops rows with the same date and value and reports their number.
Source: https://data.cityofchicago.org/d/6iiy-9s97
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.params import Cta
from strokecast.sources import local, tables
from strokecast.sources.formats import source_json

KEY = "params.yaml: series.cta"
HEADERS = ("service_date", "day_type", "bus", "rail_boardings", "total_rides")
ALTERNATIVES = (
    "alternatives: name a local export in series.cta.files, or another address in series.cta.url, "
    "or set series.source: births"
)


def check(options: Cta) -> None:
    """Check that the local exports exist, or else that the address is one.

    Raises:
        UserError: if a file is missing, or the address is not valid.
    """
    for name in options.files:
        _find(name)
    if not options.files:
        _check_url(options)


def _find(name: str) -> Path:
    """The local export `name`."""
    path = local.resolve(name)
    if not path.is_file():
        raise UserError(
            f"no such file {name!r}",
            location=f"{KEY}.files",
            allowed="absolute paths, or paths relative to the project's root (the folder of params.yaml)",
        )
    return path


def _check_url(options: Cta) -> None:
    allowed = "an http(s) address; name local files in series.cta.files"
    if not options.url.startswith(("http://", "https://")):
        raise UserError(f"{options.url!r} is not valid", location=f"{KEY}.url", allowed=allowed)
    local.check_address(options.url, f"{KEY}.url")


def fetch(options: Cta, folder: Path) -> str:
    """Download the export, or copy local ones, byte for byte, with `source.json`; return one line about them.

    Raises:
        UserError: if a file is missing or is not such an export, or the address cannot be reached.
    """
    parts = _from_files(options, folder) if options.files else _from_web(options, folder)
    n_rows = sum(
        sum(1 for _ in tables.read_columns(folder / part["file"], HEADERS, part["location"]))
        for part in parts
    )
    source_json.write(
        folder,
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
            "files": {part["file"]: local.file_info(folder / part["file"]) for part in parts},
            "attribution": "Chicago Transit Authority, daily boarding totals, City of Chicago Data Portal (6iiy-9s97)",
            "licence": "City of Chicago data terms of use",
        },
    )
    return f"cta: {n_rows:,} rows of {len(parts)} export{'s' * (len(parts) > 1)}, column {options.column!r}"


def describe_change(options: Cta, source: dict[str, Any]) -> str | None:
    """One line if a local export differs from the copy that `source.json` describes, else None."""
    for name, part in zip(options.files, source.get("parts", ()), strict=False):
        path = local.resolve(name)
        if path.is_file() and not local.matches(path, source["files"][part["file"]]):
            return f"{name} changed"
    return None


def _from_files(options: Cta, folder: Path) -> list[dict[str, str]]:
    parts = []
    counts = Counter(Path(name).name for name in options.files)
    for number, name in enumerate(options.files, 1):
        path = _find(name)
        target = "series.csv" if number == 1 else f"series-{number}.csv"
        shutil.copyfile(path, folder / target)
        unique_name = path.name if counts[path.name] == 1 else f"{number} {path.name}"
        parts.append({"file": target, "name": unique_name, "location": name})
    return parts


def _from_web(options: Cta, folder: Path) -> list[dict[str, str]]:
    from strokecast.sources.http import downloads

    _check_url(options)
    request = downloads.DownloadRequest(options.url, "series.csv")
    try:
        (cached,) = downloads.fetch(
            [request], source="cta", alternatives=ALTERNATIVES, max_file_megabytes=options.max_file_megabytes
        )
    except downloads.NotFoundError as error:
        raise UserError(
            f"no such file {options.url} (HTTP {error.status})", location=f"{KEY}.url", fix=ALTERNATIVES
        ) from None
    try:
        for _ in tables.read_columns(cached, HEADERS, options.url):
            pass
    except UserError:
        downloads.evict(cached)
        raise
    downloads.link_or_copy([cached], folder)
    return [{"file": "series.csv", "name": "series.csv", "location": options.url}]
