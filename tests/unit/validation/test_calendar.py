"""Parsing of cells and the calendar, against plain loops."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.validation.series import calendar


def days(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[D]")


@pytest.mark.parametrize(
    ("thousands", "cell", "value"),
    [
        ("", "12", 12.0),
        ("", " 12.50 ", 12.5),
        ("", "+3", 3.0),
        ("", ".5", 0.5),
        ("", "7.", 7.0),
        ("", "-1e3", -1000.0),
        ("", "1,000", None),
        *(
            ("", cell, None)
            for cell in ("", " ", "12x", "nan", "inf", "-inf", "1_000", "1e999", "0x1F", "--1", "1.2.3")
        ),
        ("", "\u0663", None),  # a digit, but not an ASCII one
        (",", "1,000", 1000.0),
        (",", "-1,234,567.25", -1234567.25),
        (",", "1234", 1234.0),
        (",", "1,00", None),
        (",", "1,0000", None),
        (",", ",100", None),
        (",", "1234,567", None),
        (".", "1.234,5", 1234.5),
        (".", "0,5", 0.5),
        (".", "1.5", None),
        ("'", "1'000", 1000.0),
        (" ", "1 000", 1000.0),
        (" ", "1\u202f000", 1000.0),
    ],
)
def test_values(thousands: str, cell: str, value: float | None) -> None:
    (found,) = calendar.parse_values(pd.Series([cell], dtype="str"), thousands)
    assert np.isnan(found) if value is None else found == value


def test_dates_fit_as_a_whole_or_not_at_all() -> None:
    cells = pd.Series(
        ["02/03/2020", " 2/3/2020 ", "13/01/2020", "02/03/2020 x", "02/30/2020", ""], dtype="str"
    )
    found = calendar.parse_dates(cells, "%m/%d/%Y")
    np.testing.assert_array_equal(found[:2], days("2020-02-03", "2020-02-03"))
    assert np.isnat(found[2:]).all()


def test_hours_fall_on_their_day_and_offsets_that_change_are_refused() -> None:
    found = calendar.parse_dates(pd.Series(["2020-02-03 23:59"]), "%Y-%m-%d %H:%M")
    np.testing.assert_array_equal(found, days("2020-02-03"))
    mixed = pd.Series(["2020-03-28 +0100", "2020-03-30 +0200"])
    with pytest.raises(UserError, match="in one time zone"):
        calendar.parse_dates(mixed, "%Y-%m-%d %z")


@pytest.mark.parametrize("seed", range(8))
def test_fill_equals_a_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    length, max_gap = 80, int(rng.integers(0, 10))
    there = rng.random(length) > 0.35
    there[[0, -1]] = True
    base = np.datetime64("2021-03-01")
    own = np.flatnonzero(there)
    shuffled = rng.permutation(own)
    found = calendar.fill(base + shuffled, shuffled.astype(float), days(), max_gap)
    values = {int(n): float(n) for n in own}
    day = 0
    while day < length:
        end = day
        while end not in values and end < length:
            end += 1
        if 0 < end - day <= max_gap and day >= 7:
            for missing in range(day, end):
                if missing - 7 in values:
                    values[missing] = values[missing - 7]
        day = end + 1
    expected = np.array([values.get(n, np.nan) for n in range(length)])
    np.testing.assert_array_equal(found.values, expected)
    np.testing.assert_array_equal(found.filled, ~there & ~np.isnan(expected))
    np.testing.assert_array_equal(found.days, base + np.arange(length))


def test_unreadable_rows_explain_at_most_one_day_each_between_their_neighbours() -> None:
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
    found = calendar.between_neighbours(rows, np.isnat(rows))
    np.testing.assert_array_equal(found, days("2020-01-02", "2020-01-07"))
