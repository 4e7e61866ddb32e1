"""Point metrics of forecasts against values computed by hand."""

import math

import numpy as np
import pytest

from strokecast.evaluation.forecast.metrics import (
    POINT_METRICS,
    absolute_error,
    point_metrics,
    seasonal_scale,
)
from strokecast.evaluation.forecast.results import NaiveScale

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
