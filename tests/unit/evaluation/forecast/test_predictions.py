"""Forecasts of statistical models and networks at the same origins of the test split."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.evaluation.common.trained_models import find_trained_models
from strokecast.evaluation.forecast import predictions
from strokecast.evaluation.forecast.predictions import forecast_test_split
from strokecast.features.timeseries import forecast as forecast_features
from strokecast.inference import backtest, conformal, online_correction
from strokecast.inference.forecasting import SeriesForecaster
from strokecast.params import ForecastEvaluation, ForecastFeatures, ModelEntry

DAYS = 120
MARGINS = np.array([[10.0], [20.0], [40.0]]) + np.arange(7)  # of the intervals [L, H]


@pytest.fixture
def processed_series(tmp_path, validated_series):
    """The series as `preprocess@forecast` writes it, and the spec."""
    settings = ForecastFeatures(input_size=14, horizon=7, lags=(), valid_from=0.5, test_from=0.75)
    return tmp_path / "processed", forecast_features.preprocess(
        validated_series, tmp_path / "processed", settings
    )


def origins_every(step_size, max_origins=None):
    return ForecastEvaluation(step_size=step_size, max_origins=max_origins)


def write_calibration(folder, method="absolute"):
    conformal.Calibration(method, conformal.LEVELS, MARGINS, 2 * MARGINS, 25).write(folder)
    return folder


def write_statistical(train, name, spec):
    folder = write_calibration(train("forecast", name, kind="rule", dataset={"digest": spec["digest"]}))
    model = {"task": "forecast", "name": name, "config": {}, "specification": {}}
    (folder / "model.json").write_text(json.dumps(model))
    (folder / "spec.json").write_text(json.dumps(spec))
    return folder


def test_a_statistical_model_forecasts_at_every_origin_of_the_test_days(
    train, tmp_path, processed_series, series
):
    processed, spec = processed_series
    write_statistical(train, "seasonal_naive_7", spec)
    models = find_trained_models("forecast", {"seasonal_naive_7": ModelEntry()}, tmp_path / "models")
    test, forecasts = forecast_test_split(models, processed, spec, origins_every(4))
    origins = np.arange(90, DAYS - 7 + 1, 4)
    ahead = np.arange(7)
    assert (test.first_days == np.datetime64("2018-01-01") + origins).all()
    assert test.possible_origins == len(origins)
    assert test.actual == pytest.approx(series.values[origins[:, None] + ahead])
    forecast = forecasts["seasonal_naive_7", 1]
    assert forecast.point == pytest.approx(series.values[origins[:, None] + ahead - 7])
    assert test.scale.absolute == pytest.approx(np.abs(series.values[7:60] - series.values[:53]).mean())
    assert len(test.days) == len(test.values) == 30
    assert forecast.point - forecast.low == pytest.approx(
        np.broadcast_to(MARGINS[:, None], forecast.low.shape)
    )
    assert forecast.high - forecast.point == pytest.approx(
        np.broadcast_to(2 * MARGINS[:, None], forecast.low.shape)
    )
    assert (forecast.levels, forecast.calibration_origins, forecast.unattainable_levels) == (
        conformal.LEVELS,
        25,
        [],
    )


def test_max_origins_limits_the_origins(train, tmp_path, processed_series):
    processed, spec = processed_series
    write_statistical(train, "seasonal_naive_7", spec)
    models = find_trained_models("forecast", {"seasonal_naive_7": ModelEntry()}, tmp_path / "models")
    all_origins, _ = forecast_test_split(models, processed, spec, origins_every(1))
    test, forecasts = forecast_test_split(models, processed, spec, origins_every(1, 5))
    assert (
        (test.possible_origins, len(test.first_days))
        == (24, 5)
        == (len(all_origins.first_days), len(test.actual))
    )
    assert set(test.first_days) <= set(all_origins.first_days)
    assert forecasts["seasonal_naive_7", 1].point.shape == (5, 7)


def test_holidays_are_those_of_the_country_and_extra_targets_are_kept(
    train, tmp_path, validated_series, series
):
    table = pq.read_table(validated_series / "series.parquet")
    table = table.append_column("bus", pa.array(2 * series.values[:DAYS]))
    pq.write_table(table, validated_series / "series.parquet")
    settings = ForecastFeatures(
        input_size=14,
        horizon=7,
        lags=(),
        valid_from=0.5,
        test_from="2018-03-20",
        targets=("y", "bus"),
        holiday_country="US",
    )
    processed = tmp_path / "processed"
    spec = forecast_features.preprocess(validated_series, processed, settings)
    write_statistical(train, "seasonal_naive_7", spec)
    models = find_trained_models("forecast", {"seasonal_naive_7": ModelEntry()}, tmp_path / "models")
    test, forecasts = forecast_test_split(models, processed, spec, origins_every(1))
    assert test.holidays.sum() == 0  # the United States have none from 20 March to 30 April
    assert list(test.extra_targets) == ["bus"]
    assert test.extra_targets["bus"] == pytest.approx(2 * test.actual)
    assert forecasts["seasonal_naive_7", 1].extra_targets == {}
    loaded = backtest.load_series(processed, ("train", "valid", "test"))
    flags = predictions._holidays(loaded, spec, np.arange(14, 100))
    days = loaded.days[np.arange(14, 100)[:, None] + np.arange(7)][flags]
    assert set(days.astype(str)) == {
        "2018-01-15",
        "2018-02-19",
    }  # Martin Luther King Day, Washington's Birthday


def test_a_model_that_needs_more_history_is_named(train, tmp_path, processed_series):
    processed, spec = processed_series
    write_statistical(train, "seasonal_naive_364", spec)
    models = find_trained_models("forecast", {"seasonal_naive_364": ModelEntry()}, tmp_path / "models")
    with pytest.raises(
        UserError, match=r"seasonal_naive_364: needs 364 days of history.*2018-04-01\) has 90"
    ):
        forecast_test_split(models, processed, spec, origins_every(1))


def quantile_network(spec):
    """A network that repeats last week, with symmetric quantiles."""
    import keras

    from strokecast.models.layers.horizon import QUANTILES, Quantiles

    past = keras.Input((14, len(spec["channels"])), name="past")
    week = past[:, 7:, :1]  # [B, H, D]
    zeros = keras.ops.repeat(week[..., None] * 0, 7, axis=-1)
    return keras.Model({"past": past}, Quantiles(conformal.QUANTILES, name=QUANTILES)(zeros, week))


def test_a_network_that_copies_last_week_equals_the_seasonal_naive_model(train, tmp_path, processed_series):
    processed, spec = processed_series
    write_statistical(train, "seasonal_naive_7", spec)
    folder = write_calibration(
        train("forecast", "linear", dataset={"digest": spec["digest"]}, parameters=None), "cqr"
    )
    quantile_network(spec).save(folder / "model.keras")
    models = find_trained_models(
        "forecast", {"linear": ModelEntry(), "seasonal_naive_7": ModelEntry()}, tmp_path / "models"
    )
    _, forecasts = forecast_test_split(models, processed, spec, origins_every(3))
    network, naive = forecasts["linear", 1], forecasts["seasonal_naive_7", 1]
    assert network.point == pytest.approx(naive.point, rel=1e-5)
    assert network.quantile_levels == conformal.QUANTILES
    widths = network.quantiles[..., ::-1] - network.quantiles  # 97.5 % minus 2.5 %, 90 - 10, 75 - 25
    for row, place in enumerate((2, 1, 0)):  # 50, 80, 95 %
        width = network.high[row] - network.low[row]
        assert width == pytest.approx(widths[..., place] + 3 * MARGINS[row], rel=1e-4)


def test_a_corrected_model_forecasts_alike_in_evaluation_and_serving(
    train, tmp_path, processed_series, series
):
    processed, spec = processed_series
    folder = write_statistical(train, "seasonal_naive_7", spec)
    correction = online_correction.Correction(0.5, 7, spec["splits"]["valid"]["first"])
    online_correction.write(folder, {"": correction})
    models = find_trained_models("forecast", {"seasonal_naive_7": ModelEntry()}, tmp_path / "models")
    settings = origins_every(4).model_copy(update={"intervals": "static"})
    _, forecasts = forecast_test_split(models, processed, spec, settings)
    point = forecasts["seasonal_naive_7", 1].point
    origin = 90 + 4 * (len(point) - 1)
    changes = series.values[7:] - series.values[:-7]  # errors of the seasonal naive forecast, from day 7 on
    shift = (
        0.5 * changes[origin - 14 : origin - 7].mean()
    )  # the last 7 days before the origin, for every day ahead
    assert point[-1] == pytest.approx(series.values[origin - 7 : origin] + shift)
    (folder / "config.json").write_text(json.dumps({"name": "seasonal_naive_7"}))
    server = SeriesForecaster(folder, spec)
    assert server.min_history == backtest.uncorrected_min_history(folder, spec) + 7 + 6
    recent = slice(origin - server.min_history, origin)
    days = pd.DataFrame({"ds": series.days[recent], "y": series.values[recent]})
    assert server.forecast(days)["mean"].to_numpy() == pytest.approx(point[-1])


def test_a_calibration_of_another_method_is_named(train, tmp_path, processed_series):
    processed, spec = processed_series
    folder = write_calibration(
        train("forecast", "linear", dataset={"digest": spec["digest"]}, parameters=None), "absolute"
    )
    quantile_network(spec).save(folder / "model.keras")
    models = find_trained_models("forecast", {"linear": ModelEntry()}, tmp_path / "models")
    with pytest.raises(UserError, match=r"calibration\.json: calibration method 'absolute'"):
        forecast_test_split(models, processed, spec, origins_every(3))
    (folder / "calibration.json").unlink()
    with pytest.raises(UserError, match=r"calibration\.json: no such file"):
        forecast_test_split(models, processed, spec, origins_every(3))
