"""Adaptive intervals of test forecasts: what they learn from, and what is kept of the static ones."""

import json

import numpy as np
import pytest

from strokecast.evaluation.common.trained_models import find_trained_models
from strokecast.evaluation.forecast.adaptation import adapt_intervals
from strokecast.evaluation.forecast.predictions import forecast_test_split
from strokecast.evaluation.forecast.probabilistic_metrics import forecast_metrics
from strokecast.features.timeseries import forecast as forecast_features
from strokecast.inference import conformal, networks, validation_forecasts
from strokecast.inference.validation_forecasts import ValidationForecasts
from strokecast.params import ForecastEvaluation, ForecastFeatures, ModelEntry

KEY = "seasonal_naive_7", 1
VALIDATION = np.arange(60, 84)  # positions of the origins
TEST = np.arange(90, 114)


@pytest.fixture
def evaluate(train, tmp_path, validated_series, series):
    """`evaluate(max_origins, intervals)`: the test days, and the forecasts of `seasonal_naive_7`."""
    settings = ForecastFeatures(input_size=14, horizon=7, lags=(), valid_from=0.5, test_from=0.75)
    processed = tmp_path / "processed"
    spec = forecast_features.preprocess(validated_series, processed, settings)
    folder = train("forecast", "seasonal_naive_7", kind="rule", dataset={"digest": spec["digest"]})
    model = {"task": "forecast", "name": "seasonal_naive_7", "config": {}, "specification": {}}
    (folder / "model.json").write_text(json.dumps(model))
    (folder / "spec.json").write_text(json.dumps(spec))
    days = VALIDATION[:, None] + np.arange(7)
    actual, point = series.values[days], series.values[days - 7]
    conformal.fit(actual, point).write(folder)
    first_days = np.datetime64("2018-01-01") + VALIDATION
    validation_forecasts.write(folder, {"": ValidationForecasts(first_days, actual, point)})

    def evaluate(max_origins=None, intervals="adaptive"):
        settings = ForecastEvaluation(max_origins=max_origins, intervals=intervals)
        models = find_trained_models("forecast", {"seasonal_naive_7": ModelEntry()}, tmp_path / "models")
        test, forecasts = forecast_test_split(models, processed, spec, settings)
        if intervals == "adaptive":
            forecasts = adapt_intervals(models, test, forecasts, spec)
        return test, forecasts[KEY]

    return evaluate


def test_static_intervals_stay_beside_adaptive_ones(evaluate):
    test, adaptive = evaluate()
    _, static = evaluate(intervals="static")
    np.testing.assert_array_equal(adaptive.static_low, static.low)
    np.testing.assert_array_equal(adaptive.static_high, static.high)
    assert (adaptive.low != static.low).any(axis=(0, 2)).all()
    everything = np.ones(test.actual.shape, bool)
    metrics, static_metrics = (
        forecast_metrics(test, forecasts, everything) for forecasts in (adaptive, static)
    )
    for name in ("crps", "coverage_80", "width_95", "mean_weighted_quantile_loss"):
        assert metrics[f"{name}_static"] == static_metrics[name]
        assert f"{name}_static" not in static_metrics
    assert (np.diff(adaptive.low, axis=0) <= 0).all()
    assert (adaptive.low <= adaptive.point).all()
    assert (adaptive.point <= adaptive.high).all()


def test_intervals_do_not_depend_on_the_number_of_evaluated_origins(evaluate):
    """Between them, the model forecasts every other day."""
    all_tests, every = evaluate()
    for max_origins in (1, 5):
        test, some = evaluate(max_origins)
        rows = np.searchsorted(all_tests.first_days, test.first_days)
        np.testing.assert_allclose(some.low, every.low[:, rows])
        np.testing.assert_allclose(some.high, every.high[:, rows])


def test_slow_models_learn_from_the_evaluated_origins_only(evaluate, monkeypatch):
    load = networks.load_statistical

    def load_slow(*arguments):
        model = load(*arguments)
        monkeypatch.setattr(type(model), "slow", True)
        return model

    monkeypatch.setattr(networks, "load_statistical", load_slow)
    _, few = evaluate(5)
    assert few.between == {}
    assert (few.low != few.static_low).any()
