"""The tables that `strokecast forecast` reads: by the pipeline's reader and row rules, in the form of the training file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from strokecast.commands import forecast_rows, input_files
from strokecast.common import names
from strokecast.common.errors import UserError
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries.window_transformer import DAY_TYPE
from strokecast.inference.series_table import ID
from strokecast.params import SeriesQuality
from strokecast.sources import tables
from strokecast.validation.series.calendar import build_calendar, fill_column
from strokecast.validation.series.date_formats import AUTO, choose_date_format
from strokecast.validation.series.days import build_day_table
from strokecast.validation.series.edges import find_partial_days
from strokecast.validation.series.rejections import without_days
from strokecast.validation.series.rows import EXTRA_PREFIX, build_row_table, extra_columns
from strokecast.validation.series.source import SeriesSource
from strokecast.validation.series.timestamps import strip_midnight

ISO = "%Y-%m-%d"
_HEADER_KEYS = {"ds": "date_column", "y": "value_column", ID: "id_column", DAY_TYPE: "day_type_column"}


@dataclass(frozen=True)
class _Layout:
    """How one file writes a series.

    Attributes:
        headers: column → its header in the file.
        source: how dates and numbers are written.
        separator: of the cells.
    """

    headers: Mapping[str, str]
    source: SeriesSource
    separator: str


def read(
    path: Path,
    spec: ForecastSpec,
    columns: Sequence[str],
    report: Callable[[str], None],
    skip_invalid: bool = False,
) -> pd.DataFrame:
    """Read a series in the form of the training file, or with the columns ds, y and `YYYY-MM-DD`, `,` and `.`.

    Rows are read, checked and aggregated as in the stages download and validate. Rows that repeat a row are
    dropped, days are sorted, incomplete first and last days are left out and gaps are filled if the training did so;
    each with a warning.

    Args:
        path: CSV or parquet file, FIFO, character device, or `-` for standard input.
        spec: of the model.
        columns: the columns that are read: ds, day_type, targets and covariates.
        report: receives one line per warning.
        skip_invalid: leave out series with a row that is not valid, each with a warning.

    Returns:
        The days of each series in order: `ds` datetime64[s], the other `columns`, and `unique_id` str if the
        file has it.

    Raises:
        UserError: if the file cannot be read, lacks or repeats a column, or a row is not valid; names the row.
    """
    with input_files.local_copy(path) as file:
        cells, layout = _read_cells(file, str(path), spec.get("table", {}), columns)
    values = [column for column in columns if column not in ("ds", DAY_TYPE)]
    try:
        date_format = _choose_date_format(cells["ds"], layout.source.date_format, layout.source.timezone)
        keeps_partial = spec.get("table", {}).get("partial_day") == "warn"
        quality = SeriesQuality(partial_day="warn" if keeps_partial else "quarantine")
        frame = build_row_table(cells, layout.source, quality, date_format)
        if skip_invalid and ID in frame:
            valid = forecast_rows.valid_rows(frame, layout.source, date_format, spec, str(path), report)
            cells = cells[cells["row"].isin(valid)].reset_index(drop=True)
            frame = build_row_table(cells, layout.source, quality, date_format)
    except UserError as error:  # offsets from UTC without a time zone
        raise UserError(
            error.what,
            location=str(path),
            fix="write plain days, YYYY-MM-DD, or train the model with series.csv.timezone set to their time zone",
        ) from None
    reasons = forecast_rows.check(frame, layout.source, date_format, spec, str(path), report)
    accepted = (frame["outside"] == 0).to_numpy().copy()
    accepted[list(reasons)] = False
    if not accepted.any():
        raise UserError(
            "no row is in a complete day", location=str(path), allowed="at least one complete day"
        )
    days = build_day_table(frame, accepted, layout.source)
    days = _leave_out_partial_days(frame, days, spec.get("table", {}), str(path), report)
    max_gap = int(spec.get("table", {}).get("max_gap", 0))
    parts = [
        _fill_gaps(days[days["unique_id"] == name], max_gap, str(path), report)
        for name in (dict.fromkeys(frame[ID]) if ID in frame else ("",))
    ]
    table = pd.concat(parts, ignore_index=True).rename(columns={"day": "ds", "value": "y"})
    renamed = {f"{EXTRA_PREFIX}{name}": name for name in values[1:]} | dict(zip(["y"], values, strict=False))
    kept = ["ds", *([ID] if ID in frame else []), *columns[1:]]
    return table.rename(columns=renamed)[kept]


def _read_cells(
    file: Path, location: str, table: Mapping[str, Any], columns: Sequence[str]
) -> tuple[pd.DataFrame, _Layout]:
    """The cells as `sources.tables.read_series` returns them, and the layout of the file."""
    if input_files.is_parquet(file):
        text, typed = input_files.read_parquet(file, location)
        layout = _choose_layout(list(text), table, columns, location)
        names_in_file = list(text)
        columns_as_text: list[list[str]] = []
        for name, header_name in layout.headers.items():
            column = names_in_file[tables.find_column(names_in_file, header_name, location)]
            cells_of_column = text[column]
            if column in typed:
                cells_of_column = _as_in_layout(cells_of_column, name, layout.source)
            columns_as_text.append(cells_of_column)
        rows: list[tuple[str, ...]] = list(zip(*columns_as_text, strict=True))
    else:
        separator = table.get("separator", tables.DEFAULT_SEPARATOR)
        header = tables.read_header(file, location, separator)
        if separator != tables.DEFAULT_SEPARATOR and not tables.count_header(header, table["date_column"]):
            header = tables.read_header(file, location)
        layout = _choose_layout(header, table, columns, location)
        rows = list(tables.read_columns(file, list(layout.headers.values()), location, layout.separator))
    if not rows:
        raise UserError("has no row", location=location, allowed="at least one row")
    cells = pd.DataFrame(rows, columns=list(layout.headers), dtype="str")
    values = [column for column in columns if column not in ("ds", DAY_TYPE)]
    cells = cells.rename(columns={name: f"{EXTRA_PREFIX}{name}" for name in values[1:]})
    cells = cells.rename(columns=dict.fromkeys(values[:1], "y"))
    if not values:
        cells["y"] = "0"
    if ID in cells:
        _check_ids(cells[ID], layout.headers[ID], location)
    cells.insert(0, "row", np.arange(1, len(cells) + 1))
    return cells, layout


def _as_in_layout(cells: list[str], column: str, source: SeriesSource) -> list[str]:
    """The cells of a Parquet column that is not text, as the training file writes them: whole ids, its decimal mark."""
    if column == ID:
        return [cell.removesuffix(".0") for cell in cells]
    decimal = source.decimal or ("," if source.thousands == "." else ".")
    return cells if column in ("ds", DAY_TYPE) else [cell.replace(".", decimal) for cell in cells]


def _choose_layout(
    header: Sequence[str], table: Mapping[str, Any], columns: Sequence[str], location: str
) -> _Layout:
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
        return _Layout(headers, SeriesSource(timezone=timezone), tables.DEFAULT_SEPARATOR)
    keys = ("date_format", "thousands", "decimal", "timezone", "aggregate")
    source = SeriesSource(**{key: table[key] for key in keys if key in table})
    return _Layout(headers, source, table.get("separator", tables.DEFAULT_SEPARATOR))


def _check_ids(cells: pd.Series, header: str, location: str) -> None:
    ids = cells.str.strip()
    if (ids == "").any():
        row = int((ids == "").to_numpy().argmax()) + 1
        raise UserError(
            f"{int((ids == '').sum()):,} rows have no {header!r} (row {row})",
            location=location,
            fix="name their series, or remove the column",
        )
    for series_id in ids.unique():
        names.check(series_id, "series", location)


def _choose_date_format(cells: pd.Series, date_format: str, timezone: str) -> str:
    """The configured format, or that of ISO dates if the cells are all of them and do not match it."""
    text = cells.str.strip()
    if strip_midnight(text).str.fullmatch(r"\d{4}-\d\d-\d\d").all():
        configured = pd.to_datetime(strip_midnight(text), format=date_format, errors="coerce")
        return date_format if configured.notna().any() else ISO
    if timezone and text.str.fullmatch(r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-][\d:]+)").all():
        return choose_date_format(text, AUTO)[0]
    return choose_date_format(text, date_format)[0]


def _leave_out_partial_days(
    frame: pd.DataFrame,
    days: pd.DataFrame,
    table: Mapping[str, Any],
    location: str,
    report: Callable[[str], None],
) -> pd.DataFrame:
    """The days without incomplete first and last ones, if the training left such days out."""
    if table.get("partial_day", "warn") == "warn" or "value" not in days:
        return days
    partial = find_partial_days(frame, days, table["partial_share"])
    for one in partial:
        report(f"{location}: {one}; the day is left out, as in the training (quality.series.partial_day)")
    return without_days(days, {(one.unique_id, one.day): ["partial_day"] for one in partial})


def _fill_gaps(
    days: pd.DataFrame, max_gap: int, location: str, report: Callable[[str], None]
) -> pd.DataFrame:
    """The days of one series with gaps filled as in validation; longer gaps stay."""
    calendar = build_calendar(
        days["day"].to_numpy().astype("datetime64[D]"),
        days["value"].to_numpy(),
        np.zeros(0, dtype="datetime64[D]"),
        max_gap,
    )
    if not calendar.filled.any():
        return days
    filled = days.set_index("day").reindex(calendar.days.astype("datetime64[s]"))
    filled["value"] = calendar.values
    for extra in extra_columns(days):
        filled[extra] = fill_column(filled[extra].to_numpy(), calendar)
    filled = filled[~np.isnan(calendar.values)].rename_axis("day").reset_index()
    filled["unique_id"] = days["unique_id"].iloc[0]
    first = calendar.days[calendar.filled][0]
    report(
        f"{location}: {int(calendar.filled.sum()):,} missing days ({first}, ...) got the value of one week earlier "
        "(in the first week, later), as in the training (quality.series.max_gap)"
    )
    return filled
