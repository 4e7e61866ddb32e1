"""Accepted rows, gaps, quarantine and reports of a validated series."""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.params import SeriesQuality
from strokecast.validation.series.validate import validate_series

TARGET = Path("data/validated/series")


def quality(**changes: Any) -> SeriesQuality:
    return SeriesQuality.model_validate(changes)


def failed_rules(report: dict[str, Any]) -> list[str]:
    return [rule["rule"] for rule in report["expectations"] if not rule["success"]]


def stopped_report() -> dict[str, Any]:
    return json.loads(Path("reports/data_docs/series/report.json").read_text())


def accepted_days() -> dict[str, list[Any]]:
    return pq.read_table(TARGET / "series.parquet").to_pydict()


def set_cell(cells: pd.DataFrame, row: int, column: str, value: str) -> pd.DataFrame:
    cells.loc[cells["row"] == row, column] = value
    return cells


def append_row(cells: pd.DataFrame, ds: str, y: str) -> pd.DataFrame:
    return pd.concat(
        [cells, pd.DataFrame({"row": [len(cells) + 1], "ds": [ds], "y": [y]})], ignore_index=True
    )


def drop_rows(cells: pd.DataFrame, *rows: int) -> pd.DataFrame:
    return cells[~cells["row"].isin(rows)]


def test_a_valid_series_is_accepted_in_full(cells, series_source) -> None:
    weekdays = pd.to_datetime(cells()["ds"]).dt.day_of_week
    data = cells().assign(day_type=["W" if day < 5 else "AU"[day - 5] for day in weekdays])
    outcome = validate_series(data, series_source, quality())
    assert outcome.line == "30 rows read: 30 accepted, 0 quarantined; 30 days, 2020-01-01 to 2020-01-30"
    assert outcome.report["name"] == outcome.report["unit"] == "rides"
    days = accepted_days()
    assert days.pop("day_type")[:6] == ["W", "W", "W", "A", "U", "W"]
    assert days == {
        "ds": [datetime.date(2020, 1, 1) + datetime.timedelta(days=n) for n in range(30)],
        "y": [101.0 + n for n in range(30)],
        "filled": [False] * 30,
        "rows": [1] * 30,
    }


def test_a_quarantined_value_leaves_a_gap_that_is_filled_or_stops(cells, series_source) -> None:
    data = set_cell(cells(), 10, "y", "?")
    with pytest.raises(UserError, match=r"gap: 1 days without a value \(2020-01-10\)"):
        validate_series(data, series_source, quality(non_numeric="quarantine"))
    outcome = validate_series(data, series_source, quality(non_numeric="quarantine", max_gap=1))
    assert failed_rules(outcome.report) == ["non_numeric"]
    assert outcome.line == (
        "30 rows read: 29 accepted, 1 quarantined (1 non_numeric); 30 days, 2020-01-01 to 2020-01-30, 1 of them filled"
    )
    days = accepted_days()
    assert (days["y"][9], days["filled"][9], sum(days["filled"])) == (103.0, True, 1)
    assert pq.read_table(TARGET / "quarantine.parquet").to_pylist() == [
        {"row": 10, "ds": "2020-01-10", "y": "?", "reasons": ["non_numeric"]}
    ]


def test_values_below_0_warn_with_csv_and_stop_with_sources_of_counts(cells, series_source) -> None:
    below = set_cell(cells(), 3, "y", "-1.5")
    [warning] = validate_series(below, replace(series_source, source="csv"), quality()).warnings
    assert warning == (
        "negative: 1 rows (row 3: 2020-01-03 '-1.5'); expected: the value is 0 or more; quality.series.negative is warn, "
        "choose one of stop, quarantine, warn"
    )
    assert accepted_days()["y"][2] == -1.5
    for source, settings in (("births", {}), ("cta", {}), ("csv", {"negative": "stop"})):
        with pytest.raises(
            UserError, match=r"negative: 1 rows .*, or set quality.series.negative to quarantine or warn"
        ):
            validate_series(below, replace(series_source, source=source), quality(**settings))


def test_a_quarantined_date_leaves_a_gap(cells, series_source) -> None:
    data = set_cell(cells(), 10, "ds", "2020-01-32")
    with pytest.raises(UserError, match="gap: 1 days"):
        validate_series(data, series_source, quality(bad_date="quarantine"))


@pytest.mark.slow
def test_gaps_up_to_max_gap_are_filled_from_one_week_earlier_and_longer_ones_stop(
    cells, series_source
) -> None:
    data = drop_rows(cells(), 12, 13, 14, 20, 21)
    report = validate_series(data, series_source, quality(max_gap=3)).report
    assert (report["accepted"], report["filled"], report["counts"]["days"]) == (25, 5, 30)
    days = accepted_days()
    assert [days["y"][n] for n in (11, 12, 13, 19, 20)] == [
        105.0,
        106.0,
        107.0,
        106.0,  # of day 13, which is filled
        107.0,
    ]
    assert [n + 1 for n, filled in enumerate(days["filled"]) if filled] == [12, 13, 14, 20, 21]
    with pytest.raises(UserError, match=r"gap: 3 days without a value \(2020-01-12 to 2020-01-14, 3 days\)"):
        validate_series(data, series_source, quality(max_gap=2))


def test_a_gap_in_the_first_week_is_filled_from_the_first_week_after_it(cells, series_source) -> None:
    validate_series(drop_rows(cells(), *range(3, 11)), series_source, quality(max_gap=8))
    days = accepted_days()
    assert days["y"][2:10] == [117.0, 111.0, 112.0, 113.0, 114.0, 101.0, 102.0, 117.0]
    assert [n + 1 for n, filled in enumerate(days["filled"]) if filled] == [*range(3, 11)]


@pytest.mark.parametrize(
    ("missing", "changes", "line"),
    [
        (
            [5, 10, 11, 12, 20],
            {"max_gap": 1},
            r"gap: 3 days without a value \(2020-01-10 to 2020-01-12, 3 days\); .* gaps of up to 1 days between two values "
            r"are filled .*; set quality.series.max_gap to 3 or more \(at most 28\) or quality.series.start to "
            '"2020-01-13", with which it has no such gap, or add the missing days to the file;',
        ),
        ([5, 10, 11], {}, r"3 days without a value \(2 gaps, the longest 2020-01-10 to 2020-01-11, 2 days\)"),
        (
            [],
            {"start": "2019-12-30", "end": "2020-02-02", "max_gap": 28},
            r"5 days without a value \(2 gaps, the longest 2020-01-31 to 2020-02-02, 3 days after the last value\); "
            '.*; set quality.series.start to "2020-01-01" and end to "2020-01-30", with which it has no such gap, or add the missing days to the file;',
        ),
    ],
)
def test_a_gap_names_the_longest_one_the_limit_and_settings_that_pass(
    missing: list[int], changes: dict[str, Any], line: str, cells, series_source
) -> None:
    with pytest.raises(UserError, match=line) as caught:
        validate_series(drop_rows(cells(), *missing), series_source, quality(**changes))
    suggested = dict(re.findall(r'(start|end) to "([-\d]+)"', str(caught.value)))
    validate_series(drop_rows(cells(), *missing), series_source, quality(**changes | suggested))


@pytest.mark.slow
def test_an_incomplete_last_day_is_left_out_kept_or_stops(series_source) -> None:
    days = pd.date_range("2020-01-01", periods=400)
    values = [100 + 10 * (day.dayofweek + n % 5) for n, day in enumerate(days)]
    values[0], values[359], values[-2:] = 20, 30, [40, 0]  # 2020-12-25 is within, and no edge
    data = pd.DataFrame({"row": range(1, 401), "ds": days.strftime("%Y-%m-%d"), "y": list(map(str, values))})
    outcome = validate_series(data, series_source, quality(start="2020-01-01", end="2021-02-03"))
    assert outcome.line.startswith(
        "400 rows read: 397 accepted, 3 quarantined (3 partial_day); 397 days, 2020-01-02 to"
    )
    assert "left out: 2020-01-01: 20, 14 % of its weekday's median 140, 2021-02-02: 40, " in outcome.line
    assert validate_series(data, series_source, quality(partial_day="warn")).report["accepted"] == 400
    with pytest.raises(
        UserError, match=r"partial_day: 3 days .*set quality.series.partial_day to quarantine or warn"
    ):
        validate_series(data, series_source, quality(partial_day="stop"))


def test_every_day_of_a_long_gap_is_counted(cells, series_source) -> None:
    with pytest.raises(
        UserError,
        match=r"gap: 12 days without a value \(2020-01-08 to 2020-01-19, 12 days\).*gaps of up to 7 days",
    ):
        validate_series(drop_rows(cells(), *range(8, 20)), series_source, quality(max_gap=7))


def test_rows_before_start_and_after_end_are_counted_as_outside(cells, series_source) -> None:
    data = set_cell(cells(), 2, "y", "not checked")
    settings = quality(start="2020-01-05", end="2020-01-20")
    outcome = validate_series(data, series_source, settings)
    report = outcome.report
    assert (report["read"], report["accepted"], report["quarantined"], report["outside"]) == (30, 16, 0, 14)
    assert (report["counts"]["first"], report["counts"]["last"]) == ("2020-01-05", "2020-01-20")
    assert "14 outside" in outcome.line
    assert len(accepted_days()["ds"]) == 16


@pytest.mark.parametrize(("key", "day", "n_missing"), [("start", "2019-12-30", 2), ("end", "2020-02-02", 3)])
def test_missing_days_after_start_or_before_end_are_a_gap(key, day, n_missing, cells, series_source) -> None:
    with pytest.raises(UserError, match=f"gap: {n_missing} days without a value"):
        validate_series(cells(), series_source, quality(max_gap=9, **{key: day}))


@pytest.mark.slow
def test_a_series_without_accepted_rows_is_an_error(cells, series_source) -> None:
    with pytest.raises(UserError, match="none of the 30 rows is accepted: 30 outside"):
        validate_series(cells(), series_source, quality(start="2021-01-01"))
    with pytest.raises(
        UserError,
        match=r"none of the 30 rows is accepted: 0 outside quality\.series\.start to end, 30 quarantined",
    ):
        validate_series(cells().assign(y="x"), series_source, quality(non_numeric="quarantine"))
    with pytest.raises(UserError, match="has no rows"):
        validate_series(cells().iloc[:0], series_source, quality())
    assert not TARGET.exists()


@pytest.mark.slow
def test_a_wrong_format_fails_only_bad_date(cells, series_source) -> None:
    source = replace(series_source, date_format="%d/%m/%Y")
    with pytest.raises(
        UserError, match=r"bad_date: 30 rows .*the date matches %d/%m/%Y.*series.csv.date_format"
    ):
        validate_series(cells(), source, quality())
    assert failed_rules(stopped_report()) == ["bad_date"]


@pytest.mark.parametrize("date_format", ["%Q", "mixed", "ISO8601"])
def test_an_invalid_format_is_an_error(date_format, cells, series_source) -> None:
    with pytest.raises(UserError, match=r"series.csv.date_format: '.*' is not valid"):
        validate_series(cells(), replace(series_source, date_format=date_format), quality())


@pytest.mark.slow
def test_thousands_separators_are_read(cells, series_source) -> None:
    source = replace(series_source, thousands=",")
    data = set_cell(set_cell(set_cell(cells(), 3, "y", "4000"), 2, "y", "2,345.5"), 1, "y", "1,234,567")
    validate_series(data, source, quality())
    assert accepted_days()["y"][:3] == [1234567.0, 2345.5, 4000.0]
    with pytest.raises(UserError, match="non_numeric: 1 rows"):  # a decimal comma is not a separator
        validate_series(set_cell(data, 4, "y", "12,34"), source, quality())


def test_duplicates_are_compared_by_number_not_by_text(cells, series_source) -> None:
    data = append_row(set_cell(cells(), 5, "y", "1000"), "2020-01-05", "1,000.0")
    report = validate_series(data, replace(series_source, thousands=","), quality()).report
    assert failed_rules(report) == ["exact_duplicate"]


@pytest.mark.slow
def test_stop_keeps_the_previous_outputs_and_writes_the_docs(cells, series_source) -> None:
    validate_series(cells(), series_source, quality())
    before = files.digest_tree(TARGET)
    data = append_row(append_row(cells(), "2020-01-05", "99"), "2020-01-31", "x")
    with pytest.raises(UserError, match="also failed: conflicting_date"):
        validate_series(data, series_source, quality())
    assert files.digest_tree(TARGET) == before
    assert not list(TARGET.parent.glob(".*"))
    rejected = Path("reports/data_docs/series/rejected.csv").read_text().splitlines()
    assert rejected == ["row,reasons", "row 31,conflicting_date", "row 32,non_numeric"]


@pytest.mark.slow
def test_unsorted_can_stop(cells, series_source) -> None:
    order = [*range(9), 10, 9, *range(11, 30)]
    data = cells().iloc[order].assign(row=range(1, 31))
    with pytest.raises(UserError, match="unsorted: 1 rows"):
        validate_series(data, series_source, quality(unsorted="stop"))


def test_shuffled_rows_with_duplicates_are_sorted_and_add_up(cells, series_source) -> None:
    data = cells(60)
    data = pd.concat([data, data.sample(15, random_state=0), data.sample(15, random_state=1)])
    data = data.sample(frac=1, random_state=2).assign(row=range(1, 91))
    outcome = validate_series(data, series_source, quality())
    report = outcome.report
    assert (report["read"], report["accepted"], report["quarantined"]) == (90, 60, 30)
    assert accepted_days()["y"] == [101.0 + n for n in range(60)]
    assert [line.split(":")[0] for line in outcome.warnings] == ["unsorted"]
    quarantined = set(pq.read_table(TARGET / "quarantine.parquet")["row"].to_pylist())
    first_rows = data.drop_duplicates("ds")["row"]
    assert set(range(1, 91)) - quarantined == set(first_rows)


@pytest.mark.slow
def test_two_runs_write_the_same_bytes(cells, series_source) -> None:
    data = append_row(cells(), "2020-01-05", "105")
    validate_series(data, series_source, quality())
    first = files.digest_tree(TARGET)
    validate_series(data, series_source, quality())
    assert files.digest_tree(TARGET) == first
    text = (TARGET / "report.json").read_text()
    assert str(Path.cwd()) not in text
    for word in ("run_time", "ge_load_time", "validation_id", '"id":', "batch_id", "fingerprint"):
        assert word not in text
