"""Validation of a daily series: rows are judged first, then the calendar of what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from strokecast import files, paths
from strokecast.errors import UserError
from strokecast.params import SeriesQuality
from strokecast.quality import rules
from strokecast.quality.calendar import Calendar, Days, between_neighbours, fill, parse_dates, parse_values
from strokecast.quality.rules import Outcome, Rule, Verdict

if TYPE_CHECKING:
    import pandas as pd


def row_rules(settings: SeriesQuality, date_format: str) -> list[Rule]:
    """The rules that judge single rows; one fault of a row breaks one of them.

    Rows outside of `start` to `end` are judged by none. `exact_duplicate` and `conflicting_date`
    compare rows with a readable date and number; `unsorted` leaves both kinds of rows out.
    """
    s, inside = settings, ("outside", "==", 0.0)

    def rule(name: str, statement: str, expect: Any, column: str, bound: Any = None, **more: Any) -> Rule:
        return Rule(name, getattr(s, name), statement, expect, column, bound, noun="rows", **more)

    return [
        rule(
            "bad_date",
            f"the date fits {date_format}",
            "present",
            "day",
            fix="correct series.csv.date_format or the rows, or set quality.series.bad_date to quarantine",
        ),
        rule(
            "non_numeric",
            "the value is a finite number",
            "present",
            "value",
            where=inside,
            fix="correct series.csv.thousands or the rows, or set quality.series.non_numeric to quarantine",
        ),
        rule("exact_duplicate", "no earlier row has the same date and value", "at_most", "earlier_copies", 0),
        rule(
            "conflicting_date",
            "a date has one value",
            "at_most",
            "other_values",
            0,
            fix="keep one row for each date",
        ),
        rule("negative", "the value is 0 or more", "at_least", "value", 0, where=inside),
        rule("unsorted", "no row's date comes before that of the row above", "at_least", "days_ahead", 0),
    ]


def day_rules(settings: SeriesQuality) -> list[Rule]:
    """The rule that judges the calendar: every day of the span has a value, its own or a filled one."""
    return [
        Rule(
            "gap",
            settings.gap,
            f"every day has a value; gaps of up to {settings.max_gap} days are filled (quality.series.max_gap)",
            "present",
            "value",
            where=("explained", "==", 0.0),
            noun="days without a value",
            fix="raise quality.series.max_gap, or cut the series by quality.series.start and end",
        )
    ]


def validate(
    cells: pd.DataFrame,
    source: Mapping[str, Any],
    settings: SeriesQuality,
    target: Path = paths.VALIDATED / "series",
    where: str = "",
) -> Outcome:
    """Judge a daily series; write `target` and the Data Docs.

    `target` gets `series.parquet` (ds date32, y float64, filled bool; every day, in order),
    `quarantine.parquet` (row int64, ds string, y string, reasons list<string>) and `report.json`.

    Args:
        cells: columns `row` (1-based data row), `ds`, `y` (text as it stands in the file).
        source: contents of `source.json`: `source`, `name`, `unit`, `date_format`, `thousands`.
        settings: `quality.series` of params.yaml.
        target: folder of the validated series.
        where: what was read, for messages; the file of `source` by default.

    Raises:
        UserError: if a rule with the action `stop` is broken, or no row is left. `target` stays
            as it was; the Data Docs tell what is wrong.
    """
    from strokecast.quality import docs

    where = where or str(paths.RAW / "series" / source.get("file", "series.csv"))
    if not len(cells):
        raise UserError("holds no row", where=where, allowed="one row a day")
    frame = rows_table(cells.reset_index(drop=True), source, settings)
    verdicts, suites, calendar, reasons = _judge(frame, source, settings)
    outside = int(frame["outside"].sum())
    report = _report(source, frame, verdicts, suites, reasons, calendar)
    failure = rules.error(verdicts, "series", where, str(docs.folder("series") / docs.INDEX))
    if failure:
        rejected = ((f"row {frame['row'].iloc[at]}", *names) for at, names in reasons.items())
        docs.write("series", report, rejected)
        raise failure
    if not report["accepted"]:
        raise UserError(
            f"no row is left of {len(frame):,}: {outside:,} outside quality.series.start to end, "
            f"{len(reasons):,} quarantined",
            where=where,
        )
    with files.new_folder(target) as folder:
        written, aside = _write(frame, calendar, reasons, folder)
        rules.balance(
            report["read"], accepted=written - report["filled"], quarantined=aside, outside=report["outside"]
        )
        files.write_json(folder / "report.json", report)
    docs.write("series", report)
    return Outcome(_line(report, reasons), rules.warnings(verdicts), report)


def rows_table(cells: pd.DataFrame, source: Mapping[str, Any], settings: SeriesQuality) -> pd.DataFrame:
    """The feature table: one row a row of the file.

    Returns:
        `row`, `ds`, `y` as they were, and
        `day` datetime64 (NaT: unreadable), `value` float64 (NaN: no finite number),
        `outside` int8: the day lies outside of `start` to `end`,
        `earlier_copies`: rows above with the same day and value,
        `other_values`: 1 if the day's first value above is another one and this value is new,
        `first_at`: position of the day's first row (-1: none above),
        `days_ahead` float64: days since the row above, duplicates and conflicts left out.
    """
    import pandas as pd

    frame = cells[["row"]].copy()
    frame["ds"], frame["y"] = cells["ds"].fillna("").astype(str), cells["y"].fillna("").astype(str)
    days = parse_dates(frame["ds"], source["date_format"])
    frame["day"] = days.astype("datetime64[s]")
    frame["value"] = parse_values(frame["y"], source.get("thousands", ""))
    outside = np.zeros(len(frame), dtype=bool)
    if settings.start:
        outside |= days < np.datetime64(settings.start)
    if settings.end:
        outside |= days > np.datetime64(settings.end)
    frame["outside"] = outside.astype(np.int8)
    usable = ~outside & ~np.isnat(days) & frame["value"].notna().to_numpy()
    kept = frame.loc[usable, ["day", "value"]]
    copies = np.zeros(len(frame), dtype=np.int64)
    copies[usable] = kept.groupby(["day", "value"]).cumcount().to_numpy()
    at = pd.Series(np.arange(len(frame)), index=frame.index)
    first_at = np.full(len(frame), -1, dtype=np.int64)
    first_at[usable] = at[usable].groupby(kept["day"]).transform("first").to_numpy()
    later = usable & (copies == 0) & (first_at != np.arange(len(frame)))
    frame["earlier_copies"], frame["other_values"] = copies, later.astype(np.int8)
    frame["first_at"] = np.where(first_at == np.arange(len(frame)), -1, first_at)
    ordered = ~outside & ~np.isnat(days) & (copies == 0) & ~later
    ahead = np.full(len(frame), np.nan)
    ahead[np.flatnonzero(ordered)[1:]] = np.diff(days[ordered]).astype(np.int64)
    frame["days_ahead"] = ahead
    return frame


def _judge(
    frame: pd.DataFrame, source: Mapping[str, Any], settings: SeriesQuality
) -> tuple[list[Verdict], list[dict[str, Any]], Calendar, dict[int, list[str]]]:
    """Verdicts, suites as Great Expectations recorded them, the calendar, reasons by position."""
    import pandas as pd

    from strokecast.quality import checks

    def row(rule: Rule, position: int) -> checks.Named:
        found = frame.iloc[position]
        columns = {"row": str(found["row"]), "date": found["ds"], "cell": found["y"]}
        if rule.name == "bad_date":
            return f"row {found['row']}: {found['ds']!r}", columns
        if rule.name in ("conflicting_date", "exact_duplicate"):
            first = frame.iloc[int(found["first_at"])]
            columns |= {"first row": str(first["row"]), "first cell": first["y"]}
            if rule.name == "conflicting_date":
                return (
                    f"{found['ds']} has {first['y']!r} in row {first['row']} and {found['y']!r} in row {found['row']}"
                ), columns
        return f"row {found['row']}: {found['ds']} {found['y']!r}", columns

    judged = row_rules(settings, source["date_format"])
    verdicts, suite = checks.run("rows", frame, judged, row)
    reasons = rules.reasons([verdict for verdict in verdicts if verdict.rule.name != "unsorted"])
    calendar = _calendar(frame, reasons, settings)

    def day(rule: Rule, position: int) -> checks.Named:
        return str(calendar.days[position]), {"day": str(calendar.days[position])}

    table = pd.DataFrame(
        {
            "day": calendar.days.astype("datetime64[s]"),
            "value": calendar.values,
            "explained": calendar.explained * 1,
        }
    )
    gaps, day_suite = checks.run("days", table, day_rules(settings), day)
    return [*verdicts, *gaps], [suite, day_suite], calendar, reasons


def _calendar(frame: pd.DataFrame, reasons: Mapping[int, Sequence[str]], settings: SeriesQuality) -> Calendar:
    """Accepted days on a calendar; days are no gap for which another rule stops already."""
    days: Days = frame["day"].to_numpy().astype("datetime64[D]")
    good = (frame["outside"] == 0).to_numpy().copy()
    good[list(reasons)] = False
    stopped = np.zeros(len(frame), dtype=bool)
    for position, names in reasons.items():
        stopped[position] = any(getattr(settings, name) == "stop" for name in names)
    known = days[stopped & ~np.isnat(days)]
    explained = np.unique(np.concatenate([known, between_neighbours(days, stopped & np.isnat(days))]))
    return fill(
        days[good],
        frame["value"].to_numpy()[good],
        explained,
        settings.max_gap,
        np.datetime64(settings.start) if settings.start else None,
        np.datetime64(settings.end) if settings.end else None,
    )


def _report(
    source: Mapping[str, Any],
    frame: pd.DataFrame,
    verdicts: Sequence[Verdict],
    suites: list[dict[str, Any]],
    reasons: Mapping[int, Sequence[str]],
    calendar: Calendar,
) -> dict[str, Any]:
    outside = int(frame["outside"].sum())
    return {
        "dataset": "series",
        "source": source["source"],
        "name": source.get("name", source["source"]),
        "unit": source.get("unit", ""),
        "read": len(frame),
        "accepted": len(frame) - len(reasons) - outside,
        "quarantined": len(reasons),
        "outside": outside,
        "filled": int(calendar.filled.sum()),
        "counts": {
            "days": len(calendar.days),
            "first": str(calendar.days[0]) if len(calendar.days) else None,
            "last": str(calendar.days[-1]) if len(calendar.days) else None,
        },
        "expectations": [verdict.record() for verdict in verdicts],
        "suites": suites,
    }


def _write(
    frame: pd.DataFrame, calendar: Calendar, reasons: Mapping[int, Sequence[str]], folder: Path
) -> tuple[int, int]:
    """Write the calendar and the quarantined rows; returns how many rows each got."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    days: NDArray[Any] = calendar.days
    series = {
        "ds": pa.array(days, pa.date32()),
        "y": pa.array(calendar.values),
        "filled": pa.array(calendar.filled),
    }
    pq.write_table(pa.table(series), folder / "series.parquet", compression="zstd")
    bad = frame.iloc[list(reasons)]
    aside = {
        "row": pa.array(bad["row"].to_numpy(), pa.int64()),
        "ds": pa.array(bad["ds"].tolist(), pa.string()),
        "y": pa.array(bad["y"].tolist(), pa.string()),
        "reasons": pa.array(list(reasons.values()), pa.list_(pa.string())),
    }
    pq.write_table(pa.table(aside), folder / "quarantine.parquet", compression="zstd")
    return len(days), len(bad)


def _line(report: Mapping[str, Any], reasons: Mapping[int, Sequence[str]]) -> str:
    why = f" ({rules.tally(reasons)})" if reasons else ""
    outside = f", {report['outside']:,} outside" if report["outside"] else ""
    filled = f", {report['filled']:,} of them filled" if report["filled"] else ""
    counts = report["counts"]
    return (
        f"{report['read']:,} rows read: {report['accepted']:,} accepted, {report['quarantined']:,} quarantined"
        f"{why}{outside}; {counts['days']:,} days, {counts['first']} to {counts['last']}{filled}"
    )
