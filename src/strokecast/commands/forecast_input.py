"""The days of series that `strokecast forecast` reads: by the pipeline's row rules, in the form of the training file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from strokecast.commands import forecast_cells, forecast_rows, input_files
from strokecast.commands.forecast_cells import CellFormat
from strokecast.common.errors import UserError
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries.window_transformer import DAY_TYPE
from strokecast.inference.series_table import ID
from strokecast.params import SeriesQuality
from strokecast.validation.series.calendar import build_calendar, fill_column
from strokecast.validation.series.days import build_day_table
from strokecast.validation.series.edges import find_partial_days
from strokecast.validation.series.rejections import without_days
from strokecast.validation.series.rows import EXTRA_PREFIX, build_row_table, extra_columns


def read(
    path: Path, spec: ForecastSpec, columns: Sequence[str], report: Callable[[str], None]
) -> pd.DataFrame:
    """Read a whole file; the result and the errors are those of `to_days`.

    Args:
        path: CSV or parquet file, FIFO, character device, or `-` for standard input.
        spec: of the model.
        columns: as for `to_days`.
        report: receives one line per warning.

    Raises:
        UserError: also if the file cannot be read, or lacks or repeats a column.
    """
    with input_files.local_copy(path) as local:
        file = forecast_cells.scan(local, str(path), spec.get("table", {}), columns, report)
        cells = pd.concat(list(forecast_cells.pieces(file)), ignore_index=True)
    return to_days(cells, file.format, spec, columns, report)


def to_days(
    cells: pd.DataFrame,
    cell_format: CellFormat,
    spec: ForecastSpec,
    columns: Sequence[str],
    report: Callable[[str], None],
    skip_invalid: bool = False,
) -> pd.DataFrame:
    """The days of series in the form of the training file, or with the columns ds, y and `YYYY-MM-DD`, `,` and `.`.

    Rows are checked and aggregated as in the stage validate. Rows that repeat a row are dropped, days are sorted,
    incomplete first and last days are left out and gaps are filled if the training did so; each with a warning.

    Args:
        cells: of `forecast_cells.pieces`.
        cell_format: how they are written.
        spec: of the model.
        columns: the columns that are read: ds, day_type, targets and covariates.
        report: receives one line per warning.
        skip_invalid: leave out series with a row that is not valid or without a complete day, each with a warning.

    Returns:
        The days of each series in order: `ds` datetime64[s], the other `columns`, and `unique_id` str if the
        file has it; without a row if every series is left out.

    Raises:
        UserError: if a row is not valid; names the row.
    """
    location, source = cell_format.location, cell_format.source
    values = [column for column in columns if column not in ("ds", DAY_TYPE)]
    skips = skip_invalid and ID in cells
    keeps_partial = spec.get("table", {}).get("partial_day") == "warn"
    quality = SeriesQuality(partial_day="warn" if keeps_partial else "quarantine")
    with forecast_cells.times_of(location):
        frame = build_row_table(cells, source, quality, cell_format.date_format)
    kept = ["ds", *([ID] if ID in frame else []), *columns[1:]]
    if skips:
        invalid = forecast_rows.invalid_series(frame, source, cell_format.date_format, spec)
        for series_id, mistake in invalid.items():
            report(f"{location}: series {series_id} is left out: {mistake}")
        if invalid:
            cells = cells[~frame[ID].isin(list(invalid))].reset_index(drop=True)
            if cells.empty:
                return pd.DataFrame(columns=kept)
            frame = build_row_table(cells, source, quality, cell_format.date_format)
    reasons = forecast_rows.check(frame, source, cell_format.date_format, spec, location, report)
    accepted = (frame["outside"] == 0).to_numpy().copy()
    accepted[list(reasons)] = False
    if not skips and not accepted.any():
        raise UserError("no row is in a complete day", location=location, allowed="at least one complete day")
    if skips:
        complete = frame[ID].isin(frame.loc[accepted, ID].unique())
        for series_id in frame.loc[~complete, ID].unique():
            report(f"{location}: series {series_id} is left out: no row is in a complete day")
        if not complete.any():
            return pd.DataFrame(columns=kept)
        frame, accepted = frame[complete].reset_index(drop=True), accepted[complete.to_numpy()]
    days = build_day_table(frame, accepted, source)
    days = _leave_out_partial_days(frame, days, spec.get("table", {}), location, report)
    max_gap = int(spec.get("table", {}).get("max_gap", 0))
    by_series = dict(iter(days.groupby("unique_id")))
    parts = [
        _fill_gaps(by_series.get(name, days[:0]), max_gap, location, report)
        for name in (dict.fromkeys(frame[ID]) if ID in frame else ("",))
    ]
    table = pd.concat(parts, ignore_index=True).rename(columns={"day": "ds", "value": "y"})
    renamed = {f"{EXTRA_PREFIX}{name}": name for name in values[1:]} | dict(zip(["y"], values, strict=False))
    return table.rename(columns=renamed)[kept]


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
