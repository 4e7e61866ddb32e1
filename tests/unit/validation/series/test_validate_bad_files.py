"""Invalid CSV files: each one, downloaded and validated, ends in one exact error message."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from strokecast import params
from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.sources import registry, tables
from strokecast.sources.formats import source_json
from strokecast.validation.series.source import SeriesSource
from strokecast.validation.series.validate import validate_series

SEE = "see reports/data_docs/series/index.html"


def days(count: int, date_format: str = "%Y-%m-%d", step: int = 1, first: str = "2021-03-01") -> list[str]:
    start = datetime.date.fromisoformat(first)
    return [(start + datetime.timedelta(days=n * step)).strftime(date_format) for n in range(count)]


def rows(dates: Iterable[str], head: str = "ds,y", values: Iterable[Any] | None = None) -> str:
    values = values or range(11, 10_000)
    return "\n".join([head, *(f"{date},{value}" for date, value in zip(dates, values, strict=False))]) + "\n"


def lines(*texts: str) -> str:
    return "\n".join(texts) + "\n"


GOOD = rows(days(20))

# name: (contents, series.csv, quality.series)
CASES: dict[str, tuple[str | bytes, dict[str, Any], dict[str, Any]]] = {
    "nothing": ("", {}, {}),
    "blank lines": ("\n\r\n\n", {}, {}),
    "header alone": ("ds,y\n", {}, {}),
    "no header": (rows(days(3))[5:], {}, {}),
    "semicolons": (GOOD.replace(",", ";"), {}, {}),
    "tabs": (GOOD.replace(",", "\t"), {}, {}),
    "a column twice": ("ds,y,ds\n2021-03-01,1,2\n", {}, {}),
    "a cell too many": (GOOD + "2021-03-21,1,000\n", {}, {}),
    "a cell too few": (GOOD + "2021-03-21\n", {}, {}),
    "an open quote": (GOOD + '2021-03-21,"31\n', {}, {}),
    "utf-16": (GOOD.encode("utf-16"), {}, {}),
    "latin-1": (GOOD.replace("y", "\xfc").encode("latin-1"), {}, {}),
    "a zip file": (b"PK\x03\x04\x14\x00\x00\x00\x08\x00\xff\xfe\x00", {}, {}),
    "a nul": (GOOD + "2021-03-21,3\x001\n", {}, {}),
    "a web page": ("<!doctype html>\n<html><body>Not found</body></html>\n", {}, {}),
    "no such day": (GOOD + "2021-02-30,31\n", {}, {}),
    "another format": (rows(days(20, "%m/%d/%Y")), {}, {}),
    "two formats": (GOOD + "03/21/2021,31\n", {"date_format": "auto"}, {}),
    "month or day": (rows(days(12, "%d/%m/%Y")), {"date_format": "auto"}, {}),
    "month or day, given": (
        rows(days(12, "%d/%m/%Y")), {"date_format": "%d/%m/%Y"}, {"ambiguous_date": "stop"},
    ),
    "no format": (GOOD, {"date_format": "mixed"}, {}),
    "words": (GOOD + "2021-03-21,closed\n", {}, {}),
    "an empty value": (GOOD + "2021-03-21,\n", {}, {}),
    "infinite": (GOOD + "2021-03-21,inf\n", {}, {}),
    "thousands commas": (rows(days(20), values=(f'"{n},{n}00"' for n in range(1, 10))), {}, {}),
    "a decimal comma": (rows(days(9), values=(f'"{n},5"' for n in range(1, 10))), {}, {}),
    "one date, two values": (GOOD + "2021-03-20,31\n", {}, {}),
    "below zero": (GOOD + "2021-03-21,-4\n", {}, {"negative": "stop"}),
    "a missing day": (rows(d for d in days(20) if d != "2021-03-09"), {}, {}),
    "a long gap": (rows(days(10) + days(9, first="2021-04-01")), {}, {"max_gap": 7}),
    "weekly": (rows(days(20, step=7)), {}, {}),
    "monthly": (rows(f"2020-{n:02d}-01" for n in range(1, 13)), {}, {}),
    "hours": (rows(f"2021-03-01 {n:02d}:00" for n in range(20)), {"date_format": "%Y-%m-%d %H:%M"}, {}),
    "tomorrow": (GOOD, {}, {"today": "2021-03-19"}),
    "year 3021": (GOOD + "3021-03-21,31\n", {}, {}),
    "a wrong total": (
        lines("ds,y,all,rail", *(f"{d},{n},{n + 5 + (n == 3)},5" for n, d in enumerate(days(9), 1))),
        {"total_column": "all", "part_columns": ["y", "rail"]}, {},
    ),
    "a wrong day type": (
        lines("ds,y,kind", *(f"{d},{n + 3},W" for n, d in enumerate(days(7)))),
        {"day_type_column": "kind"}, {"day_type": "stop"},
    ),
    "a dead sensor": (
        rows(days(20), values=[5, 6, 7, *[0] * 4, *range(5, 18)]), {}, {"zero_run": "stop"},
    ),
    "a stuck sensor": (
        rows(days(20), values=[5, 6, 7, *[8] * 5, *range(9, 21)]), {}, {"constant_run": "stop"},
    ),
    "no id column": (GOOD, {"id_column": "shop"}, {}),
    "several series, none chosen": (
        lines("shop,ds,y", "b,2021-03-01,1", "a,2021-03-01,2"), {"id_column": "shop"}, {},
    ),
    "no such series": (
        lines("shop,ds,y", "b,2021-03-01,1", "a,2021-03-01,2"), {"id_column": "shop", "unique_id": "c"}, {},
    ),
    "a row of no series": (
        lines("shop,ds,y", "b,2021-03-01,1", ",2021-03-02,2"), {"id_column": "shop", "unique_id": "b"}, {},
    ),
    "half a day": (
        rows(f"2021-03-01 {n:02d}:00" for n in range(6, 12)),
        {"date_format": "%Y-%m-%d %H:%M", "aggregate": "sum"}, {},
    ),
    "outside": (GOOD, {}, {"start": "2022-01-01"}),
    "sorted the other way": (rows(days(9)[::-1]), {}, {"unsorted": "stop"}),
    "more than statistics hold": (GOOD + "2021-03-21,9e307\n", {}, {}),
    "value and date": (GOOD, {"value_column": "ds"}, {}),
    "no timezone": (GOOD, {"timezone": "Chicago"}, {}),
}  # fmt: skip


# name: error message. {see} is the same in all messages of validation.
MESSAGES = {
    "nothing": "my.csv: is empty; allowed: a CSV file with a header and at least one row",
    "blank lines": "my.csv: is empty; allowed: a CSV file with a header and at least one row",
    "header alone": "my.csv: has a header but no row; allowed: at least one row",
    "no header": "my.csv: no column 'ds'; the columns are '2021-03-01', '11'; name the columns in params.yaml: series.csv",
    "semicolons": "my.csv: no column 'ds'; the columns are 'ds;y'; set series.csv.separator to ';', and series.csv.decimal to ',' if the numbers have decimal commas",
    "tabs": "my.csv: no column 'ds'; the columns are 'ds\\ty'; set series.csv.separator to '\\t'",
    "a column twice": "my.csv: the header names the column 'ds' 2 times; rename one of them",
    "a cell too many": "my.csv, line 22: 3 cells, but the header names 2 columns; put quotes around cells that contain a comma",
    "a cell too few": "my.csv, line 22: 1 cells, but the header names 2 columns; put quotes around cells that contain a comma",
    "an open quote": "my.csv: is not CSV: unexpected end of data; allowed: comma-separated text",
    "utf-16": "my.csv: is UTF-16 text, not a CSV file; save it as UTF-8",
    "latin-1": "my.csv: is not UTF-8 text (byte 0xfc in line 1); save it as UTF-8",
    "a zip file": "my.csv: is a truncated or damaged zip archive, not a CSV file; fetch it again",
    "a nul": "my.csv: non_numeric: 1 rows (row 21: 2021-03-21 '3\\x001'); allowed: the value is a finite number of at most 1e+100; correct the rows, or series.csv.thousands and series.csv.decimal, or set quality.series.non_numeric to quarantine (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "a web page": "my.csv: is an HTML page, not a CSV file; fetch the file itself, not the page that links to it",
    "no such day": "my.csv: bad_date: 1 rows (row 21: '2021-02-30'); allowed: the date matches %Y-%m-%d; correct series.csv.date_format or the rows, or set quality.series.bad_date to quarantine (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "another format": "my.csv: bad_date: 20 rows (row 1: '03/01/2021', row 2: '03/02/2021', row 3: '03/03/2021', ...); allowed: the date matches %Y-%m-%d; set series.csv.date_format to \"%m/%d/%Y\", or set quality.series.bad_date to quarantine (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "two formats": "my.csv: bad_date: 1 rows (row 21: '03/21/2021'); allowed: the date matches %Y-%m-%d; correct series.csv.date_format or the rows, or set quality.series.bad_date to quarantine (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "month or day": "my.csv: ambiguous_date: 1 files (all dates match %d/%m/%Y and %m/%d/%Y); allowed: day and month cannot be swapped in all dates; set series.csv.date_format to the right one; {see}",
    "month or day, given": "my.csv: ambiguous_date: 1 files (all dates match %d/%m/%Y and %m/%d/%Y); allowed: day and month cannot be swapped in all dates; set series.csv.date_format to the right one, or set quality.series.ambiguous_date to warn; {see}",
    "no format": "params.yaml: series.csv: date_format should be a strptime format with year, month and day such as %Y-%m-%d, or auto, not 'mixed'",
    "words": "my.csv: non_numeric: 1 rows (row 21: 2021-03-21 'closed'); allowed: the value is a finite number of at most 1e+100; correct the rows, or series.csv.thousands and series.csv.decimal, or set quality.series.non_numeric to quarantine (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "an empty value": "my.csv: non_numeric: 1 rows (row 21: 2021-03-21 ''); allowed: the value is a finite number of at most 1e+100; correct the rows, or series.csv.thousands and series.csv.decimal, or set quality.series.non_numeric to quarantine (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "infinite": "my.csv: non_numeric: 1 rows (row 21: 2021-03-21 'inf'); allowed: the value is a finite number of at most 1e+100; correct the rows, or series.csv.thousands and series.csv.decimal, or set quality.series.non_numeric to quarantine (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "thousands commas": "my.csv: thousands_mark: 9 rows (row 1: 2021-03-01 '1,100', separator ',', row 2: 2021-03-02 '2,200', separator ',', row 3: 2021-03-03 '3,300', separator ',', ...); allowed: the value has no thousands separator other than series.csv.thousands; set series.csv.thousands to \",\", or set quality.series.thousands_mark to quarantine (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "a decimal comma": "my.csv: non_numeric: 9 rows (row 1: 2021-03-01 '1,5', row 2: 2021-03-02 '2,5', row 3: 2021-03-03 '3,5', ...); allowed: the value is a finite number of at most 1e+100; set series.csv.decimal to \",\", or set quality.series.non_numeric to quarantine (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "one date, two values": "my.csv: conflicting_date: 1 rows (2021-03-20 has '30' in row 20 and '31' in row 21); allowed: each date has one value; keep one row per date, or set series.csv.aggregate or id_column if rows share dates on purpose; {see}",
    "below zero": "my.csv: negative: 1 rows (row 21: 2021-03-21 '-4'); allowed: the value is 0 or more; correct them, or set quality.series.negative to quarantine or warn (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "a missing day": 'my.csv: gap: 1 days without a value (2021-03-09); allowed: every day has a value; no gap is filled (quality.series.max_gap is 0); set quality.series.max_gap to 1 or more (at most 28) or quality.series.start to "2021-03-10", with which it has no such gap, or add the missing days to the file; {see}',
    "a long gap": 'my.csv: gap: 21 days without a value (2021-03-11 to 2021-03-31, 21 days); allowed: every day has a value; gaps of up to 7 days between two values are filled (quality.series.max_gap); set quality.series.max_gap to 21 or more (at most 28) or quality.series.start to "2021-04-01", with which it has no such gap, or add the missing days to the file; {see}',
    "weekly": "my.csv: frequency: 1 series (my: y: 7 days between rows); allowed: rows are one day apart; use a daily series, or a finer one with series.csv.aggregate; {see}",
    "monthly": "my.csv: frequency: 1 series (my: y: 31 days between rows); allowed: rows are one day apart; use a daily series, or a finer one with series.csv.aggregate; {see}",
    "hours": "my.csv: conflicting_date: 19 rows (2021-03-01 01:00 has '11' in row 1 and '12' in row 2, 2021-03-01 02:00 has '11' in row 1 and '13' in row 3, 2021-03-01 03:00 has '11' in row 1 and '14' in row 4, ...); allowed: each date has one value; keep one row per date, or set series.csv.aggregate or id_column if rows share dates on purpose; {see}",
    "tomorrow": "my.csv: future_date: 1 rows (row 20: 2021-03-20 '30'); allowed: the date is not after today (quality.series.today); correct the rows or series.csv.date_format, or set quality.series.future_date to quarantine or warn; {see}",
    "year 3021": "my.csv: future_date: 1 rows (row 21: 3021-03-21 '31'); allowed: the date is not after today (quality.series.today); correct the rows or series.csv.date_format, or set quality.series.future_date to quarantine or warn; {see}",
    "a wrong total": "my.csv: total_mismatch: 1 rows (row 3: 2021-03-03 off by 1); allowed: the total equals the sum of its parts; correct them, or set quality.series.total_mismatch to quarantine or warn (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "a wrong day type": "my.csv: day_type: 2 rows (row 6: 2021-03-06 'W' on a Saturday, row 7: 2021-03-07 'W' on a Sunday); allowed: W is a weekday, A a Saturday, U a Sunday or a holiday; correct them, or set quality.series.day_type to quarantine or warn (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "a dead sensor": "my.csv: zero_run: 4 days (2021-03-04: 0, 2021-03-05: 0, 2021-03-06: 0, ...); allowed: at most 3 consecutive days are 0 (quality.series.zero_days); correct them, or set quality.series.zero_run to quarantine or warn (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "a stuck sensor": "my.csv: constant_run: 5 days (2021-03-04: 8, 2021-03-05: 8, 2021-03-06: 8, ...); allowed: at most 4 consecutive days have the same value (quality.series.constant_days); correct them, or set quality.series.constant_run to quarantine or warn (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "no id column": "my.csv: no column 'shop'; the columns are 'ds', 'y'; name the columns in params.yaml: series.csv",
    "several series, none chosen": "params.yaml: series.csv.unique_id: the file contains 2 series: a, b; name the series to forecast, or any of them with features.forecast.series: all",
    "no such series": "params.yaml: series.csv.unique_id: no series 'c'; allowed: a, b",
    "a row of no series": "my.csv: 1 rows have no 'shop'; name their series, or leave series.csv.id_column empty; the series are b",
    "half a day": "my.csv: none of the 6 rows is accepted: 0 outside quality.series.start to end, 6 quarantined (6 partial_day)",
    "outside": "my.csv: none of the 20 rows is accepted: 20 outside quality.series.start to end, 0 quarantined; allowed: days from 2021-03-01 to 2021-03-20",
    "sorted the other way": "my.csv: unsorted: 8 rows (row 2: 2021-03-08 '12', row 3: 2021-03-07 '13', row 4: 2021-03-06 '14', ...); allowed: the date is not earlier than that of the previous row; correct them, or set quality.series.unsorted to warn; {see}",
    "more than statistics hold": "my.csv: non_numeric: 1 rows (row 21: 2021-03-21 '9e307'); allowed: the value is a finite number of at most 1e+100; correct the rows, or series.csv.thousands and series.csv.decimal, or set quality.series.non_numeric to quarantine (quarantine leaves a gap, see quality.series.max_gap); {see}",
    "value and date": "params.yaml: series.csv: date_column and value_column are both 'ds'; each needs a column of its own",
    "no timezone": "params.yaml: series.csv: timezone should be an IANA name such as America/Chicago, or empty, not 'Chicago'; did you mean 'America/Chicago'?",
}


def error_message(content: str | bytes, options: dict[str, Any], rules: dict[str, Any]) -> str | None:
    """The error message of download and validation; None if both succeed."""
    Path("my.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        settings = params.parse(
            {"series": {"source": "csv", "csv": {"path": "my.csv", **options}}, "quality": {"series": rules}}
        )
        registry.download("series", settings)
        raw = paths.RAW / "series"
        source = SeriesSource.from_json(source_json.read(raw, "series"))
        validate_series(tables.read_series(raw), source, settings.quality.series)
    except UserError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if at % 3 else ()) for at, name in enumerate(CASES)]
)
def test_an_invalid_file_ends_in_one_exact_message(name: str) -> None:
    content, options, rules = CASES[name]
    expected = MESSAGES[name].replace("{see}", SEE)
    assert error_message(content, options, rules) == expected
    assert not (paths.VALIDATED / "series").exists()


def test_the_file_without_faults_is_valid() -> None:
    assert error_message(GOOD, {}, {}) is None
