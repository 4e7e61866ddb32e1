"""Every rule for series alone, what happens to rows and days, and the accounts."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from strokecast import files
from strokecast.errors import UserError
from strokecast.params import SeriesQuality
from strokecast.quality import series

TARGET = Path("data/validated/series")


def rules(**changes: Any) -> SeriesQuality:
    return SeriesQuality.model_validate(changes)


def broken(report: dict[str, Any]) -> list[str]:
    return [found["rule"] for found in report["expectations"] if not found["success"]]


def stopped_report() -> dict[str, Any]:
    return json.loads(Path("reports/data_docs/series/report.json").read_text())


def table() -> dict[str, list[Any]]:
    return pq.read_table(TARGET / "series.parquet").to_pydict()


def put(row: int, column: str, value: str):
    def change(cells: pd.DataFrame) -> pd.DataFrame:
        cells.loc[cells["row"] == row, column] = value
        return cells

    return change


def added(ds: str, y: str):
    def change(cells: pd.DataFrame) -> pd.DataFrame:
        return pd.concat(
            [cells, pd.DataFrame({"row": [len(cells) + 1], "ds": [ds], "y": [y]})], ignore_index=True
        )

    return change


def without(*rows: int):
    def change(cells: pd.DataFrame) -> pd.DataFrame:
        return cells[~cells["row"].isin(rows)]

    return change


def swapped(cells: pd.DataFrame) -> pd.DataFrame:
    order = [*range(9), 10, 9, *range(11, len(cells))]
    return cells.iloc[order].assign(row=range(1, len(cells) + 1))


CASES = {
    "bad_date": (put(10, "ds", "2020-13-10"), "row 10: '2020-13-10'", 1),
    "non_numeric": (put(10, "y", "12x"), "row 10: 2020-01-10 '12x'", 1),
    "exact_duplicate": (added("2020-01-05", "105"), "row 31: 2020-01-05 '105'", 1),
    "conflicting_date": (added("2020-01-05", "99"), "2020-01-05 has '105' in row 5 and '99' in row 31", 1),
    "negative": (put(10, "y", "-0.5"), "row 10: 2020-01-10 '-0.5'", -0.5),
    "gap": (without(10), "2020-01-10", 1),
    "unsorted": (swapped, "row 11: 2020-01-10 '110'", -1),
}


def test_every_rule_with_an_action_has_a_case() -> None:
    assert set(CASES) == set(SeriesQuality.model_fields) - {"start", "end", "max_gap"}


def test_a_clean_series_breaks_no_rule(cells, series_source) -> None:
    outcome = series.validate(cells(), series_source, rules())
    assert broken(outcome.report) == outcome.warnings == []
    assert sorted(found["rule"] for found in outcome.report["expectations"]) == sorted(CASES)
    assert outcome.line == "30 rows read: 30 accepted, 0 quarantined; 30 days, 2020-01-01 to 2020-01-30"
    assert outcome.report["name"] == outcome.report["unit"] == "rides"
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=n) for n in range(30)]
    assert table() == {"ds": days, "y": [101.0 + n for n in range(30)], "filled": [False] * 30}


@pytest.mark.parametrize("rule", CASES)
def test_one_fault_breaks_exactly_its_rule(rule: str, cells, series_source) -> None:
    change, example, observed = CASES[rule]
    if getattr(rules(), rule) == "stop":
        with pytest.raises(UserError, match=f"^data/raw/series/series.csv: {rule}: 1 ") as caught:
            series.validate(change(cells()), series_source, rules())
        assert example in str(caught.value)
        assert "\n" not in str(caught.value)
        report = stopped_report()
        assert not TARGET.exists()
    else:
        report = series.validate(change(cells()), series_source, rules()).report
    assert broken(report) == [rule]
    found = next(found for found in report["expectations"] if found["rule"] == rule)
    assert (found["unexpected_count"], found["examples"], found["observed_value"]) == (1, [example], observed)


def test_quarantined_cells_leave_a_gap_that_is_filled_or_stops(cells, series_source) -> None:
    data = put(10, "y", "?")(cells())
    with pytest.raises(UserError, match=r"gap: 1 days without a value \(2020-01-10\)"):
        series.validate(data, series_source, rules(non_numeric="quarantine"))
    outcome = series.validate(data, series_source, rules(non_numeric="quarantine", max_gap=1))
    assert broken(outcome.report) == ["non_numeric"]
    assert outcome.line == (
        "30 rows read: 29 accepted, 1 quarantined (1 non_numeric); 30 days, 2020-01-01 to 2020-01-30, 1 of them filled"
    )
    found = table()
    assert (found["y"][9], found["filled"][9], sum(found["filled"])) == (103.0, True, 1)
    assert pq.read_table(TARGET / "quarantine.parquet").to_pylist() == [
        {"row": 10, "ds": "2020-01-10", "y": "?", "reasons": ["non_numeric"]}
    ]


def test_a_quarantined_date_leaves_a_gap_too(cells, series_source) -> None:
    data = put(10, "ds", "2020-01-32")(cells())
    with pytest.raises(UserError, match="gap: 1 days"):
        series.validate(data, series_source, rules(bad_date="quarantine"))


def test_gaps_up_to_max_gap_are_filled_from_the_week_before_and_longer_ones_stop(
    cells, series_source
) -> None:
    data = without(12, 13, 14, 20, 21)(cells())
    outcome = series.validate(data, series_source, rules(max_gap=3))
    assert (outcome.report["accepted"], outcome.report["filled"], outcome.report["counts"]["days"]) == (
        25,
        5,
        30,
    )
    found = table()
    assert [found["y"][n] for n in (11, 12, 13, 19, 20)] == [
        105.0,
        106.0,
        107.0,
        106.0,  # of day 13, which is filled itself
        107.0,
    ]
    assert [n + 1 for n, filled in enumerate(found["filled"]) if filled] == [12, 13, 14, 20, 21]
    with pytest.raises(
        UserError, match=r"gap: 5 days without a value \(2020-01-12, 2020-01-13, 2020-01-14, \.\.\.\)"
    ):
        series.validate(data, series_source, rules(max_gap=2))


def test_a_gap_in_the_first_week_has_nothing_to_be_filled_from(cells, series_source) -> None:
    with pytest.raises(UserError, match=r"gap: 1 days without a value \(2020-01-03\)"):
        series.validate(without(3)(cells()), series_source, rules(max_gap=7))


def test_a_long_gap_counts_every_day(cells, series_source) -> None:
    with pytest.raises(
        UserError, match=r"gap: 12 days without a value \(2020-01-08, .*, \.\.\.\).*gaps of up to 7 days"
    ):
        series.validate(without(*range(8, 20))(cells()), series_source, rules(max_gap=7))


def test_start_and_end_cut_and_are_counted_apart(cells, series_source) -> None:
    data = put(2, "y", "not looked at")(cells())
    settings = rules(start="2020-01-05", end="2020-01-20")
    outcome = series.validate(data, series_source, settings)
    report = outcome.report
    assert (report["read"], report["accepted"], report["quarantined"], report["outside"]) == (30, 16, 0, 14)
    assert (report["counts"]["first"], report["counts"]["last"]) == ("2020-01-05", "2020-01-20")
    assert "14 outside" in outcome.line
    assert len(table()["ds"]) == 16


@pytest.mark.parametrize(("key", "day", "missing"), [("start", "2019-12-30", 2), ("end", "2020-02-02", 3)])
def test_days_asked_for_that_are_not_there_are_a_gap(key, day, missing, cells, series_source) -> None:
    with pytest.raises(UserError, match=f"gap: {missing} days without a value"):
        series.validate(cells(), series_source, rules(max_gap=9, **{key: day}))


def test_no_row_left(cells, series_source) -> None:
    with pytest.raises(UserError, match="no row is left of 30: 30 outside"):
        series.validate(cells(), series_source, rules(start="2021-01-01"))
    data = cells().assign(y="x")
    with pytest.raises(
        UserError, match=r"no row is left of 30: 0 outside quality\.series\.start to end, 30 quarantined"
    ):
        series.validate(data, series_source, rules(non_numeric="quarantine"))
    with pytest.raises(UserError, match="holds no row"):
        series.validate(cells().iloc[:0], series_source, rules())
    assert not TARGET.exists()


def test_a_wrong_format_breaks_bad_date_alone(cells, series_source) -> None:
    series_source["date_format"] = "%d/%m/%Y"
    with pytest.raises(
        UserError, match=r"bad_date: 30 rows .*the date fits %d/%m/%Y.*series.csv.date_format"
    ):
        series.validate(cells(), series_source, rules())
    assert broken(stopped_report()) == ["bad_date"]


@pytest.mark.parametrize("date_format", ["%Q", "mixed", "ISO8601"])
def test_a_format_that_cannot_be_used(date_format, cells, series_source) -> None:
    series_source["date_format"] = date_format
    with pytest.raises(UserError, match=r"series.csv.date_format: '.*' cannot be used"):
        series.validate(cells(), series_source, rules())


def test_thousands_marks(cells, series_source) -> None:
    series_source["thousands"] = ","
    data = put(1, "y", "1,234,567")(put(2, "y", "2,345.5")(put(3, "y", "4000")(cells())))
    series.validate(data, series_source, rules())
    assert table()["y"][:3] == [1234567.0, 2345.5, 4000.0]
    with pytest.raises(UserError, match="non_numeric: 1 rows"):  # a decimal comma is no thousands mark
        series.validate(put(4, "y", "12,34")(data), series_source, rules())


def test_a_duplicate_is_told_by_its_number_not_its_text(cells, series_source) -> None:
    series_source["thousands"] = ","
    data = added("2020-01-05", "1,000.0")(put(5, "y", "1000")(cells()))
    assert broken(series.validate(data, series_source, rules()).report) == ["exact_duplicate"]


def test_stop_leaves_what_stood_and_still_shows_the_docs(cells, series_source) -> None:
    series.validate(cells(), series_source, rules())
    before = files.digest_tree(TARGET)
    data = added("2020-01-31", "x")(added("2020-01-05", "99")(cells()))
    with pytest.raises(UserError, match="also broken: conflicting_date"):
        series.validate(data, series_source, rules())
    assert files.digest_tree(TARGET) == before
    assert not list(TARGET.parent.glob(".*"))
    rejected = Path("reports/data_docs/series/rejected.csv").read_text().splitlines()
    assert rejected == ["row,reasons", "row 31,conflicting_date", "row 32,non_numeric"]


def test_unsorted_can_stop(cells, series_source) -> None:
    with pytest.raises(UserError, match="unsorted: 1 rows"):
        series.validate(swapped(cells()), series_source, rules(unsorted="stop"))


def test_shuffled_rows_with_copies_come_out_in_order_and_balance(cells, series_source) -> None:
    data = cells(60)
    data = pd.concat([data, data.sample(15, random_state=0), data.sample(15, random_state=1)])
    data = data.sample(frac=1, random_state=2).assign(row=range(1, 91))
    outcome = series.validate(data, series_source, rules())
    report = outcome.report
    assert (report["read"], report["accepted"], report["quarantined"]) == (90, 60, 30)
    assert table()["y"] == [101.0 + n for n in range(60)]
    assert [line.split(":")[0] for line in outcome.warnings] == ["unsorted"]
    kept = set(range(1, 91)) - set(pq.read_table(TARGET / "quarantine.parquet")["row"].to_pylist())
    first_of_each = data.drop_duplicates("ds")["row"]
    assert kept == set(first_of_each)


def test_the_report_is_the_same_bytes_twice(cells, series_source) -> None:
    data = added("2020-01-05", "105")(cells())
    series.validate(data, series_source, rules())
    first = files.digest_tree(TARGET)
    series.validate(data, series_source, rules())
    assert files.digest_tree(TARGET) == first
    text = (TARGET / "report.json").read_text()
    assert str(Path.cwd()) not in text
    for word in ("run_time", "ge_load_time", "validation_id", '"id":', "batch_id", "fingerprint"):
        assert word not in text


def test_the_cta_file(real_docs, shared) -> None:
    from strokecast import params, paths
    from strokecast.sources import registry, tables

    file = (shared / "series/cta_2001_2021.csv").resolve()
    chosen = {
        "path": str(file), "date_column": "service_date", "date_format": "%m/%d/%Y", "value_column": "rail_boardings"
    }  # fmt: skip
    registry.download("series", params.parse({"series": {"source": "csv", "csv": chosen}}))
    raw = paths.RAW / "series"
    outcome = series.validate(tables.read_series(raw), tables.read_source(raw), rules())
    assert outcome.line == (
        "7,701 rows read: 7,639 accepted, 62 quarantined (62 exact_duplicate); "
        "7,639 days, 2001-01-01 to 2021-11-30"
    )
    assert broken(outcome.report) == ["exact_duplicate", "unsorted"]
    found = table()
    assert len(found["ds"]) == 7639
    assert np.all(np.diff(np.array(found["ds"], dtype="datetime64[D]")).astype(int) == 1)
    assert found["y"][:2] == [126455.0, 501952.0]
    months = {
        row["ds"][:2] + row["ds"][-4:] for row in pq.read_table(TARGET / "quarantine.parquet").to_pylist()
    }
    assert months == {"102011", "072014"}
