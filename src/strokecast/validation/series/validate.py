"""Validation of a daily series: rows are judged first, then days, then the calendar, then the whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.params import ForecastFeatures, SeriesQuality
from strokecast.validation import drift, rules
from strokecast.validation.rules import Outcome
from strokecast.validation.series import times
from strokecast.validation.series.calendar import filled
from strokecast.validation.series.judge import Judged, judge, row_name
from strokecast.validation.series.rows import EXTRA, extras, rows_table

if TYPE_CHECKING:
    import pandas as pd


def validate(
    cells: pd.DataFrame,
    source: Mapping[str, Any],
    settings: SeriesQuality,
    target: Path = paths.VALIDATED / "series",
    where: str = "",
    forecast: ForecastFeatures | None = None,
    reference: str | None = None,
) -> Outcome:
    """Judge a series; write `target` and the Data Docs.

    Timestamps are made into local days first where `source` says so (`aggregate`): rules of rows
    look at the timestamps, all others at the days. `target` gets

    * `series.parquet` (ds date32, y float64, filled bool, rows int32: how many rows a day's value
      comes from, 0 where it is filled; day_type string where told; further columns float64 by their
      headers; every day, in order): the series to forecast,
    * `all.parquet`, the same with unique_id string, where the file holds several series,
    * `quarantine.parquet` (row int64, ds string, y string, reasons list<string>; file and
      unique_id string where there are several) and `report.json`.

    Args:
        cells: from `sources.tables.read_series`: columns `row`, `ds`, `y` and others.
        source: contents of `source.json`.
        settings: `quality.series` of params.yaml.
        target: folder of the validated series.
        where: what was read, for messages; the file of `source` by default.
        forecast: `features.forecast`, for comparisons between the splits; None: none.
        reference: `quality.reference`: an earlier report to compare with; None: none.

    Raises:
        UserError: if a rule with the action `stop` is broken, or no row is left. `target` stays
            as it was; the Data Docs tell what is wrong.
    """
    from strokecast.validation import data_docs

    where = where or str(paths.RAW / "series" / source.get("file", "series.csv"))
    if not len(cells):
        raise UserError("holds no row", where=where, allowed="one row a day")
    against = drift.reference(reference, "series") if reference else None
    cells = cells.reset_index(drop=True)
    date_format, swapped = times.choose(cells["ds"].fillna("").astype(str), source["date_format"])
    frame = rows_table(cells, source, settings, date_format)
    found = judge(frame, source, settings, date_format, swapped, forecast, against)
    report = _report(source, frame, found)
    failure = rules.error(found.verdicts, "series", where, str(data_docs.folder("series") / data_docs.INDEX))
    if failure:
        rejected = ((row_name(frame, at), *names) for at, names in found.reasons.items())
        data_docs.write("series", report, rejected)
        raise failure
    if not report["accepted"]:
        partial = f", {report['partial']:,} in partial first and last days" if report["partial"] else ""
        raise UserError(
            f"no row is left of {len(frame):,}: {report['outside']:,} outside quality.series.start to end"
            f"{partial}, {len(found.reasons):,} quarantined",
            where=where,
        )
    chosen = source.get("unique_id", "")
    if chosen not in found.calendars or not len(found.calendars[chosen].days):
        raise UserError(
            f"no row of the series {chosen!r} is left" if chosen else "the file holds several series",
            where=where,
            allowed=", ".join(name for name in found.calendars if len(found.calendars[name].days)),
            fix="choose one in series.csv.unique_id",
        )
    with files.new_folder(target) as folder:
        written, aside = _write(frame, found, chosen, folder)
        rules.balance(
            report["read"],
            accepted=written,
            quarantined=aside,
            outside=report["outside"],
            partial=report["partial"],
        )
        files.write_json(folder / "report.json", report)
    data_docs.write("series", report)
    return Outcome(_line(report, found), rules.warnings(found.verdicts), report)


def _report(source: Mapping[str, Any], frame: pd.DataFrame, found: Judged) -> dict[str, Any]:
    partial = int(frame["partial"].sum())
    outside = int(frame["outside"].sum()) - partial
    counts = {
        name: {
            "days": len(calendar.days),
            "first": str(calendar.days[0]) if len(calendar.days) else None,
            "last": str(calendar.days[-1]) if len(calendar.days) else None,
            "filled": int(calendar.filled.sum()),
        }
        for name, calendar in found.calendars.items()
    }
    own = dict(counts.get(source.get("unique_id", ""), {"days": 0, "first": None, "last": None, "filled": 0}))
    report = {
        "dataset": "series",
        "source": source["source"],
        "name": source.get("name", source["source"]),
        "unit": source.get("unit", ""),
        "read": len(frame),
        "accepted": len(frame) - len(found.reasons) - outside - partial,
        "quarantined": len(found.reasons),
        "outside": outside,
        "partial": partial,
        "filled": own.pop("filled"),
        "counts": own,
        "expectations": [verdict.record() for verdict in found.verdicts],
        "drift": found.drift,
        "profile": found.profile,
        "suites": found.suites,
    }
    return report | ({"series": counts} if len(counts) > 1 else {})


def _write(frame: pd.DataFrame, found: Judged, chosen: str, folder: Path) -> tuple[int, int]:
    """Write calendars and quarantined rows; returns how many rows of the file went into each."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables, written = {}, 0
    for name, calendar in found.calendars.items():
        days = found.days[found.days["unique_id"] == name].set_index("day")
        laid = days.reindex(calendar.days.astype("datetime64[s]"))
        behind = laid["rows"].fillna(0).to_numpy().astype("int32")
        written += int(behind.sum())
        columns = {
            "ds": pa.array(calendar.days, pa.date32()),
            "y": pa.array(calendar.values),
            "filled": pa.array(calendar.filled),
            "rows": pa.array(behind),
        }
        if "day_type" in laid:
            letters = [None if letter != letter else letter for letter in laid["day_type"].tolist()]
            columns["day_type"] = pa.array(letters, pa.string())
        for further in extras(laid):
            columns[further.removeprefix(EXTRA)] = pa.array(filled(laid[further].to_numpy(), calendar))
        tables[name] = pa.table(columns)
    pq.write_table(tables[chosen], folder / "series.parquet", compression="zstd")
    if len(tables) > 1:
        named = [
            table.add_column(0, "unique_id", pa.array([name] * len(table), pa.string()))
            for name, table in tables.items()
        ]
        pq.write_table(pa.concat_tables(named), folder / "all.parquet", compression="zstd")
    bad = frame.iloc[list(found.reasons)]
    aside = {
        "row": pa.array(bad["row"].to_numpy(), pa.int64()),
        "ds": pa.array(bad["ds"].tolist(), pa.string()),
        "y": pa.array(bad["y"].tolist(), pa.string()),
        "reasons": pa.array(list(found.reasons.values()), pa.list_(pa.string())),
    }
    for name in ("file", "unique_id"):
        if name in bad:
            aside[name] = pa.array(bad[name].tolist(), pa.string())
    pq.write_table(pa.table(aside), folder / "quarantine.parquet", compression="zstd")
    return written, len(bad)


def _line(report: Mapping[str, Any], found: Judged) -> str:
    why = f" ({rules.tally(found.reasons)})" if found.reasons else ""
    outside = f", {report['outside']:,} outside" if report["outside"] else ""
    partial = f", {report['partial']:,} in partial first and last days" if report["partial"] else ""
    filled = f", {report['filled']:,} of them filled" if report["filled"] else ""
    several = f" of {report['name']}, one of {len(report['series'])} series" if "series" in report else ""
    counts = report["counts"]
    return (
        f"{report['read']:,} rows read: {report['accepted']:,} accepted, {report['quarantined']:,} quarantined"
        f"{why}{outside}{partial}; {counts['days']:,} days{several}, {counts['first']} to {counts['last']}{filled}"
    )
