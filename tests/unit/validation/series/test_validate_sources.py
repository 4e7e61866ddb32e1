"""From download to validation: merged exports, timestamps, several series, and a reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from strokecast import params
from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.sources import registry, tables
from strokecast.sources.formats import source_json
from strokecast.validation.rules import ValidationOutcome
from strokecast.validation.series.source import SeriesSource
from strokecast.validation.series.validate import validate_series

TARGET = Path("data/validated/series")


def download(section: dict[str, Any], quality: dict[str, Any]) -> params.Params:
    settings = params.parse({"series": section, "quality": {"series": quality}})
    registry.download("series", settings)
    return settings


def validate_raw(settings: params.Params, **options: Any) -> ValidationOutcome:
    raw = paths.RAW / "series"
    source = SeriesSource.from_json(source_json.read(raw, "series"))
    return validate_series(tables.read_series(raw), source, settings.quality.series, **options)


def run(section: dict[str, Any], **quality: Any) -> ValidationOutcome:
    settings = download(section, quality)
    return validate_raw(settings, forecast=settings.features.forecast)


def csv_section(**options: Any) -> dict[str, Any]:
    return {"source": "csv", "csv": {"path": "my.csv", **options}}


def write_csv(frame: pd.DataFrame) -> None:
    frame.to_csv("my.csv", index=False)


def failed_rules(outcome: ValidationOutcome) -> dict[str, dict[str, Any]]:
    return {rule["rule"]: rule for rule in outcome.report["expectations"] if not rule["success"]}


def accepted_days() -> dict[str, list[Any]]:
    return pq.read_table(TARGET / "series.parquet").to_pydict()


@pytest.mark.slow
def test_the_cta_file(real_docs, shared: Path) -> None:
    file = str((shared / "series/cta_2001_2021.csv").resolve())
    options = {
        "path": file,
        "date_column": "service_date",
        "date_format": "%m/%d/%Y",
        "value_column": "rail_boardings",
    }
    outcome = validate_raw(download({"source": "csv", "csv": options}, {}))
    assert outcome.line == (
        "7,701 rows read: 7,639 accepted, 62 quarantined (62 exact_duplicate); "
        "7,639 days, 2001-01-01 to 2021-11-30"
    )
    assert list(failed_rules(outcome)) == ["exact_duplicate", "unsorted", "outlier", "level_shift"]
    series = accepted_days()
    assert len(series["ds"]) == 7639
    assert np.all(np.diff(np.array(series["ds"], dtype="datetime64[D]")).astype(int) == 1)
    assert series["y"][:2] == [126455.0, 501952.0]
    months = {
        row["ds"][:2] + row["ds"][-4:] for row in pq.read_table(TARGET / "quarantine.parquet").to_pylist()
    }
    assert months == {"102011", "072014"}


@pytest.mark.slow
def test_two_cta_exports_are_merged(shared: Path) -> None:
    names = ("cta_2001_2021.csv", "cta_export_2025.csv")
    exports = [str((shared / "series" / name).resolve()) for name in names]
    outcome = run({"source": "cta", "cta": {"files": exports, "column": "rail_boardings"}})
    # 62 rows occur twice in the old export, and 640 days are in both exports.
    assert outcome.line == (
        "9,680 rows read: 8,978 accepted, 702 quarantined (702 exact_duplicate); "
        "8,978 days, 2001-01-01 to 2025-07-31"
    )
    series = accepted_days()
    days = np.array(series["ds"], dtype="datetime64[D]")
    assert (np.diff(days).astype(int) == 1).all()
    assert len(days) == (np.datetime64("2025-07-31") - np.datetime64("2001-01-01")).astype(int) + 1
    failed = failed_rules(outcome)
    assert set(failed) == {"exact_duplicate", "unsorted", "outlier", "level_shift", "split_shift", "drift"}
    assert failed["level_shift"]["examples"][0] == "2020-03-13 to 2021-03-16: 0.21 times the year before"
    assert any(line.startswith("level_shift: ") and "2020-03-13" in line for line in outcome.warnings)
    assert failed["split_shift"]["examples"][0].endswith("(valid)")
    day_types = series["day_type"]
    assert {letter: day_types.count(letter) for letter in "WAU"} == {"W": 6271, "A": 1278, "U": 1429}
    old_total = pd.read_csv(exports[0]).drop_duplicates("service_date")["rail_boardings"].sum()
    new = pd.read_csv(exports[1], thousands=",")
    new = new[pd.to_datetime(new["service_date"], format="%m/%d/%Y") > "2021-11-30"]
    assert sum(series["y"]) == old_total + new["rail_boardings"].sum()


@pytest.mark.slow
def test_the_auckland_file(shared: Path) -> None:
    file = str((shared / "series/auckland_45_queen_st_2019_2025.csv").resolve())
    section = {"path": file, "date_column": "date", "value_column": "value", "date_format": "auto"}
    outcome = run({"source": "csv", "csv": section})
    assert (
        outcome.line == "2,557 rows read: 2,557 accepted, 0 quarantined; 2,557 days, 2019-01-01 to 2025-12-31"
    )
    assert {"outlier", "level_shift"} <= set(failed_rules(outcome))


@pytest.mark.parametrize(("years", "days"), [("2000-2014", 5479), ("1969-1988", 7305)])
def test_births_are_accepted_in_full(years: str, days: int) -> None:
    outcome = run({"births": {"years": years}})
    report = outcome.report
    assert (report["read"], report["accepted"], report["counts"]["days"]) == (days, days, days)
    assert "level_shift" not in failed_rules(outcome)


def quarter_hours(first: str, last: str, timezone: str) -> pd.DataFrame:
    """UTC timestamps with one value each, and their local day in `timezone`."""
    times = pd.date_range(first, last, freq="15min", tz="UTC", inclusive="left")
    values = np.random.default_rng(0).integers(0, 50, len(times))
    return pd.DataFrame(
        {"ds": times.strftime("%Y-%m-%dT%H:%M:%S+0000"), "y": values, "day": times.tz_convert(timezone).date}
    )


@pytest.mark.parametrize("aggregate", ["sum", "mean"])
def test_timestamps_are_aggregated_to_local_days_before_days_are_checked(aggregate: str) -> None:
    rows = quarter_hours("2021-03-25 03:00", "2021-04-02 17:00", "Europe/Berlin")
    write_csv(rows)
    outcome = run(csv_section(date_format="auto", aggregate=aggregate, timezone="Europe/Berlin"))
    expected = rows.groupby("day")["y"].agg(aggregate).iloc[1:-1]
    series = accepted_days()
    assert series["ds"] == expected.index.tolist()
    assert series["y"] == pytest.approx(expected.tolist())
    assert series["rows"] == [96, 96, 92, 96, 96, 96, 96]  # 2021-03-28 has 23 hours
    report = outcome.report
    n_partial = int((rows["day"] == rows["day"].iloc[0]).sum() + (rows["day"] == rows["day"].iloc[-1]).sum())
    assert (report["read"], report["accepted"], report["quarantined"]) == (len(rows), 668, n_partial)
    assert (
        f", {n_partial} quarantined ({n_partial} partial_day); 7 days, 2021-03-26 to 2021-04-01; "
        in outcome.line
    )
    assert "left out: 2021-03-25: timestamps from 04:00 to 23:45, 2021-04-02: timestamps from" in outcome.line
    assert "(quality.series.partial_day: stop, quarantine, warn)" in outcome.line
    assert set(failed_rules(outcome)) == {"dst_day", "partial_day"}
    assert outcome.warnings == [
        "dst_day: 1 days (2021-03-28: 92 timestamps, clock change of 1 h); expected: the local day has 24 hours; "
        "quality.series.dst_day is warn, choose one of stop, warn"
    ]


@pytest.mark.slow
def test_complete_first_and_last_days_are_kept() -> None:
    write_csv(quarter_hours("2021-03-25", "2021-03-28", "UTC"))
    report = run(csv_section(date_format="auto", aggregate="sum", timezone="UTC")).report
    assert (report["quarantined"], report["counts"]["days"]) == (0, 3)


def test_a_repeated_timestamp_is_a_duplicate_and_not_added_to_the_sum() -> None:
    rows = quarter_hours("2021-03-25", "2021-03-28", "UTC")
    write_csv(pd.concat([rows, rows.iloc[[50]]]))
    report = run(csv_section(date_format="auto", aggregate="sum", timezone="UTC")).report
    assert (report["accepted"], report["quarantined"]) == (288, 1)
    assert sum(accepted_days()["y"]) == rows["y"].sum()


def three_series() -> pd.DataFrame:
    days = pd.date_range("2021-03-01", periods=30).strftime("%Y-%m-%d")
    frames = [
        pd.DataFrame({"shop": name, "ds": days, "y": (100 * number + np.arange(30)).astype(str)})
        for number, name in enumerate(("Nord", "Süd", "West"), 1)
    ]
    return pd.concat(frames, ignore_index=True)


@pytest.mark.slow
def test_all_series_are_written_and_the_chosen_one_is_the_series_to_forecast() -> None:
    write_csv(three_series())
    outcome = run(csv_section(id_column="shop", unique_id="Süd"))
    assert outcome.line == (
        "90 rows read: 90 accepted, 0 quarantined; 30 days of my: Süd, one of 3 series, 2021-03-01 to 2021-03-30"
    )
    assert accepted_days()["y"] == [200.0 + n for n in range(30)]
    all_series = pq.read_table(TARGET / "all.parquet").to_pandas()
    assert all_series.groupby("unique_id")["y"].sum().tolist() == [3435.0, 6435.0, 9435.0]
    assert list(outcome.report["series"]) == ["Nord", "Süd", "West"]
    assert outcome.report["name"] == "my: Süd"


def test_faults_are_reported_with_their_series_and_add_up() -> None:
    rows = three_series()
    rows.loc[40, "y"] = "closed"
    write_csv(rows)
    with pytest.raises(UserError, match=r"non_numeric: 1 rows \(row 41 of Süd: 2021-03-11 'closed'\)"):
        run(csv_section(id_column="shop", unique_id="Nord"))
    outcome = run(csv_section(id_column="shop", unique_id="Nord"), non_numeric="quarantine", max_gap=1)
    report = outcome.report
    assert (report["read"], report["accepted"], report["quarantined"], report["filled"]) == (90, 89, 1, 0)
    assert report["series"]["Süd"]["filled"] == 1
    (row,) = pq.read_table(TARGET / "quarantine.parquet").to_pylist()
    assert (row["row"], row["unique_id"], row["reasons"]) == (41, "Süd", ["non_numeric"])
    assert pq.read_table(TARGET / "all.parquet").to_pandas().query("unique_id == 'Süd'")["rows"].sum() == 29


def test_a_single_series_with_an_id_needs_no_choice() -> None:
    write_csv(three_series().query("shop == 'West'"))
    assert run(csv_section(id_column="shop")).report["counts"]["days"] == 30
    assert not (TARGET / "all.parquet").exists()


@pytest.mark.slow
def test_new_data_is_compared_with_a_reference_and_the_report_has_no_timestamp() -> None:
    run({"births": {"years": "1969-1988"}})
    Path("old.json").write_bytes((TARGET / "report.json").read_bytes())
    settings = params.parse({})
    registry.download("series", settings)
    (comparison,) = validate_raw(settings, reference="old.json").report["drift"]["comparisons"]
    assert (comparison["a"], comparison["b"]) == ("US births 1969-1988 (old.json)", "all rows")
    drifted = {row["feature"]: row["drifted"] for row in comparison["features"]}
    assert drifted["value"] is True
    before = files.digest_tree(TARGET)
    validate_raw(settings, reference="old.json")
    assert files.digest_tree(TARGET) == before
    with pytest.raises(UserError, match=r"quality.reference: no such file 'gone.json'"):
        validate_raw(settings, reference="gone.json")
