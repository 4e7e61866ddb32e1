"""Whole ways through: exports merged, timestamps made into days, several series, a reference."""

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
from strokecast.validation.series import validate as series

TARGET = Path("data/validated/series")


def run(section: dict[str, Any], **quality: Any) -> series.Outcome:
    settings = params.parse({"series": section, "quality": {"series": quality}})
    registry.download("series", settings)
    raw = paths.RAW / "series"
    return series.validate(
        tables.read_series(raw), source_json.read(raw, "series"), settings.quality.series, forecast=settings.features.forecast
    )  # fmt: skip


def of_csv(**options: Any) -> dict[str, Any]:
    return {"source": "csv", "csv": {"path": "my.csv", **options}}


def write(frame: pd.DataFrame) -> None:
    frame.to_csv("my.csv", index=False)


def broken(outcome: series.Outcome) -> dict[str, dict[str, Any]]:
    return {found["rule"]: found for found in outcome.report["expectations"] if not found["success"]}


def whole() -> dict[str, list[Any]]:
    return pq.read_table(TARGET / "series.parquet").to_pydict()


def test_the_old_and_the_new_cta_export_merged(shared: Path) -> None:
    names = ("cta_2001_2021.csv", "cta_export_2025.csv")
    exports = [str((shared / "series" / name).resolve()) for name in names]
    outcome = run({"source": "cta", "cta": {"files": exports, "column": "rail_boardings"}})
    # 62 rows that the old export holds twice, and the 640 days that both exports hold.
    assert outcome.line == (
        "9,680 rows read: 8,978 accepted, 702 quarantined (702 exact_duplicate); "
        "8,978 days, 2001-01-01 to 2025-07-31"
    )
    days = np.array(whole()["ds"], dtype="datetime64[D]")
    assert (np.diff(days).astype(int) == 1).all()
    assert len(days) == (np.datetime64("2025-07-31") - np.datetime64("2001-01-01")).astype(int) + 1
    found = broken(outcome)
    assert set(found) == {"exact_duplicate", "unsorted", "outlier", "level_shift", "split_shift", "drift"}
    assert found["level_shift"]["examples"][0] == "2020-03-13 to 2021-03-16: 0.21 times the year before"
    assert any(line.startswith("level_shift: ") and "2020-03-13" in line for line in outcome.warnings)
    assert found["split_shift"]["examples"][0].endswith("(valid)")
    letters = whole()["day_type"]
    assert {letter: letters.count(letter) for letter in "WAU"} == {"W": 6271, "A": 1278, "U": 1429}
    one = pd.read_csv(exports[0]).drop_duplicates("service_date")["rail_boardings"].sum()
    other = pd.read_csv(exports[1], thousands=",")
    later = other[pd.to_datetime(other["service_date"], format="%m/%d/%Y") > "2021-11-30"]
    assert sum(whole()["y"]) == one + later["rail_boardings"].sum()


def test_auckland(shared: Path) -> None:
    file = str((shared / "series/auckland_45_queen_st_2019_2025.csv").resolve())
    section = {"path": file, "date_column": "date", "value_column": "value", "date_format": "auto"}
    outcome = run({"source": "csv", "csv": section})
    assert (
        outcome.line == "2,557 rows read: 2,557 accepted, 0 quarantined; 2,557 days, 2019-01-01 to 2025-12-31"
    )
    assert {"outlier", "level_shift"} <= set(broken(outcome))


@pytest.mark.parametrize(("years", "days"), [("2000-2014", 5479), ("1969-1988", 7305)])
def test_births_lack_nothing(years: str, days: int) -> None:
    outcome = run({"births": {"years": years}})
    assert (outcome.report["read"], outcome.report["accepted"], outcome.report["counts"]["days"]) == (
        days,
    ) * 3
    assert "level_shift" not in broken(outcome)


def quarter_hours(first: str, last: str, timezone: str) -> pd.DataFrame:
    """UTC timestamps with one count each; the local days of `timezone` add up to what a loop says."""
    times = pd.date_range(first, last, freq="15min", tz="UTC", inclusive="left")
    values = np.random.default_rng(0).integers(0, 50, len(times))
    return pd.DataFrame(
        {"ds": times.strftime("%Y-%m-%dT%H:%M:%S+0000"), "y": values, "day": times.tz_convert(timezone).date}
    )


@pytest.mark.parametrize("how", ["sum", "mean"])
def test_timestamps_become_local_days_before_any_check(how: str) -> None:
    made = quarter_hours("2021-03-25 03:00", "2021-04-02 17:00", "Europe/Berlin")
    write(made)
    outcome = run(of_csv(date_format="auto", aggregate=how, timezone="Europe/Berlin"))
    expected = made.groupby("day")["y"].agg(how).iloc[1:-1]
    found = whole()
    assert found["ds"] == expected.index.tolist()
    assert found["y"] == pytest.approx(expected.tolist())
    assert found["rows"] == [96, 96, 92, 96, 96, 96, 96]  # 2021-03-28 has 23 hours
    report = outcome.report
    partial = int((made["day"] == made["day"].iloc[0]).sum() + (made["day"] == made["day"].iloc[-1]).sum())
    assert (report["read"], report["accepted"], report["partial"]) == (len(made), 668, partial)
    assert f", {partial} in partial first and last days; 7 days, 2021-03-26 to 2021-04-01" in outcome.line
    assert set(broken(outcome)) == {"dst_day"}
    assert outcome.warnings == [
        "dst_day: 1 days (2021-03-28: 92 timestamps, clock moved by 1 h); expected: a local day has 24 hours"
    ]


def test_whole_first_and_last_days_are_kept() -> None:
    write(quarter_hours("2021-03-25", "2021-03-28", "UTC"))
    report = run(of_csv(date_format="auto", aggregate="sum", timezone="UTC")).report
    assert (report["partial"], report["counts"]["days"]) == (0, 3)


def test_the_same_timestamp_twice_is_a_duplicate_not_a_sum() -> None:
    made = quarter_hours("2021-03-25", "2021-03-28", "UTC")
    write(pd.concat([made, made.iloc[[50]]]))
    report = run(of_csv(date_format="auto", aggregate="sum", timezone="UTC")).report
    assert (report["accepted"], report["quarantined"]) == (288, 1)
    assert sum(whole()["y"]) == made["y"].sum()


def several(**odd: str) -> pd.DataFrame:
    days = pd.date_range("2021-03-01", periods=30).strftime("%Y-%m-%d")
    frames = [
        pd.DataFrame({"shop": name, "ds": days, "y": (100 * at + np.arange(30)).astype(str)})
        for at, name in enumerate(("Nord", "Süd", "West"), 1)
    ]
    frame = pd.concat(frames, ignore_index=True)
    for at, value in odd.items():
        frame.loc[int(at[1:]), "y"] = value
    return frame


def test_all_series_are_kept_and_the_chosen_one_goes_on() -> None:
    write(several())
    outcome = run(of_csv(id_column="shop", unique_id="Süd"))
    assert outcome.line == (
        "90 rows read: 90 accepted, 0 quarantined; 30 days of my: Süd, one of 3 series, 2021-03-01 to 2021-03-30"
    )
    assert whole()["y"] == [200.0 + n for n in range(30)]
    everything = pq.read_table(TARGET / "all.parquet").to_pandas()
    assert everything.groupby("unique_id")["y"].sum().tolist() == [3435.0, 6435.0, 9435.0]
    assert list(outcome.report["series"]) == ["Nord", "Süd", "West"]
    assert outcome.report["name"] == "my: Süd"


def test_faults_are_told_with_their_series_and_balance() -> None:
    write(several(n40="closed"))
    with pytest.raises(UserError, match=r"non_numeric: 1 rows \(row 41 of Süd: 2021-03-11 'closed'\)"):
        run(of_csv(id_column="shop", unique_id="Nord"))
    outcome = run(of_csv(id_column="shop", unique_id="Nord"), non_numeric="quarantine", max_gap=1)
    report = outcome.report
    assert (report["read"], report["accepted"], report["quarantined"], report["filled"]) == (90, 89, 1, 0)
    assert report["series"]["Süd"]["filled"] == 1
    (aside,) = pq.read_table(TARGET / "quarantine.parquet").to_pylist()
    assert (aside["row"], aside["unique_id"], aside["reasons"]) == (41, "Süd", ["non_numeric"])
    assert pq.read_table(TARGET / "all.parquet").to_pandas().query("unique_id == 'Süd'")["rows"].sum() == 29


def test_one_series_with_an_id_needs_no_choice() -> None:
    write(several().query("shop == 'West'"))
    assert run(of_csv(id_column="shop")).report["counts"]["days"] == 30
    assert not (TARGET / "all.parquet").exists()


def test_new_data_are_compared_with_a_reference_and_the_report_has_no_time() -> None:
    run({"births": {"years": "1969-1988"}})
    Path("old.json").write_bytes((TARGET / "report.json").read_bytes())
    settings = params.parse({})
    registry.download("series", settings)
    raw = paths.RAW / "series"

    def again() -> dict[str, Any]:
        return series.validate(
            tables.read_series(raw), source_json.read(raw, "series"), settings.quality.series, reference="old.json"
        ).report

    report = again()
    (comparison,) = report["drift"]["comparisons"]
    assert (comparison["a"], comparison["b"]) == ("US births 1969-1988 (old.json)", "all rows")
    moved = {row["feature"]: row["drifted"] for row in comparison["features"]}
    assert moved["value"] is True
    before = files.digest_tree(TARGET)
    again()
    assert files.digest_tree(TARGET) == before
    with pytest.raises(UserError, match=r"quality.reference: no such file 'gone.json'"):
        series.validate(
            tables.read_series(raw), source_json.read(raw, "series"), settings.quality.series, reference="gone.json"
        )
