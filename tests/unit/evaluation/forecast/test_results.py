"""The test days with their origins."""

import numpy as np

from strokecast.evaluation.forecast.results import Backtest, NaiveScale


def backtest(first_days):
    actual = np.zeros((len(first_days), 1))
    return Backtest("y", "", "made", first_days, actual[:, 0], first_days, actual, NaiveScale(1.0, 1.0))


def test_a_span_of_days_in_origins():
    days = np.datetime64("2020-01-01") + np.arange(0, 300, 10)
    assert backtest(days).origins_in(28) == 3
    assert backtest(days[:1]).origins_in(28) == 1
