"""Forecasts of raw series: what a forecaster accepts, and how it reports rows that are not valid."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import read_json
from strokecast.features.records.spec import ForecastSpec, upgrade
from strokecast.inference import conformal, networks
from strokecast.inference.forecasting import SeriesForecaster

Make = Callable[[str, str], Path]


def load(folder: Path) -> SeriesForecaster:
    return SeriesForecaster(folder, cast(ForecastSpec, upgrade(read_json(folder / "spec.json"))))


@pytest.fixture(scope="module")
def weekly(make_model: Make) -> SeriesForecaster:
    """Repeats the last week."""
    return load(make_model("forecast", "seasonal_naive_7"))


def table(n: int = 21, first: str = "2024-02-20") -> pd.DataFrame:
    return pd.DataFrame({"ds": pd.date_range(first, periods=n), "y": np.arange(n)})


def test_forecast_starts_the_day_after_the_last_row(weekly: SeriesForecaster) -> None:
    forecast = weekly.predict(table(10))
    assert forecast["ds"].dt.strftime("%m-%d").tolist() == [f"03-{day:02d}" for day in range(1, 8)]
    assert forecast["mean"].tolist() == [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    assert forecast.dtypes["mean"] == np.float64


@pytest.mark.parametrize(
    "convert",
    [
        lambda ds: ds.dt.strftime("%Y-%m-%d"),
        lambda ds: ds.dt.date,
        lambda ds: ds.astype("datetime64[s]"),
        lambda ds: ds.dt.strftime("%Y-%m-%d").astype(object),
    ],
    ids=["text", "dates", "seconds", "object text"],
)
def test_days_may_have_any_type(weekly: SeriesForecaster, convert: Any) -> None:
    frame = table()
    expected = weekly.predict(frame)
    pd.testing.assert_frame_equal(weekly.predict(frame.assign(ds=convert(frame["ds"]))), expected)


def test_only_the_last_days_count_and_the_index_does_not(weekly: SeriesForecaster) -> None:
    frame = table(30)
    frame.index = pd.Index(range(100, 130))
    expected = weekly.predict(table(30).tail(7))
    pd.testing.assert_frame_equal(weekly.predict(frame), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(index=4), "2024-02-24 is missing"),
        (lambda f: f.assign(y=[None, *range(20)]), "on 2024-02-20 is not a finite number"),
        (lambda f: f.drop(columns="y"), "no column 'y'"),
        (lambda f: f.drop(columns="ds"), "no column 'ds'"),
        (lambda f: f.head(6), "6 rows (2024-02-20 to 2024-02-25) are too few; allowed: at least 7 days"),
        (lambda f: f.head(0), "has no row"),
    ],
)
def test_invalid_rows_are_reported_in_one_line(weekly: SeriesForecaster, change: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        weekly.predict(change(table()))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_yearly_forecaster_needs_a_year_of_history(make_model: Make) -> None:
    yearly = load(make_model("forecast", "seasonal_naive_364"))
    with pytest.raises(UserError, match="at least 364 days"):
        yearly.predict(table(363))
    forecast = yearly.predict(table(364, "2021-01-01"))
    assert forecast["mean"].tolist() == [float(n) for n in range(7)]
    assert forecast["ds"][0].date() == datetime.date(2021, 12, 31)


def test_intervals_are_those_of_the_calibration(weekly: SeriesForecaster) -> None:
    forecast = weekly.predict(table(10))
    assert list(forecast.columns) == [
        "ds",
        "unique_id",
        "mean",
        *("lo-50", "hi-50", "lo-80", "hi-80", "lo-95", "hi-95"),
    ]
    assert set(forecast["unique_id"]) == {"births"}
    np.testing.assert_allclose(forecast["mean"] - forecast["lo-80"], 2.0)
    np.testing.assert_allclose(forecast["hi-95"] - forecast["mean"], 6.0)
    low = weekly.predict(table(7))  # 0, 1, 2, ...: counts are never negative
    assert low["lo-95"].tolist() == [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0]


def test_a_model_of_one_series_forecasts_one_of_any_name(weekly: SeriesForecaster) -> None:
    one, two = table(21).assign(unique_id="a"), table(14, "2023-05-01").assign(unique_id="b")
    assert set(weekly.predict(one)["unique_id"]) == {"a"}
    with pytest.raises(UserError, match=r"input: has 2 series \(a, b\), the model was trained on one"):
        weekly.predict(pd.concat([one, two]))
    with pytest.raises(UserError, match=r"input \(b\) column ds: 2023-05-06 is missing"):
        weekly.predict(two.drop(index=5))
    with pytest.raises(UserError, match="no unique_id on"):
        weekly.predict(one.assign(unique_id=[None, *one["unique_id"][1:]]))


def test_networks_read_scaled_values_and_forecast_in_the_series_own_unit(
    make_model: Make, specs: dict[str, Any]
) -> None:
    import keras

    folder = make_model("forecast", "linear")
    model, spec = load(folder), specs["forecast"]
    values = 100 + 10 * np.sin(np.arange(30.0))
    forecast = model.predict(pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=30), "y": values}))
    network = keras.models.load_model(folder / "model.keras", compile=False)
    weekdays = np.eye(7)[np.arange(37) % 7]  # 2024-01-01 was a Monday
    past = np.c_[(values[-14:] - 100) / 10, weekdays[16:30]].astype(np.float32)[None]
    inputs = {"past": past, "future": weekdays[None, 30:].astype(np.float32)}
    output = network({name: inputs[name] for name in networks.input_signature(network)}).numpy()
    levels = networks.quantile_levels(network)
    median = conformal.median(output[:, :, 0], levels)[0] if levels else output[0, :, 0]  # [H]
    np.testing.assert_allclose(forecast.iloc[:, 2], median * 10 + 100, rtol=1e-5)
    assert forecast["ds"].dt.day.tolist() == [31, *range(1, 7)]
    with pytest.raises(UserError, match=f"at least {spec['input_size']} days"):
        model.predict(pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=13), "y": range(13)}))


@pytest.mark.parametrize(
    "ids",
    [
        pd.Series([7.0] * 21),
        pd.Series([7, "7", 7.0] * 7, dtype=object),
        pd.Series([7] * 21).astype("category").cat.add_categories([8]),
    ],
    ids=["floats", "mixed", "category"],
)
def test_rows_of_one_id_are_one_series_whatever_its_type(weekly: SeriesForecaster, ids: pd.Series) -> None:
    forecast = weekly.predict(table().assign(unique_id=ids))
    assert forecast["unique_id"].tolist() == ["7"] * 7
    assert forecast["mean"].tolist() == weekly.predict(table())["mean"].tolist()
