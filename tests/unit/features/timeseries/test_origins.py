"""Which origins are selected, and that they cover every weekday."""

import numpy as np
import pytest

from strokecast.features.timeseries import origins


def test_origins_roll_through_a_split_and_leave_room_for_the_horizon() -> None:
    assert origins.rolling(100, 120, 56, 7).tolist() == list(range(100, 114))
    assert origins.rolling(100, 120, 56, 7, 5).tolist() == [100, 105, 110]
    assert origins.rolling(10, 80, 56, 7, 10).tolist() == [56, 66]
    assert origins.rolling(100, 105, 56, 7).tolist() == []


def test_all_origins_are_selected_if_there_are_no_more_than_requested() -> None:
    every = np.arange(5, 15)
    assert origins.subsample_evenly(every, None).tolist() == every.tolist()
    assert origins.subsample_evenly(every, 10).tolist() == every.tolist()
    assert origins.subsample_evenly(every, 3).tolist() == [5, 9, 14]
    assert origins.subsample_evenly(every, 1).tolist() == [5]


@pytest.mark.parametrize("count", [204, 205, 240, 268, 548, 1000])
def test_selected_origins_are_spread_evenly_over_days_and_weekdays(count: int) -> None:
    selected = origins.subsample_evenly(np.arange(1000, 1000 + count), 30)
    assert len(set(selected.tolist())) == 30
    gaps = np.diff(selected)
    assert gaps.max() - gaps.min() <= 1
    assert selected[0] == 1000
    assert selected[-1] >= 1000 + count - 1 - max(14, count // 30)
    counts = np.bincount(selected % 7, minlength=7)
    assert counts.max() - counts.min() <= 2  # 204 days would give a single weekday: 203 / 29 = 7


def test_back_to_back_windows_end_with_the_last_day() -> None:
    found = origins.back_to_back(10, 33, 5, 7)
    assert found.tolist() == [12, 19, 26]
    assert origins.back_to_back(10, 31, 14, 7).tolist() == [17, 24]
    assert origins.back_to_back(10, 16, 5, 7).tolist() == []
