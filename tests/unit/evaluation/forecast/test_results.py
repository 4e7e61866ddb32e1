"""The test days with their origins."""

from dataclasses import replace

import numpy as np

from strokecast.evaluation.forecast.results import Backtest, NaiveScale, concatenate_backtests


def backtest(first_days):
    actual = np.zeros((len(first_days), 1))
    return Backtest("y", "", "made", first_days, actual[:, 0], first_days, actual, NaiveScale(1.0, 1.0))


def test_a_span_of_days_in_origins():
    days = np.datetime64("2020-01-01") + np.arange(0, 300, 10)
    assert backtest(days).origins_in(28) == 3
    assert backtest(days[:1]).origins_in(28) == 1


def test_long_names_are_shortened_on_axes_and_many_series_in_their_name():
    one = replace(backtest(np.datetime64("2020-01-01") + np.arange(9)), name="n" * 90, unit="u" * 90)
    assert one.axis_label == f"{'n' * 39}… ({'u' * 23}…)"
    several = concatenate_backtests({f"id {number}": one for number in range(25)})
    assert several.name.startswith("25 series (id 0, id 1, ")
    assert several.name.endswith("id 19 and 5 more)")
