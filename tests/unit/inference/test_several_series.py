"""Forecasts of global models, which learned several series."""

import json

import numpy as np
import pytest

from strokecast.inference import backtest, conformal, online_correction, stored_combination
from strokecast.params import ForecastRecipe
from strokecast.training import fitting
from strokecast.training.job import TrainingJob


@pytest.mark.parametrize("model", ["seasonal_naive_7", "ridge", "linear"])
def test_forecasts_do_not_depend_on_values_after_their_origin(several_series, model):
    spec = several_series.spec
    forecaster = backtest.load_forecaster(
        several_series.kinds[model], several_series.model_dir(model), spec, "here"
    )
    splits = ("train", "valid", "test")
    series = {
        name: backtest.load_series(several_series.processed, splits, name) for name in several_series.days
    }
    origin = series["bus"].starts["test"]
    day = series["bus"].days[origin]

    def forecast(name: str, shift: float) -> np.ndarray:
        days, y = series[name].days, series[name].columns["y"]
        shifted = np.where(days >= day, y + shift, y)
        changed = backtest.Series(days, {"y": shifted}, series[name].starts, name)
        return forecaster(changed, np.flatnonzero(days == day)).point

    for name, level in several_series.level.items():
        assert np.array_equal(forecast(name, 0.0), forecast(name, 1000.0))
        assert forecast(name, 0.0).mean() == pytest.approx(level, rel=0.5)  # in the unit of the series


def requests_of(several_series, count):
    """Each series, forecast at its last `count` origins; rail has one more."""
    for name in several_series.days:
        series = backtest.load_series(several_series.processed, ("train", "valid"), name)
        last = len(series.days) - 7
        yield series, np.arange(last - count - (name == "rail"), last)


@pytest.mark.parametrize("kind", ["network", "corrected", "combination", "rule"])
def test_a_forecaster_of_many_series_forecasts_each_as_if_it_were_alone(several_series, kind):
    spec = several_series.spec
    model = "seasonal_naive_7" if kind == "rule" else "linear"
    forecast = backtest.load_forecaster(
        several_series.kinds[model], several_series.model_dir(model), spec, "here"
    )
    if kind == "corrected":
        corrections = {name: online_correction.Correction(0.5, 14, "2020-05-01") for name in ("bus", "rail")}
        forecast = online_correction.correct(forecast, corrections, spec, 14)
    if kind == "combination":
        naive = backtest.load_forecaster("rule", several_series.model_dir("seasonal_naive_7"), spec, "here")
        weights = {"bus": {"a": 0.25, "b": 0.75}, "rail": {"b": 1.0}, "tram": {"a": 1.0}}
        forecast = stored_combination.forecaster({"a": [forecast, naive], "b": [naive]}, weights, ())
    requests = list(requests_of(several_series, 3))
    together = backtest.forecast_many(forecast, requests)
    for (series, origins), own in zip(requests, together, strict=True):
        alone = forecast(series, origins)
        assert own.point.shape == (len(origins), 7, 1)
        np.testing.assert_allclose(own.point, alone.point, rtol=1e-5)
        if own.quantiles is not None:
            np.testing.assert_allclose(own.quantiles, alone.quantiles, rtol=1e-5)
    assert (isinstance(forecast, backtest.BatchForecaster)) == (kind != "rule")


def test_each_series_has_its_own_intervals(several_series):
    folder = several_series.model_dir("ridge")
    widths = {name: conformal.load(folder, name).high[-1].mean() for name in several_series.days}
    assert widths["rail"] > 10 * widths["bus"] > 10 * widths["tram"]


@pytest.mark.parametrize("pool_series", [False, True])
def test_lightgbm_forecasts_quantiles_of_all_series_by_one_model_or_one_each(
    several_series, pool_series, tmp_path
):
    config = {
        "quantiles": [0.1, 0.5, 0.9],
        "pool_series": pool_series,
        "trees": 20,
        "leaves": 7,
        "rows": 1000,
    }
    job = TrainingJob.create("forecast", "lightgbm", 1, config, ForecastRecipe())
    fitting.fit_rule(job, several_series.processed, tmp_path)
    shared = json.loads((tmp_path / "model.json").read_text()).get("shared")
    if pool_series:
        assert (shared["series"], len(shared["boosters"])) == (list(several_series.days), 3)
    else:
        assert shared is None
    forecaster = backtest.load_forecaster("rule", tmp_path, several_series.spec, "here")
    for name in several_series.days:
        series = backtest.load_series(several_series.processed, ("train", "valid", "test"), name)
        origin = np.array([series.starts["test"]])
        forecast = forecaster(series, origin)
        actual = backtest.actuals(series, several_series.spec, origin)
        np.testing.assert_allclose(forecast.point, actual, rtol=0.15)  # in the unit of the series
        assert (np.diff(forecast.quantiles, axis=-1) >= 0).all()
        assert conformal.load(tmp_path, name).method == "cqr"
