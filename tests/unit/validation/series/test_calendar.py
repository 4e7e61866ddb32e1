"""The calendar: gaps and fills, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from strokecast.validation.series.calendar import build_calendar, days_of_unreadable_rows


def days(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[D]")


@pytest.mark.parametrize("seed", range(8))
def test_build_calendar_equals_a_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_days, max_gap = 80, int(rng.integers(0, 10))
    has_value = rng.random(n_days) > 0.35
    has_value[[0, -1]] = True
    first = np.datetime64("2021-03-01")
    positions = np.flatnonzero(has_value)
    shuffled = rng.permutation(positions)
    calendar = build_calendar(first + shuffled, shuffled.astype(float), days(), max_gap)
    values = {int(n): float(n) for n in positions}
    day = 0
    while day < n_days:
        end = day
        while end not in values and end < n_days:
            end += 1
        if 0 < end - day <= max_gap:
            for missing in range(day, end):
                weeks = [7, 14, 21, 28]
                near = [missing - week for week in weeks] + [missing + week for week in weeks]
                origin = next((n for n in near if n in values), None)
                if origin is not None:
                    values[missing] = values[origin]
        day = end + 1
    expected = np.array([values.get(n, np.nan) for n in range(n_days)])
    np.testing.assert_array_equal(calendar.values, expected)
    np.testing.assert_array_equal(calendar.filled, ~has_value & ~np.isnan(expected))
    np.testing.assert_array_equal(calendar.days, first + np.arange(n_days))


def test_each_unreadable_row_explains_at_most_one_missing_day() -> None:
    rows = days(
        "2020-01-01",
        "NaT",
        "2020-01-05",
        "2020-01-06",
        "NaT",
        "NaT",
        "2020-01-08",
        "NaT",
        "2020-01-02",
        "NaT",
    )
    explained = days_of_unreadable_rows(rows, np.isnat(rows))
    np.testing.assert_array_equal(explained, days("2020-01-02", "2020-01-07"))
