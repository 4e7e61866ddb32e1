"""The columns of the day table."""

from __future__ import annotations

import numpy as np
import pytest

from strokecast.validation.series.days import run_lengths, weekday_deviations


def test_runs_end_at_gaps() -> None:
    days = np.array(
        ["2021-03-01", "2021-03-02", "2021-03-04", "2021-03-05", "2021-03-06"], dtype="datetime64[D]"
    )
    zero_runs, constant_runs = run_lengths(days, np.array([0.0, 0.0, 0.0, 7.0, 7.0]))
    assert zero_runs.tolist() == [2, 2, 1, 0, 0]
    assert constant_runs.tolist() == [0, 0, 0, 2, 2]


def test_weekday_deviations_equal_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    days = np.datetime64("2021-03-01") + np.arange(200)
    values = rng.integers(50, 150, 200).astype(float)
    medians, deviations = weekday_deviations(days, values)
    for day in (0, 7, 93, 199):
        same_weekday = np.arange(day % 7, 200, 7)
        index = int(np.searchsorted(same_weekday, day))
        start = min(max(index - 6, 0), len(same_weekday) - 13)
        window = values[same_weekday[start : start + 13]]
        median = np.median(window)
        assert medians[day] == median
        scaled_mad = max(1.4826 * np.median(np.abs(window - median)), 0.02 * median)
        assert deviations[day] == pytest.approx(abs(values[day] - median) / scaled_mad)


def test_four_days_of_a_weekday_are_too_few_for_a_deviation() -> None:
    days = np.datetime64("2021-03-01") + np.arange(28)
    assert np.isnan(weekday_deviations(days, np.arange(28.0))[1]).all()
