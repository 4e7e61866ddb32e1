"""Incomplete first and last days, told from holidays, noise and changes of level."""

from __future__ import annotations

import numpy as np
import pytest

from strokecast.validation.series.days import weekday_deviations
from strokecast.validation.series.edges import partial_positions

N_DAYS = 800
DAYS = np.datetime64("2020-01-01") + np.arange(N_DAYS)
WEEK = np.array([100, 120, 130, 120, 110, 60, 50])


def find(changes: dict[int, float], scale: np.ndarray | float = 1.0) -> list[int]:
    values = (WEEK[np.arange(N_DAYS) % 7] + np.arange(N_DAYS) % 3) * scale
    for position, value in changes.items():
        values[position] = value
    return partial_positions(DAYS, values, *weekday_deviations(DAYS, values), 0.5)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({0: 40.0}, [0]),
        ({N_DAYS - 1: 0.0, N_DAYS - 2: 30.0}, [N_DAYS - 2, N_DAYS - 1]),
        ({N_DAYS - 1: 70.0}, []),  # more than half of its weekday
        ({N_DAYS - 2: 0.0}, []),  # not at an end
        ({N_DAYS - n: 0.0 for n in range(1, 6)}, []),  # five zeros are a change, not an incomplete day
        ({0: 40.0, 366: 45.0}, []),  # the same date a year later is low, too
        ({0: 40.0, 364: 45.0}, []),  # the same weekday
        ({0: 40.0, 200: 45.0}, [0]),
        ({0: 2.0, 366: 45.0}, [0]),  # far below the holiday
    ],
)
def test_partial_positions(changes: dict[int, float], expected: list[int]) -> None:
    assert find(changes) == expected


def test_a_fall_of_the_level_before_the_last_day_is_no_incomplete_day() -> None:
    assert find({}, np.where(np.arange(N_DAYS) < N_DAYS - 15, 1.0, 0.3)) == []
