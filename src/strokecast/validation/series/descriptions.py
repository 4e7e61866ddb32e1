"""Names of rows and days in messages and reports, and the columns that identify them in Data Docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strokecast.common import names
from strokecast.validation.rules import Rule
from strokecast.validation.series.numbers import find_separator
from strokecast.validation.series.rows import EXTRA_PREFIX, extra_columns
from strokecast.validation.series.source import SeriesSource
from strokecast.validation.suites import RowDescription

if TYPE_CHECKING:
    import pandas as pd

_MAX_COLUMNS = 60  # of a cell in a message
_WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def row_name(frame: pd.DataFrame, position: int) -> str:
    """Name of a row: `[<file> ]row 3[ of <unique_id>]`."""
    row = frame.iloc[position]
    file = f"{row['file']} " if "file" in frame else ""
    series = f" of {row['unique_id']}" if "unique_id" in frame else ""
    return f"{file}row {row['row']}{series}"


def day_name(table: pd.DataFrame, position: int) -> str:
    """Name of a day: `[<unique_id> ]2020-01-31`."""
    day = table.iloc[position]
    return f"{day['unique_id']} " * bool(day["unique_id"]) + str(day["day"].date())


def describe_row(frame: pd.DataFrame, rule: Rule, position: int, source: SeriesSource) -> RowDescription:
    """Description of a row of the row table that fails a rule."""
    row = frame.iloc[position]
    name, date, cell = row_name(frame, position), row["ds"], row["y"]
    columns = {"row": str(row["row"]), "date": date, "cell": cell}
    date, cell = (names.shorten(text, _MAX_COLUMNS) for text in (date, cell))
    columns |= {key: row[key] for key in ("file", "unique_id", "day_type") if key in frame}
    if rule.name in ("conflicting_date", "exact_duplicate"):
        first = frame.iloc[int(row["first_position"])]
        columns |= {"first row": str(first["row"]), "first cell": first["y"]}
    if rule.name == "bad_date":
        return f"{name}: {date!r}", columns
    if rule.name == "conflicting_date":
        first_name, first = (
            row_name(frame, int(row["first_position"])),
            frame.iloc[int(row["first_position"])],
        )
        compared = [key for key in ("y", "day_type", *extra_columns(frame)) if key in frame]
        differing = next((key for key in compared if first[key] != row[key]), "y")
        return f"{date} has {first[differing]!r} in {first_name} and {row[differing]!r} in {name}", columns
    if rule.name == "thousands_mark":
        return (
            f"{name}: {date} {cell!r}, separator {find_separator(row['y'], source.thousands, source.decimal)!r}",
            columns,
        )
    if rule.name == "day_type":
        weekday = f"{row['day']:%A}" if row["day"] == row["day"] else ""
        return f"{name}: {date} {row['day_type']!r} on a {weekday}", columns
    if rule.name == "non_numeric" and row["value"] == row["value"]:
        headers = [key.removeprefix(EXTRA_PREFIX) for key in extra_columns(frame) if row[key] != row[key]]
        return f"{name}: {date} has no number in {', '.join(headers)}", columns
    if rule.name == "total_mismatch":
        return f"{name}: {date} off by {row['total_error']:g}", columns
    return f"{name}: {date} {cell!r}", columns


def describe_day(days: pd.DataFrame, rule: Rule, position: int) -> RowDescription:
    """Description of a day of the day table that fails a rule."""
    day, name = days.iloc[position], day_name(days, position)
    columns = {"day": name, "value": f"{day['value']:g}", "rows": str(day["rows"])}
    if rule.name == "outlier":
        weekday = _WEEKDAYS[day["day"].weekday()]
        return f"{name}: {day['value']:.10g}, median of {weekday} {day['weekday_median']:.10g}", columns
    if rule.name == "short_day":
        return f"{name}: {day['rows']} timestamps, {day['timestamp_share']:.0%}", columns
    if rule.name == "dst_day":
        return f"{name}: {day['rows']} timestamps, clock change of {day['clock_change']:g} h", columns
    return f"{name}: {day['value']:.10g}", columns
