"""Point metrics of forecasts against values computed by hand."""

import math

import numpy as np
import pytest

from strokecast.evaluation.forecast.metrics import (
    POINT_METRICS,
    absolute_error,
    point_metrics,
    seasonal_scale,
    seasonal_scale_of_histories,
)
from strokecast.evaluation.forecast.results import NaiveScale
from strokecast.features.timeseries import origins
from strokecast.sources.series import births

ACTUAL = np.array([[10.0, 20.0], [0.0, 40.0]])
FORECAST = np.array([[12.0, 20.0], [0.0, 32.0]])


def test_metrics_by_hand():
    metrics = point_metrics(ACTUAL, FORECAST, NaiveScale(5.0, 34.0))
    assert metrics["mae"] == 2.5  # 2, 0, 0, 8
    assert metrics["rmse"] == pytest.approx(math.sqrt((4 + 64) / 4))
    assert metrics["mase"] == 0.5
    assert metrics["rmsse"] == pytest.approx(math.sqrt(17 / 34))
    assert metrics["bias"] == -1.5
    assert metrics["smape"] == pytest.approx((200 * 2 / 22 + 200 * 8 / 72) / 4)
    assert metrics["wape"] == pytest.approx(100 * 10 / 70)
    assert list(metrics) == list(POINT_METRICS)
    assert math.isnan(point_metrics(np.zeros((1, 1)), np.ones((1, 1)), NaiveScale(1, 1))["wape"])
    assert absolute_error(ACTUAL, FORECAST).tolist() == [1.0, 4.0]


def test_the_seasonal_naive_forecast_has_an_in_sample_mase_of_1():
    train = np.random.default_rng(2).normal(100, 20, 300)
    metrics = point_metrics(train[7:, None], train[:-7, None], seasonal_scale(train))
    assert metrics["mase"] == pytest.approx(1.0)
    assert metrics["rmsse"] == pytest.approx(1.0)


def test_a_scale_of_histories_is_that_of_the_days_before_each_origin():
    values = np.random.default_rng(4).normal(100, 20, 60)
    scale = seasonal_scale_of_histories(values, np.array([5, 20, 60]), 5)
    assert np.isnan(scale.absolute[0])
    for row, stop in ((1, 20), (2, 60)):
        expected = seasonal_scale(values[:stop], 5)
        assert scale.absolute[row] == pytest.approx(expected.absolute)
        assert scale.squared[row] == pytest.approx(expected.squared)
    per_day = NaiveScale(np.array([1.0, 4.0]), np.array([1.0, 9.0])).at(np.ones((2, 2), bool))
    metrics = point_metrics(ACTUAL.ravel(), FORECAST.ravel(), per_day)
    assert metrics["mase"] == (2 + 0 + 0 + 8 / 4) / 4
    assert metrics["rmsse"] == pytest.approx(math.sqrt((4 + 64 / 9) / 4))


def test_the_windows_of_gift_eval_and_its_naive_forecast():
    """The benchmark's own figures for the task us_births/D/short: MAE 1266.88, MASE 1.86484."""
    values = np.asarray(births.values("1969-1988"), np.float64)
    positions = origins.back_to_back(6690, len(values), 100, 30)
    assert (len(positions), str(np.datetime64("1969-01-01") + positions[0])) == (20, "1987-05-12")
    actual = values[positions[:, None] + np.arange(30)]
    naive = np.repeat(values[positions - 1], 30)
    scale = seasonal_scale_of_histories(values, positions, 1).at(np.ones(actual.shape, bool))
    metrics = point_metrics(actual.ravel(), naive, scale)
    assert metrics["mae"] == pytest.approx(1266.88, abs=0.005)
    assert metrics["mase"] == pytest.approx(1.86484, abs=5e-6)


@pytest.mark.parametrize("train", [np.arange(7.0), np.tile(np.arange(7.0), 10)])
def test_mase_is_undefined_without_a_scale(train):
    scale = seasonal_scale(train)
    assert math.isnan(scale.absolute)
    assert math.isnan(scale.squared)
    metrics = point_metrics(ACTUAL, FORECAST, scale)
    assert math.isnan(metrics["mase"])
    assert math.isnan(metrics["rmsse"])


def test_smape_has_its_maximum_for_a_wrong_sign():
    assert point_metrics(np.array([[5.0]]), np.array([[-5.0]]), NaiveScale(1.0, 1.0))["smape"] == 200
