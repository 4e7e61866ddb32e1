"""Days in, days out: what a forecaster takes, and what it says of rows that will not do."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.inference import predictor


@pytest.fixture
def week(make_model: Callable[[str, str], Path]) -> predictor.Predictor:
    return predictor.load(make_model("forecast", "seasonal_naive_7"))


def days(n: int = 21, first: str = "2024-02-20") -> pd.DataFrame:
    return pd.DataFrame({"ds": pd.date_range(first, periods=n), "y": np.arange(n)})


def test_forecast_starts_the_day_after_the_last_row(week: predictor.Predictor) -> None:
    made = week.predict(days(10))
    assert made["ds"].dt.strftime("%m-%d").tolist() == [f"03-{day:02d}" for day in range(1, 8)]
    assert made["mean"].tolist() == [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    assert made.dtypes["mean"] == np.float64


@pytest.mark.parametrize(
    "column",
    [
        lambda ds: ds.dt.strftime("%Y-%m-%d"),
        lambda ds: ds.dt.date,
        lambda ds: ds.astype("datetime64[s]"),
        lambda ds: ds.dt.strftime("%Y-%m-%d").astype(object),
    ],
    ids=["text", "dates", "seconds", "object text"],
)
def test_days_may_come_in_any_form(week: predictor.Predictor, column: Any) -> None:
    frame = days()
    expected = week.predict(frame)
    pd.testing.assert_frame_equal(week.predict(frame.assign(ds=column(frame["ds"]))), expected)


def test_only_the_newest_days_count_and_the_index_does_not(week: predictor.Predictor) -> None:
    frame = days(30)
    frame.index = pd.Index(range(100, 130))
    expected = week.predict(days(30).tail(7))
    pd.testing.assert_frame_equal(week.predict(frame), expected)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda f: f.drop(index=4), "2024-02-24 is missing"),
        (lambda f: f.loc[[0, 1, 2, 2, 3, 4, 5, 6]], "2024-02-22 is there twice"),
        (lambda f: f.loc[[0, 1, 3, 2, 4, 5, 6]], "2024-02-22 is missing"),
        (lambda f: f.iloc[::-1], "2024-03-10 comes after 2024-03-11"),
        (lambda f: f.assign(y=[None, *range(20)]), "on 2024-02-20 is no finite number"),
        (lambda f: f.assign(y=[*range(20), float("inf")]), "inf on 2024-03-11 is no finite number"),
        (lambda f: f.assign(y=[*map(str, range(20)), "many"]), "'many' on 2024-03-11 is no finite number"),
        (
            lambda f: f.assign(ds=[*f["ds"].dt.strftime("%Y-%m-%d")[:-1], "soon"]),
            "'soon' in row 20 is no day",
        ),
        (lambda f: f.assign(ds=f["ds"] + pd.Timedelta("1h")), "in row 0 is no day"),
        (lambda f: f.assign(ds=f["ds"].dt.tz_localize("UTC")), "time zone"),
        (lambda f: f.iloc[::7], "rows are 7 days apart (2024-02-27 follows 2024-02-20)"),
        (
            lambda f: f.assign(ds=pd.date_range("2024-02-20", periods=21, freq="h")),
            "2024-02-20 01:00:00 in row 1 is no day",
        ),
        (lambda f: f.drop(columns="y"), "no column 'y'"),
        (lambda f: f.drop(columns="ds"), "no column 'ds'"),
        (lambda f: f.head(6), "6 rows (2024-02-20 to 2024-02-25) are too few; allowed: at least 7 days"),
        (lambda f: f.head(0), "has no row"),
    ],
)
def test_rows_that_will_not_do_are_told_in_one_line(week: predictor.Predictor, spoil: Any, told: str) -> None:
    with pytest.raises(UserError) as caught:
        week.predict(spoil(days()))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"spec\.json: no such file"):
        predictor.load(tmp_path)


def test_rules_take_a_year_where_they_need_one(make_model: Callable[[str, str], Path]) -> None:
    year = predictor.load(make_model("forecast", "seasonal_naive_364"))
    with pytest.raises(UserError, match="at least 364 days"):
        year.predict(days(363))
    made = year.predict(days(364, "2021-01-01"))
    assert made["mean"].tolist() == [float(n) for n in range(7)]
    assert made["ds"][0].date() == datetime.date(2021, 12, 31)


def test_intervals_are_those_that_the_training_calibrated(week: predictor.Predictor) -> None:
    made = week.predict(days(10))
    assert list(made.columns) == [
        "ds",
        "unique_id",
        "mean",
        *("lo-50", "hi-50", "lo-80", "hi-80", "lo-95", "hi-95"),
    ]
    assert set(made["unique_id"]) == {"births"}
    np.testing.assert_allclose(made["mean"] - made["lo-80"], 2.0)
    np.testing.assert_allclose(made["hi-95"] - made["mean"], 6.0)
    low = week.predict(days(7))  # 0, 1, 2, ...: counts are never below 0
    assert low["lo-95"].tolist() == [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0]


def test_several_series_are_forecast_each_alone(week: predictor.Predictor) -> None:
    one, two = days(21).assign(unique_id="a"), days(14, "2023-05-01").assign(unique_id="b")
    mixed = pd.concat([one, two]).sort_values("ds", kind="stable")
    made = week.predict(mixed).set_index("unique_id")
    assert set(made.index) == {"a", "b"}
    for name, own in (("a", one), ("b", two)):
        pd.testing.assert_frame_equal(
            made.loc[[name]].reset_index()[week.predict(own).columns], week.predict(own)
        )
    with pytest.raises(UserError, match=r"input \(b\) column ds: 2023-05-06 is missing"):
        week.predict(pd.concat([one, two.drop(index=5)]))
    with pytest.raises(UserError, match="no unique_id on"):
        week.predict(mixed.assign(unique_id=[None, *mixed["unique_id"][1:]]))
