"""The layout of a file with daily series: where its columns are, and how its cells are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from strokecast.commands import input_files
from strokecast.common.errors import UserError
from strokecast.features.timeseries.window_transformer import DAY_TYPE
from strokecast.inference.series_table import ID
from strokecast.sources import tables
from strokecast.validation.series.date_formats import AUTO, choose_date_format
from strokecast.validation.series.source import SeriesSource
from strokecast.validation.series.timestamps import strip_midnight

ISO = "%Y-%m-%d"
_HEADER_KEYS = {"ds": "date_column", "y": "value_column", ID: "id_column", DAY_TYPE: "day_type_column"}


@dataclass(frozen=True)
class Layout:
    """Where one file has the columns of a series.

    Attributes:
        headers: column → its header in the file.
        source: how dates and numbers are written.
        separator: of the cells; "" in a parquet file.
        typed: the headers of a parquet file that are not columns of text.
        skip_invalid: whether rows without id are left out, and a CSV row with more or fewer cells than the header is one
            with a date that cannot be read.
    """

    headers: Mapping[str, str]
    source: SeriesSource
    separator: str
    typed: frozenset[str] = frozenset()
    skip_invalid: bool = False


def find(path: Path, location: str, table: Mapping[str, Any], columns: Sequence[str]) -> Layout:
    """The layout of a file: that of the training file if the header has its columns, otherwise the plain one.

    Args:
        path: CSV or parquet file.
        location: how errors name it.
        table: how the training file is written: `table` of the spec.
        columns: that are read.

    Raises:
        UserError: if the file cannot be read, or lacks or repeats a column.
    """
    if input_files.is_parquet(path):
        texts = input_files.parquet_columns(path, location)
        found = _choose_layout(list(texts), table, columns, location)
        headers = list(texts)
        own = {
            name: headers[tables.find_column(headers, header, location)]
            for name, header in found.headers.items()
        }
        typed = frozenset(name for name, is_text in texts.items() if not is_text)
        return Layout(own, found.source, "", typed)
    separator = table.get("separator", tables.DEFAULT_SEPARATOR)
    header = tables.read_header(path, location, separator)
    if separator != tables.DEFAULT_SEPARATOR and not tables.count_header(header, table["date_column"]):
        header = tables.read_header(path, location)
    return _choose_layout(header, table, columns, location)


def as_in_layout(cells: list[str], column: str, source: SeriesSource) -> list[str]:
    """The cells of a Parquet column that is not text, as the training file writes them: whole ids, its decimal mark."""
    if column == ID:
        return [cell.removesuffix(".0") for cell in cells]
    decimal = source.decimal or ("," if source.thousands == "." else ".")
    return cells if column in ("ds", DAY_TYPE) else [cell.replace(".", decimal) for cell in cells]


def _choose_layout(
    header: Sequence[str], table: Mapping[str, Any], columns: Sequence[str], location: str
) -> Layout:
    """The layout of the training file if the header has its columns, otherwise the plain one."""
    names_in_training = {name: table.get(key) or name for name, key in _HEADER_KEYS.items()}
    own = {name: names_in_training.get(name, name) for name in columns}
    as_in_training = all(tables.count_header(header, name) for name in own.values())
    headers = own if as_in_training else {name: name for name in columns}
    for name in (names_in_training[ID], ID):
        if tables.count_header(header, name):
            headers = headers | {ID: name}
            break
    missing = [name for name in columns if not tables.count_header(header, headers[name])]
    if missing:
        separator = tables.find_separator(header, headers[missing[0]], tables.DEFAULT_SEPARATOR)
        raise UserError(
            f"has no column {', '.join(map(repr, missing))}",
            location=location,
            allowed=f"columns {', '.join(columns)}",
            fix=f"the columns are {', '.join(map(repr, header[: tables.MAX_LISTED]))}"
            + (
                f"; separate them by commas, not by {separator!r}, and write decimal points"
                if separator
                else ""
            ),
        )
    if not as_in_training:
        timezone = table.get("timezone", "")
        return Layout(headers, SeriesSource(timezone=timezone), tables.DEFAULT_SEPARATOR)
    keys = ("date_format", "thousands", "decimal", "timezone", "aggregate")
    source = SeriesSource(**{key: table[key] for key in keys if key in table})
    return Layout(headers, source, table.get("separator", tables.DEFAULT_SEPARATOR))


def choose_format(cells: pd.Series, date_format: str, timezone: str) -> str:
    """The configured format, or that of ISO dates if the cells are all of them and do not match it."""
    text = cells.str.strip()
    if strip_midnight(text).str.fullmatch(r"\d{4}-\d\d-\d\d").all():
        configured = pd.to_datetime(strip_midnight(text), format=date_format, errors="coerce")
        return date_format if configured.notna().any() else ISO
    if timezone and text.str.fullmatch(r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-][\d:]+)").all():
        return choose_date_format(text, AUTO)[0]
    return choose_date_format(text, date_format)[0]
