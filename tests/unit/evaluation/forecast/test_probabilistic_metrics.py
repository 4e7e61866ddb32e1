"""CRPS, coverage and width against values computed by hand."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from strokecast.evaluation.forecast import probabilistic_metrics
from strokecast.evaluation.forecast.probabilistic_metrics import (
    crps,
    forecast_metrics,
    interpolate_quantiles,
    mean_weighted_quantile_loss,
    pinball_loss,
)
from strokecast.evaluation.forecast.results import Backtest, Forecasts, NaiveScale
from strokecast.inference import conformal


def test_crps_by_hand():
    """Pinball 0.1 * 2, 0.5 * 1, 0.1 * 1 of the first day; 0.9 * 1, 0.5 * 3, 0.1 * 5 of the second."""
    actual = np.array([5.0, 2.0])
    quantiles = np.array([[3.0, 4.0, 6.0], [3.0, 5.0, 7.0]])
    levels = (0.1, 0.5, 0.9)
    assert pinball_loss(actual, quantiles, levels) == pytest.approx(
        np.array([[0.2, 0.5, 0.1], [0.9, 1.5, 0.5]])
    )
    means = (0.55, 1.0, 0.3)  # over both days; the levels are weighted by 0 to 0.3, 0.3 to 0.7, 0.7 to 1
    expected = 2 * (0.3 * means[0] + 0.4 * means[1] + 0.3 * means[2])
    assert crps(actual, quantiles, levels) == pytest.approx(expected)
    even = (0.25, 0.75)  # evenly spaced: twice the plain mean
    assert crps(actual[:1], np.array([[3.0, 6.0]]), even) == pytest.approx(2 * (0.25 * 2 + 0.25 * 1) / 2)


def test_crps_of_a_point_is_its_absolute_error():
    assert crps(np.array([5.0]), np.array([[8.0]]), (0.5,)) == 3.0


def test_crps_of_many_quantiles_is_that_of_the_normal_distribution():
    """CRPS of N(0, 1) at y = 0 is 2 phi(0) - 1 / sqrt(pi) (Gneiting & Raftery 2007)."""
    levels = (np.arange(2000) + 0.5) / 2000
    quantiles = np.array([[NormalDist().inv_cdf(level) for level in levels]])
    exact = 2 / math.sqrt(2 * math.pi) - 1 / math.sqrt(math.pi)
    assert crps(np.zeros(1), quantiles, levels) == pytest.approx(exact, rel=1e-3)


def test_crps_of_seven_quantiles_of_the_true_distribution_is_within_three_percent():
    """Its expectation over y from N(0, 1) is 1 / sqrt(pi)."""
    actual = np.array([NormalDist().inv_cdf((i + 0.5) / 4000) for i in range(4000)])
    quantiles = np.tile([NormalDist().inv_cdf(level) for level in conformal.QUANTILES], (4000, 1))
    value = crps(actual, quantiles, conformal.QUANTILES)
    assert value == pytest.approx(1 / math.sqrt(math.pi), rel=0.035)


def test_mean_weighted_quantile_loss_by_hand():
    """Pinball sums of the two days of the first test, over |5| + |2|."""
    actual, quantiles = np.array([5.0, 2.0]), np.array([[3.0, 4.0, 6.0], [3.0, 5.0, 7.0]])
    sums = (1.1, 2.0, 0.6)
    value = mean_weighted_quantile_loss(actual, quantiles, (0.1, 0.5, 0.9))
    assert value == pytest.approx(2 * sum(sums) / 3 / 7)
    assert math.isnan(mean_weighted_quantile_loss(0 * actual, quantiles, (0.1, 0.5, 0.9)))


def test_quantiles_between_and_beyond_levels_are_those_of_a_normal_distribution():
    normal = NormalDist(10, 3)
    levels, wanted = (0.025, 0.25, 0.5, 0.9), (0.01, 0.1, 0.25, 0.4, 0.95)
    known = np.array([[normal.inv_cdf(level) for level in levels]])
    expected = [normal.inv_cdf(level) for level in wanted]
    assert interpolate_quantiles(known, levels, wanted)[0] == pytest.approx(expected)
    skewed = interpolate_quantiles(np.array([[0.0, 1.0, 5.0]]), (0.1, 0.5, 0.9), (0.1, 0.3, 0.5, 0.9))
    assert skewed[0, [0, 2, 3]].tolist() == [0, 1, 5]
    assert 0.4 < skewed[0, 1] < 0.6


@pytest.fixture
def backtest():
    actual = np.array([[0.0, 10.0], [4.0, 9.0], [5.0, 30.0], [6.0, 0.0]])
    point = np.full((4, 2), 5.0)
    half_widths = np.array([1.0, 5.0, 10.0])[:, None, None]
    quantiles = point[..., None] + np.array([-1.0, 0.0, 4.0])
    forecasts = Forecasts(
        point, point - half_widths, point + half_widths, conformal.LEVELS, quantiles, (0.1, 0.5, 0.9)
    )
    first = np.datetime64("2020-01-01") + np.arange(4)
    return Backtest("y", "", "made", first, actual[:, 0], first, actual, NaiveScale(2.0, 8.0)), forecasts


def test_coverage_and_width_by_hand(backtest):
    test, forecasts = backtest
    metrics = forecast_metrics(test, forecasts, np.ones((4, 2), bool))
    # ends included: 4, 5, 6 in 4 to 6; all but 30 in 0 to 10 and in -5 to 15
    assert (metrics["coverage_50"], metrics["coverage_80"], metrics["coverage_95"]) == (3 / 8, 7 / 8, 7 / 8)
    assert (metrics["width_50"], metrics["width_80"], metrics["width_95"]) == (2.0, 10.0, 20.0)
    # before calibration: 4 to 9 contains 4, 9, 5 and 6; only the ends of 80 % are among its levels
    assert (metrics["coverage_80_raw"], metrics["width_80_raw"]) == (0.5, 5.0)
    assert not [key for key in metrics if key.startswith(("coverage_50_raw", "coverage_95_raw"))]
    assert set(metrics) <= set(probabilistic_metrics.COLUMNS)
    first = forecast_metrics(test, forecasts, np.arange(2) < np.ones((4, 1)))
    assert first["coverage_50"] == 3 / 4
    assert first["mae"] == (5 + 1 + 0 + 1) / 4


def test_crps_is_of_the_calibrated_quantiles_and_crps_raw_of_the_networks_own(backtest):
    test, forecasts = backtest
    metrics = forecast_metrics(test, forecasts, np.ones((4, 2), bool))
    values = test.actual.ravel()
    calibrated = np.tile([-5.0, 0, 4, 5, 6, 10, 15], (8, 1))
    assert metrics["crps"] == pytest.approx(crps(values, calibrated, conformal.QUANTILES))
    raw = np.tile([4.0, 5, 9], (8, 1))
    assert metrics["crps_raw"] == pytest.approx(crps(values, raw, (0.1, 0.5, 0.9)))
    plain = Forecasts(forecasts.point, forecasts.low, forecasts.high, forecasts.levels)
    assert not [k for k in forecast_metrics(test, plain, np.ones((4, 2), bool)) if "raw" in k]
