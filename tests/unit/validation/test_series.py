"""Every rule for series alone, what happens to rows and days, and the accounts."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.params import ForecastFeatures, SeriesQuality
from strokecast.validation.series import validate as series

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


def columns(**more: list[str]):
    def change(cells: pd.DataFrame) -> pd.DataFrame:
        return cells.assign(**more)

    return change


def letters(cells: pd.DataFrame) -> pd.DataFrame:
    days = pd.to_datetime(cells["ds"]).dt.day_of_week
    return cells.assign(day_type=["W" if day < 5 else "AU"[day - 5] for day in days])


def totals(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.assign(
        **{"part: y": cells["y"], "part: bus": "40"}, total=[str(int(y) + 40) for y in cells["y"]]
    )


def hourly(first: str, last: str, timezone: str | None = None) -> pd.DataFrame:
    """A row an hour, on the wall clock of the timezone; 1, 2, 3 ... an hour."""
    times = pd.date_range(first, last, freq="h", tz=timezone, inclusive="left").tz_localize(None)
    return pd.DataFrame(
        {
            "row": range(1, len(times) + 1),
            "ds": times.strftime("%Y-%m-%d %H:%M").tolist(),
            "y": [str(n + 1) for n in range(len(times))],
        }
    )


def daily(values: np.ndarray, first: str = "2020-01-01", date_format: str = "%Y-%m-%d") -> pd.DataFrame:
    days = pd.date_range(first, periods=len(values))
    text = [f"{value:.10g}" for value in values]
    return pd.DataFrame(
        {"row": range(1, len(days) + 1), "ds": days.strftime(date_format).tolist(), "y": text}
    )


def pattern(days: int) -> np.ndarray:
    """Values from 100 to 1000 that repeat after 364 days, and neither rise nor fall."""
    return 100.0 + 10 * (np.arange(days) * 37 % 91)


HOURLY = {"date_format": "%Y-%m-%d %H:%M", "aggregate": "sum"}
YEAR = 364
SHIFTED = np.where(np.arange(800) < 500, 1.0, 0.5) * pattern(800)
GROWN = 1.1 ** (np.arange(4 * YEAR) // YEAR) * pattern(4 * YEAR)
WIDER = 1000 + np.where(np.arange(4 * YEAR) < 3 * YEAR, 0.5, 1.0) * (pattern(4 * YEAR) - 550)
SPLITS = ForecastFeatures(valid_from=0.25, test_from=0.75)


@dataclass(frozen=True)
class Case:
    """One fault: the rule that it breaks, once; `base` is what it is put into (30 daily rows)."""

    change: Any
    example: str
    observed: Any
    base: Any = None
    count: int = 1
    source: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    splits: ForecastFeatures | None = None


def same(cells: pd.DataFrame) -> pd.DataFrame:
    return cells


CASES = {
    "bad_date": Case(put(10, "ds", "2020-13-10"), "row 10: '2020-13-10'", 1),
    "ambiguous_date": Case(
        same,
        "all dates fit %d/%m/%Y and %m/%d/%Y",
        1,
        base=lambda: daily(np.arange(12) + 5.0, date_format="%d/%m/%Y"),
        source={"date_format": "%d/%m/%Y"},
    ),
    "non_numeric": Case(put(10, "y", "12x"), "row 10: 2020-01-10 '12x'", 1),
    "thousands_mark": Case(put(10, "y", "1,234"), "row 10: 2020-01-10 '1,234', mark ','", 1),
    "exact_duplicate": Case(added("2020-01-05", "105"), "row 31: 2020-01-05 '105'", 1),
    "conflicting_date": Case(
        added("2020-01-05", "99"), "2020-01-05 has '105' in row 5 and '99' in row 31", 1
    ),
    "negative": Case(put(10, "y", "-0.5"), "row 10: 2020-01-10 '-0.5'", -0.5),
    "future_date": Case(same, "row 30: 2020-01-30 '130'", 1, settings={"today": "2020-01-29"}),
    "total_mismatch": Case(
        lambda cells: put(10, "total", "155")(totals(cells)), "row 10: 2020-01-10 off by 5", 5
    ),
    "day_type": Case(
        lambda cells: put(11, "day_type", "W")(letters(cells)), "row 11: 2020-01-11 'W' on a Saturday", 1
    ),
    "unsorted": Case(swapped, "row 11: 2020-01-10 '110'", -1),
    "frequency": Case(lambda cells: cells.iloc[::7], "rides: 7 days from row to row", 7),
    "zero_run": Case(
        lambda cells: cells.assign(
            y=["0" if 10 <= n <= 13 else y for n, y in zip(cells["row"], cells["y"], strict=True)]
        ),
        "2020-01-10: 0",
        4,
        count=4,
    ),
    "constant_run": Case(
        lambda cells: cells.assign(
            y=["9" if 10 <= n <= 14 else y for n, y in zip(cells["row"], cells["y"], strict=True)]
        ),
        "2020-01-10: 9",
        5,
        count=5,
    ),
    "outlier": Case(
        put(30, "y", "900"),
        "2020-01-30: 900, Thursdays around it 137",
        pytest.approx(763 / (21 * 1.4826)),
        base=lambda: daily(101.0 + np.arange(60)),
    ),
    "short_day": Case(
        without(268),
        "2020-01-12: 23 timestamps, 96%",
        23 / 24,
        base=lambda: hourly("2020-01-01", "2020-01-16"),
        source=HOURLY,
    ),
    "dst_day": Case(
        same,
        "2020-03-29: 23 timestamps, clock moved by 1 h",
        1,
        base=lambda: hourly("2020-03-25", "2020-04-02", "Europe/Berlin"),
        source=HOURLY | {"timezone": "Europe/Berlin"},
    ),
    "gap": Case(without(10), "2020-01-10", 1),
    "level_shift": Case(
        same,
        "2021-05-15 to 2022-03-10: 0.50 times the year before",
        pytest.approx(2),
        base=lambda: daily(SHIFTED),
    ),
    "split_shift": Case(
        same,
        "2022-12-28 to 2023-12-26: 1.33 times the same days of the last year of train (test)",
        pytest.approx(1.331),
        base=lambda: daily(GROWN),
        settings={"drift": "warn", "drift_distance": 1.0},
        splits=SPLITS,
    ),
    "drift": Case(
        same,
        "value of test against train: distance 0.2",
        pytest.approx(0.42, abs=0.01),  # that of its change over a week
        base=lambda: daily(WIDER),
        count=2,
        settings={"drift_distance": 0.2},
        splits=SPLITS,
    ),
}


def test_every_rule_with_an_action_has_a_case() -> None:
    fields = SeriesQuality.model_fields
    actions = {name for name, found in fields.items() if found.default in ("stop", "quarantine", "warn")}
    assert set(CASES) == actions
    assert set(fields) - actions == {
        "start", "end", "today", "max_gap", "zero_days", "constant_days", "outlier_mads", "level_ratio",
        "drift_alpha", "drift_distance",
    }  # fmt: skip


def test_a_clean_series_breaks_no_rule(cells, series_source) -> None:
    outcome = series.validate(totals(letters(cells())), series_source, rules())
    assert broken(outcome.report) == outcome.warnings == []
    assert sorted(found["rule"] for found in outcome.report["expectations"]) == sorted(CASES)
    assert outcome.line == "30 rows read: 30 accepted, 0 quarantined; 30 days, 2020-01-01 to 2020-01-30"
    assert outcome.report["name"] == outcome.report["unit"] == "rides"
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=n) for n in range(30)]
    found = table()
    assert found.pop("day_type")[:6] == ["W", "W", "W", "A", "U", "W"]
    assert found == {
        "ds": days,
        "y": [101.0 + n for n in range(30)],
        "filled": [False] * 30,
        "rows": [1] * 30,
    }


@pytest.mark.parametrize(
    ("base", "source", "splits"),
    [
        (lambda: daily(pattern(4 * YEAR)), {}, SPLITS),
        (lambda: daily(pattern(800)), {}, None),
        (lambda: hourly("2020-01-01", "2020-01-09"), HOURLY, None),
        (lambda: hourly("2020-01-01", "2020-01-09", "Europe/Berlin"), HOURLY | {"timezone": "Europe/Berlin"}, None),
        (lambda: daily(np.arange(13) + 5.0, date_format="%d/%m/%Y"), {"date_format": "auto"}, None),
    ],
)  # fmt: skip
def test_longer_and_finer_series_without_a_fault_break_no_rule(base, source, splits, series_source) -> None:
    outcome = series.validate(base(), series_source | source, rules(), forecast=splits)
    assert broken(outcome.report) == outcome.warnings == []


@pytest.mark.parametrize("rule", CASES)
def test_one_fault_breaks_exactly_its_rule(rule: str, cells, series_source) -> None:
    case = CASES[rule]
    data = case.change(case.base() if case.base else cells())
    source, settings = series_source | case.source, rules(**case.settings)
    if getattr(settings, rule) == "stop":
        with pytest.raises(UserError, match=f"^data/raw/series/series.csv: {rule}: {case.count} ") as caught:
            series.validate(data, source, settings, forecast=case.splits)
        assert case.example in str(caught.value)
        assert "\n" not in str(caught.value)
        report = stopped_report()
        assert not TARGET.exists()
    else:
        report = series.validate(data, source, settings, forecast=case.splits).report
    assert broken(report) == [rule]
    found = next(found for found in report["expectations"] if found["rule"] == rule)
    assert (found["unexpected_count"], found["observed_value"]) == (case.count, case.observed)
    assert found["examples"][0].startswith(case.example)
    assert len(found["examples"]) == case.count
    assert report["read"] == len(data)


@pytest.mark.parametrize(
    "rule", [name for name in CASES if "quarantine" in str(SeriesQuality.model_fields[name].annotation)]
)
def test_what_is_quarantined_balances_and_leaves_a_gap_or_is_filled(rule: str, cells, series_source) -> None:
    case = CASES[rule]
    data = case.change(case.base() if case.base else cells())
    settings = rules(**case.settings | {rule: "quarantine", "max_gap": 7})
    report = series.validate(data, series_source | case.source, settings).report
    assert broken(report) == [rule]
    aside = pq.read_table(TARGET / "quarantine.parquet").to_pylist()
    assert len(aside) == report["quarantined"] >= case.count
    assert all(row["reasons"] == [rule] for row in aside)
    assert report["read"] == len(data) == report["accepted"] + report["quarantined"]
    found = table()
    assert sum(found["rows"]) == report["accepted"]
    assert sum(found["filled"]) == report["filled"] == found["rows"].count(0)


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
    from strokecast import params
    from strokecast.common import paths
    from strokecast.sources import registry, tables
    from strokecast.sources.formats import source_json

    file = (shared / "series/cta_2001_2021.csv").resolve()
    chosen = {
        "path": str(file), "date_column": "service_date", "date_format": "%m/%d/%Y", "value_column": "rail_boardings"
    }  # fmt: skip
    registry.download("series", params.parse({"series": {"source": "csv", "csv": chosen}}))
    raw = paths.RAW / "series"
    outcome = series.validate(tables.read_series(raw), source_json.read(raw, "series"), rules())
    assert outcome.line == (
        "7,701 rows read: 7,639 accepted, 62 quarantined (62 exact_duplicate); "
        "7,639 days, 2001-01-01 to 2021-11-30"
    )
    assert broken(outcome.report) == ["exact_duplicate", "unsorted", "outlier", "level_shift"]
    found = table()
    assert len(found["ds"]) == 7639
    assert np.all(np.diff(np.array(found["ds"], dtype="datetime64[D]")).astype(int) == 1)
    assert found["y"][:2] == [126455.0, 501952.0]
    months = {
        row["ds"][:2] + row["ds"][-4:] for row in pq.read_table(TARGET / "quarantine.parquet").to_pylist()
    }
    assert months == {"102011", "072014"}
