"""Every rule for series: one fault fails exactly that rule."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.models.common import registry
from strokecast.params import ForecastFeatures, SeriesQuality
from strokecast.validation.series.rules import LEVEL_REMEDY
from strokecast.validation.series.validate import validate_series

TARGET = Path("data/validated/series")


def quality(**changes: Any) -> SeriesQuality:
    return SeriesQuality.model_validate(changes)


def failed_rules(report: dict[str, Any]) -> list[str]:
    return [rule["rule"] for rule in report["expectations"] if not rule["success"]]


def accepted_days() -> dict[str, list[Any]]:
    return pq.read_table(TARGET / "series.parquet").to_pydict()


def set_cell(row: int, column: str, value: str):
    def change(cells: pd.DataFrame) -> pd.DataFrame:
        cells.loc[cells["row"] == row, column] = value
        return cells

    return change


def append_row(ds: str, y: str):
    def change(cells: pd.DataFrame) -> pd.DataFrame:
        return pd.concat(
            [cells, pd.DataFrame({"row": [len(cells) + 1], "ds": [ds], "y": [y]})], ignore_index=True
        )

    return change


def drop_rows(*rows: int):
    def change(cells: pd.DataFrame) -> pd.DataFrame:
        return cells[~cells["row"].isin(rows)]

    return change


def repeat_value(value: str, first: int, last: int):
    def change(cells: pd.DataFrame) -> pd.DataFrame:
        return cells.assign(y=cells["y"].where(~cells["row"].between(first, last), value))

    return change


def swap_two_rows(cells: pd.DataFrame) -> pd.DataFrame:
    order = [*range(9), 10, 9, *range(11, len(cells))]
    return cells.iloc[order].assign(row=range(1, len(cells) + 1))


def add_day_types(cells: pd.DataFrame) -> pd.DataFrame:
    days = pd.to_datetime(cells["ds"]).dt.day_of_week
    return cells.assign(day_type=["W" if day < 5 else "AU"[day - 5] for day in days])


def add_totals(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.assign(
        **{"part: y": cells["y"], "part: bus": "40"}, total=[str(int(y) + 40) for y in cells["y"]]
    )


def unchanged(cells: pd.DataFrame) -> pd.DataFrame:
    return cells


def hourly(first: str, last: str, timezone: str | None = None) -> pd.DataFrame:
    """One row per hour in local time, with values 1, 2, 3 ..."""
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


def stationary(n_days: int) -> np.ndarray:
    """Values from 100 to 1000 with a period of 364 days and no trend."""
    return 100.0 + 10 * (np.arange(n_days) * 37 % 91)


HOURLY = {"date_format": "%Y-%m-%d %H:%M", "aggregate": "sum"}
YEAR = 364
SHIFTED = np.where(np.arange(800) < 500, 1.0, 0.5) * stationary(800)
GROWING = 1.1 ** (np.arange(4 * YEAR) // YEAR) * stationary(4 * YEAR)
WIDENING = 1000 + np.where(np.arange(4 * YEAR) < 3 * YEAR, 0.5, 1.0) * (stationary(4 * YEAR) - 550)
SPLITS = ForecastFeatures(valid_from=0.25, test_from=0.75)


@dataclass(frozen=True)
class Case:
    """One fault, and the failure that it causes.

    Attributes:
        change: introduces the fault.
        example: start of the first example in the report.
        observed: observed value in the report.
        base: the data without the fault; default: 30 daily rows.
        count: number of failing rows.
        source: changes of the source's facts.
        settings: changes of `quality.series`.
        splits: `features.forecast`.
    """

    change: Any
    example: str
    observed: Any
    base: Any = None
    count: int = 1
    source: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    splits: ForecastFeatures | None = None


CASES = {
    "bad_date": Case(set_cell(10, "ds", "2020-13-10"), "row 10: '2020-13-10'", 1),
    "ambiguous_date": Case(
        unchanged,
        "all dates match %d/%m/%Y and %m/%d/%Y",
        1,
        base=lambda: daily(np.arange(12) + 5.0, date_format="%d/%m/%Y"),
        source={"date_format": "%d/%m/%Y"},
    ),
    "non_numeric": Case(set_cell(10, "y", "12x"), "row 10: 2020-01-10 '12x'", 1),
    "thousands_mark": Case(set_cell(10, "y", "1,234"), "row 10: 2020-01-10 '1,234', separator ','", 1),
    "exact_duplicate": Case(append_row("2020-01-05", "105"), "row 31: 2020-01-05 '105'", 1),
    "conflicting_date": Case(
        append_row("2020-01-05", "99"), "2020-01-05 has '105' in row 5 and '99' in row 31", 1
    ),
    "negative": Case(set_cell(10, "y", "-0.5"), "row 10: 2020-01-10 '-0.5'", -0.5),
    "future_date": Case(unchanged, "row 30: 2020-01-30 '130'", 1, settings={"today": "2020-01-29"}),
    "total_mismatch": Case(
        lambda cells: set_cell(10, "total", "155")(add_totals(cells)), "row 10: 2020-01-10 off by 5", 5
    ),
    "day_type": Case(
        lambda cells: set_cell(11, "day_type", "W")(add_day_types(cells)),
        "row 11: 2020-01-11 'W' on a Saturday",
        1,
    ),
    "unsorted": Case(swap_two_rows, "row 11: 2020-01-10 '110'", -1),
    "frequency": Case(lambda cells: cells.iloc[::7], "rides: 7 days between rows", 7),
    "zero_run": Case(repeat_value("0", 10, 13), "2020-01-10: 0", 4, count=4),
    "constant_run": Case(repeat_value("9", 10, 14), "2020-01-10: 9", 5, count=5),
    "outlier": Case(
        set_cell(30, "y", "900"),
        "2020-01-30: 900, median of Thursdays 137",
        pytest.approx(763 / (21 * 1.4826)),
        base=lambda: daily(101.0 + np.arange(60)),
    ),
    "short_day": Case(
        drop_rows(268),
        "2020-01-12: 23 timestamps, 96%",
        23 / 24,
        base=lambda: hourly("2020-01-01", "2020-01-16"),
        source=HOURLY,
    ),
    "dst_day": Case(
        unchanged,
        "2020-03-29: 23 timestamps, clock change of 1 h",
        1,
        base=lambda: hourly("2020-03-25", "2020-04-02", "Europe/Berlin"),
        source=HOURLY | {"timezone": "Europe/Berlin"},
    ),
    "partial_day": Case(
        set_cell(60, "y", "20"),
        "2020-02-29: 20, 16 % of its weekday's median 125",
        1,
        base=lambda: daily(101.0 + np.arange(60)),
    ),
    "gap": Case(drop_rows(10), "2020-01-10", 1),
    "level_shift": Case(
        unchanged,
        "2021-05-15 to 2022-03-10: 0.50 times the year before",
        pytest.approx(2),
        base=lambda: daily(SHIFTED),
    ),
    "split_shift": Case(
        unchanged,
        "2022-12-28 to 2023-12-26: 1.33 times the same days of the last year of train (test)",
        pytest.approx(1.331),
        base=lambda: daily(GROWING),
        settings={"drift": "warn", "drift_distance": 1.0},
        splits=SPLITS,
    ),
    "drift": Case(
        unchanged,
        "value of test against train: distance 0.2",
        pytest.approx(0.42, abs=0.01),  # of the change over a week
        base=lambda: daily(WIDENING),
        count=2,
        settings={"drift_distance": 0.2},
        splits=SPLITS,
    ),
}


def test_every_rule_with_an_action_has_a_case() -> None:
    fields = SeriesQuality.model_fields
    actions = {
        name for name, info in fields.items() if info.default in ("auto", "stop", "quarantine", "warn")
    }
    assert set(CASES) == actions
    assert set(fields) - actions == {
        "start", "end", "today", "max_gap", "partial_share", "zero_days", "constant_days", "outlier_mads", "level_ratio",
        "drift_alpha", "drift_distance",
    }  # fmt: skip


def test_a_valid_series_passes_every_rule(cells, series_source) -> None:
    outcome = validate_series(add_totals(add_day_types(cells())), series_source, quality())
    assert failed_rules(outcome.report) == outcome.warnings == []
    assert sorted(rule["rule"] for rule in outcome.report["expectations"]) == sorted(CASES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("base", "source", "splits"),
    [
        (lambda: daily(stationary(4 * YEAR)), {}, SPLITS),
        (lambda: daily(stationary(800)), {}, None),
        (lambda: hourly("2020-01-01", "2020-01-09"), HOURLY, None),
        (lambda: hourly("2020-01-01", "2020-01-09", "Europe/Berlin"), HOURLY | {"timezone": "Europe/Berlin"}, None),
        (lambda: daily(np.arange(13) + 5.0, date_format="%d/%m/%Y"), {"date_format": "auto"}, None),
    ],
)  # fmt: skip
def test_longer_and_hourly_valid_series_pass_every_rule(base, source, splits, series_source) -> None:
    outcome = validate_series(base(), replace(series_source, **source), quality(), forecast=splits)
    assert failed_rules(outcome.report) == outcome.warnings == []


@pytest.mark.parametrize(
    "rule", [pytest.param(rule, marks=pytest.mark.slow if at % 3 else ()) for at, rule in enumerate(CASES)]
)
def test_one_fault_fails_exactly_its_rule(rule: str, cells, series_source) -> None:
    case = CASES[rule]
    data = case.change(case.base() if case.base else cells())
    source, settings = replace(series_source, **case.source), quality(**case.settings)
    if getattr(settings, rule) == "stop":
        with pytest.raises(UserError, match=f"^data/raw/series/series.csv: {rule}: {case.count} ") as caught:
            validate_series(data, source, settings, forecast=case.splits)
        assert case.example in str(caught.value)
        others = [
            action for action in get_args(SeriesQuality.model_fields[rule].annotation) if action != "stop"
        ]
        assert not others or f"set quality.series.{rule} to {' or '.join(others)}" in str(caught.value)
        assert "\n" not in str(caught.value)
        report = json.loads(Path("reports/data_docs/series/report.json").read_text())
        assert not TARGET.exists()
    else:
        report = validate_series(data, source, settings, forecast=case.splits).report
    assert failed_rules(report) == [rule]
    entry = next(entry for entry in report["expectations"] if entry["rule"] == rule)
    assert (entry["unexpected_count"], entry["observed_value"]) == (case.count, case.observed)
    assert entry["examples"][0].startswith(case.example)
    assert len(entry["examples"]) == case.count
    assert report["read"] == len(data)


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule", [name for name in CASES if "quarantine" in str(SeriesQuality.model_fields[name].annotation)]
)
def test_quarantined_rows_add_up_and_their_days_are_filled(rule: str, cells, series_source) -> None:
    case = CASES[rule]
    data = case.change(case.base() if case.base else cells())
    settings = quality(**case.settings | {rule: "quarantine", "max_gap": 7})
    report = validate_series(data, replace(series_source, **case.source), settings).report
    assert failed_rules(report) == [rule]
    quarantine = pq.read_table(TARGET / "quarantine.parquet").to_pylist()
    assert len(quarantine) == report["quarantined"] >= case.count
    assert all(row["reasons"] == [rule] for row in quarantine)
    assert report["read"] == len(data) == report["accepted"] + report["quarantined"]
    days = accepted_days()
    assert sum(days["rows"]) == report["accepted"]
    assert sum(days["filled"]) == report["filled"] == days["rows"].count(0)


def test_the_remedy_for_a_level_that_moves_names_values_that_exist_and_are_not_the_default() -> None:
    for key, models in (("residual", ["gru", "linear"]), ("level", ["lightgbm", "calendar_ridge"])):
        [value] = re.findall(rf"`{key}: (\w+)`", LEVEL_REMEDY)
        for name in models:
            default = getattr(registry.config("forecast", name, {}), key)
            assert getattr(registry.config("forecast", name, {key: value}), key) == value != default
