"""Validate a daily series and write its accepted days, quarantine, report and Data Docs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.params import ForecastFeatures, SeriesQuality
from strokecast.validation import messages
from strokecast.validation.profiles import read_reference
from strokecast.validation.rules import MAX_EXAMPLES, ValidationOutcome, check_row_counts, failed
from strokecast.validation.series.calendar import fill_column
from strokecast.validation.series.checks import DateFormat, SeriesChecks, check_series
from strokecast.validation.series.date_formats import choose_date_format
from strokecast.validation.series.descriptions import row_name
from strokecast.validation.series.rows import EXTRA_PREFIX, build_row_table, extra_columns
from strokecast.validation.series.source import SeriesSource
from strokecast.validation.series.span import check_span

if TYPE_CHECKING:
    import pandas as pd


def validate_series(
    cells: pd.DataFrame,
    source: SeriesSource,
    settings: SeriesQuality,
    target: Path = paths.VALIDATED / "series",
    location: str = "",
    forecast: ForecastFeatures | None = None,
    reference: str | None = None,
) -> ValidationOutcome:
    """Validate a series; write `target` and the Data Docs.

    If `source` aggregates timestamps, they become local days first: row rules check the
    timestamps, all other rules check the days. Writes to `target`:

    * `series.parquet`: the series to forecast, every day in order (ds date32, y float64, filled bool,
      rows int32: number of rows behind the value, 0 if it is filled; day_type string if the file has
      it; extra columns float64 by header),
    * `all.parquet`: the same with unique_id string, if the file holds several series,
    * `quarantine.parquet`: rejected rows (row int64, ds string, y string, reasons list<string>; file
      and unique_id string if there are several),
    * `report.json`.

    Args:
        cells: from `sources.tables.read_series`: columns `row`, `ds`, `y` and others.
        source: facts about the source.
        settings: `quality.series` of params.yaml.
        target: folder of the validated series.
        location: what was read, for messages; default: the user's file, or else the file of `source`.
        forecast: `features.forecast`, for comparing the splits; None: no comparison.
        reference: `quality.reference`: an earlier report to compare with; None: no comparison.

    Raises:
        UserError: if a rule with the action `stop` fails, no row is accepted, or days are centuries apart. `target` is
            unchanged; the Data Docs show the failures.
    """
    from strokecast.validation import data_docs

    settings = settings.for_source(source.source)
    location = location or source.path or str(paths.RAW / "series" / source.file)
    if not len(cells):
        raise UserError("has no rows", location=location, allowed="one row per day")
    reference_profile = read_reference(reference, "series") if reference else None
    cells = cells.reset_index(drop=True)
    date_format = DateFormat(*choose_date_format(cells["ds"].fillna("").astype(str), source.date_format))
    frame = build_row_table(cells, source, settings, date_format.name)
    check_span(frame, settings, location)
    checks = check_series(frame, source, settings, date_format, forecast, reference_profile)
    report = _build_report(source, frame, checks)
    report["table"] = {**source.table, "date_format": date_format.name, "max_gap": settings.max_gap}
    report["table"] |= {"partial_day": settings.partial_day, "partial_share": settings.partial_share}
    docs_index = str(data_docs.folder("series") / data_docs.INDEX)
    error = messages.stop_error(checks.results, "series", location, docs_index)
    if error:
        rejected = ((row_name(frame, position), *names) for position, names in checks.reasons.items())
        data_docs.write("series", report, rejected)
        raise error
    _raise_if_nothing_accepted(report, frame, checks, source, location)
    with files.new_folder(target) as staging_dir:
        n_accepted, n_quarantined = _write_parquet(frame, checks, source.unique_id, staging_dir)
        check_row_counts(
            report["read"],
            accepted=n_accepted,
            quarantined=n_quarantined,
            outside=report["outside"],
        )
        files.write_json(staging_dir / "report.json", report)
    data_docs.write("series", report)
    return ValidationOutcome(
        _summary(report, checks), messages.warning_lines(checks.results, "series"), report
    )


def _build_report(source: SeriesSource, frame: pd.DataFrame, checks: SeriesChecks) -> dict[str, Any]:
    outside = (frame["outside"] == 1).to_numpy().copy()
    outside[list(checks.reasons)] = False  # those of partial days
    n_outside, n_quarantined = int(outside.sum()), len(checks.reasons)
    counts = {
        name: {
            "days": len(calendar.days),
            "first": str(calendar.days[0]) if len(calendar.days) else None,
            "last": str(calendar.days[-1]) if len(calendar.days) else None,
            "filled": int(calendar.filled.sum()),
        }
        for name, calendar in checks.calendars.items()
    }
    no_days: dict[str, Any] = {"days": 0, "first": None, "last": None, "filled": 0}
    chosen = dict(counts.get(source.unique_id, no_days))
    report = {
        "dataset": "series",
        "source": source.source,
        "name": source.name,
        "unit": source.unit,
        "read": len(frame),
        "accepted": len(frame) - n_quarantined - n_outside,
        "quarantined": n_quarantined,
        "outside": n_outside,
        "filled": chosen.pop("filled"),
        "counts": chosen,
        "expectations": [result.to_json() for result in checks.results],
        "drift": checks.drift,
        "profile": checks.profile,
        "suites": checks.suites,
    }
    return report | ({"series": counts} if len(counts) > 1 else {})


def _raise_if_nothing_accepted(
    report: Mapping[str, Any], frame: pd.DataFrame, checks: SeriesChecks, source: SeriesSource, location: str
) -> None:
    if not report["accepted"]:
        raise UserError(
            f"none of the {report['read']:,} rows is accepted: {report['outside']:,} outside "
            f"quality.series.start to end, {len(checks.reasons):,} quarantined{_format_reasons(checks)}",
            location=location,
            allowed=_format_days(frame) if report["outside"] else "",
        )
    available = [name for name, calendar in checks.calendars.items() if len(calendar.days)]
    if source.unique_id not in available:
        problem = f"no row of the series {source.unique_id!r} is accepted"
        raise UserError(
            problem if source.unique_id else "the file has several series",
            location=location,
            allowed=available,
            fix="choose one in series.csv.unique_id",
        )


def _write_parquet(
    frame: pd.DataFrame, checks: SeriesChecks, unique_id: str, target: Path
) -> tuple[int, int]:
    """Write the calendars and the quarantine; returns the number of accepted and quarantined rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables, n_accepted = {}, 0
    for name, calendar in checks.calendars.items():
        days = checks.days[checks.days["unique_id"] == name].set_index("day")
        days = days.reindex(calendar.days.astype("datetime64[s]"))
        n_rows = days["rows"].fillna(0).to_numpy().astype("int32")
        n_accepted += int(n_rows.sum())
        columns = {
            "ds": pa.array(calendar.days, pa.date32()),
            "y": pa.array(calendar.values),
            "filled": pa.array(calendar.filled),
            "rows": pa.array(n_rows),
        }
        if "day_type" in days:
            day_types = [None if day_type != day_type else day_type for day_type in days["day_type"].tolist()]
            columns["day_type"] = pa.array(day_types, pa.string())
        for extra in extra_columns(days):
            header = extra.removeprefix(EXTRA_PREFIX)
            columns[header] = pa.array(fill_column(days[extra].to_numpy(), calendar))
        tables[name] = pa.table(columns)
    pq.write_table(tables[unique_id], target / "series.parquet", compression="zstd")
    if len(tables) > 1:
        with_ids = [
            table.add_column(0, "unique_id", pa.array([name] * len(table), pa.string()))
            for name, table in tables.items()
        ]
        pq.write_table(pa.concat_tables(with_ids), target / "all.parquet", compression="zstd")
    rejected = frame.iloc[list(checks.reasons)]
    quarantine = {
        "row": pa.array(rejected["row"].to_numpy(), pa.int64()),
        "ds": pa.array(rejected["ds"].tolist(), pa.string()),
        "y": pa.array(rejected["y"].tolist(), pa.string()),
        "reasons": pa.array(list(checks.reasons.values()), pa.list_(pa.string())),
    }
    for name in ("file", "unique_id"):
        if name in rejected:
            quarantine[name] = pa.array(rejected[name].tolist(), pa.string())
    pq.write_table(pa.table(quarantine), target / "quarantine.parquet", compression="zstd")
    return n_accepted, len(rejected)


def _format_days(frame: pd.DataFrame) -> str:
    days = frame["day"].dropna()
    return f"days from {days.min().date()} to {days.max().date()}" if len(days) else ""


def _format_reasons(checks: SeriesChecks) -> str:
    counts = messages.format_counts(messages.count_reasons(checks.reasons.values()))
    return f" ({counts})" if counts else ""


def _summary(report: Mapping[str, Any], checks: SeriesChecks) -> str:
    outside = f", {report['outside']:,} outside" if report["outside"] else ""
    filled = f", {report['filled']:,} of them filled" if report["filled"] else ""
    name = f" of {report['name']}, one of {len(report['series'])} series" if "series" in report else ""
    counts = report["counts"]
    return (
        f"{report['read']:,} rows read: {report['accepted']:,} accepted, {report['quarantined']:,} quarantined"
        f"{_format_reasons(checks)}{outside}; "
        f"{counts['days']:,} days{name}, {counts['first']} to {counts['last']}{filled}{_format_left_out(checks)}"
    )


def _format_left_out(checks: SeriesChecks) -> str:
    """The incomplete first and last days that are left out."""
    results = [result for result in failed(checks.results, "quarantine") if result.rule.name == "partial_day"]
    if not results:
        return ""
    names = ", ".join(map(str, checks.partial[:MAX_EXAMPLES]))
    actions = ", ".join(messages.legal_actions(results[0].rule, "series"))
    return f"; incomplete days left out: {names} (quality.series.partial_day: {actions})"
