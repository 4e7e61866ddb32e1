"""Formats that are found or asked for, clocks that change, and what of a row the tables say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.params import SeriesQuality
from strokecast.validation.series import times
from strokecast.validation.series.days import deviations, runs
from strokecast.validation.series.rows import rows_table, wanted_mark


def text(*cells: str) -> pd.Series:
    return pd.Series(cells, dtype="str")


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (("2021-03-01", "2021-03-31"), ("%Y-%m-%d", None)),
        (("20210301", "20210302"), ("%Y%m%d", None)),
        (("01.03.2021", "31.03.2021"), ("%d.%m.%Y", None)),
        (("03/01/2021", "03/31/2021"), ("%m/%d/%Y", None)),
        (("01/03/2021", "31/03/2021"), ("%d/%m/%Y", None)),
        (("01/03/2021", "02/03/2021"), ("%d/%m/%Y", "%m/%d/%Y")),
        (("03/01/2021", "03/02/2021"), ("%m/%d/%Y", "%d/%m/%Y")),
        (("05/05/2021", "06/06/2021"), ("%m/%d/%Y", None)),  # both read the same days
        (("2021-03-01T05:00:00", "2021-03-01T06:00:00"), ("%Y-%m-%dT%H:%M:%S", None)),
        (("03/13/2021 05:00:00 PM",), ("%m/%d/%Y %I:%M:%S %p", None)),
        (("2021-03-01T05:00:00+0100",), ("%Y-%m-%dT%H:%M:%S%z", None)),
        (("one", "two", ""), ("%Y-%m-%d", None)),
        (("2021-03-01", "2021-03-02", "03/13/2021"), ("%Y-%m-%d", None)),  # most rows
    ],
)
def test_auto_finds_the_format_or_both(cells: tuple[str, ...], found: tuple[str, str | None]) -> None:
    assert times.choose(text(*cells), "auto") == found


def test_one_day_above_the_12th_settles_a_given_format() -> None:
    assert times.choose(text("01/03/2021", "02/03/2021"), "%d/%m/%Y")[1] == "%m/%d/%Y"
    assert times.choose(text("01/03/2021", "13/03/2021"), "%d/%m/%Y")[1] is None
    assert times.choose(text("2021-03-01", "2021-03-02"), "%Y-%m-%d")[1] is None


def test_offsets_become_the_local_clock() -> None:
    cells = text("2021-03-01T04:30:00+0000", "2021-07-01T04:30:00+0000", "x")
    wall, instants = times.parse(cells, "%Y-%m-%dT%H:%M:%S%z", "America/Chicago")
    assert [str(one) for one in wall] == ["2021-02-28T22:30:00", "2021-06-30T23:30:00", "NaT"]
    assert instants[1] - instants[0] == 122 * 86_400
    assert instants[2] == 0


def test_the_hour_that_autumn_repeats_is_two_hours() -> None:
    cells = text("2021-10-31 01:00", "2021-10-31 02:00", "2021-10-31 02:00", "2021-10-31 03:00")
    wall, instants = times.parse(cells, "%Y-%m-%d %H:%M", "Europe/Berlin")
    assert np.diff(instants).tolist() == [3600] * 3
    assert np.diff(wall).astype(int).tolist() == [3600, 0, 3600]


@pytest.mark.parametrize(
    ("timezone", "hours"), [("Europe/Berlin", [24, 23, 24]), ("Asia/Tokyo", [24, 24, 24]), ("", [24, 24, 24])]
)
def test_hours_of_days(timezone: str, hours: list[int]) -> None:
    days = np.array(["2021-03-27", "2021-03-28", "2021-03-29"], dtype="datetime64[D]")
    assert times.day_hours(days, timezone).tolist() == hours


def test_a_day_that_begins_at_one_has_23_hours() -> None:
    days = np.array(["2018-11-04", "2018-11-05"], dtype="datetime64[D]")
    assert times.day_hours(days, "America/Sao_Paulo").tolist() == [23, 24]


def test_a_format_that_strptime_does_not_know() -> None:
    with pytest.raises(UserError, match=r"date_format: '%Q' cannot be used"):
        times.parse(text("1"), "%Q")


@pytest.mark.parametrize(
    ("cell", "mark"), [("1,234", ","), ("1'234", "'"), ("1 234", " "), ("1.234.567", ".")]
)
def test_the_mark_that_makes_a_number(cell: str, mark: str) -> None:
    assert wanted_mark(cell, "") == mark


def test_runs_end_at_gaps() -> None:
    days = np.array(
        ["2021-03-01", "2021-03-02", "2021-03-04", "2021-03-05", "2021-03-06"], dtype="datetime64[D]"
    )
    zeros, others = runs(days, np.array([0.0, 0.0, 0.0, 7.0, 7.0]))
    assert zeros.tolist() == [2, 2, 1, 0, 0]
    assert others.tolist() == [0, 0, 0, 2, 2]


def test_deviations_against_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    days = np.datetime64("2021-03-01") + np.arange(200)
    values = rng.integers(50, 150, 200).astype(float)
    usual, score = deviations(days, values)
    for at in (0, 7, 93, 199):
        same = np.arange(at % 7, 200, 7)
        place = int(np.searchsorted(same, at))
        start = min(max(place - 6, 0), len(same) - 13)
        near = values[same[start : start + 13]]
        middle = np.median(near)
        assert usual[at] == middle
        spread = max(1.4826 * np.median(np.abs(near - middle)), 0.02 * middle)
        assert score[at] == pytest.approx(abs(values[at] - middle) / spread)
    assert np.isnan(deviations(days[:28], values[:28])[1]).all()  # four of each weekday are too few


@pytest.mark.parametrize(
    ("letter", "wrong"),
    [
        ("W", [0, 0, 0, 0, 0, 1, 1]),
        ("A", [1, 1, 1, 1, 1, 0, 1]),
        ("U", [0] * 7),
        ("", [1] * 7),
        ("X", [1] * 7),
    ],
)
def test_day_types(letter: str, wrong: list[int]) -> None:
    cells = pd.DataFrame(
        {
            "row": range(1, 8),
            "ds": [f"2021-03-0{n}" for n in range(1, 8)],  # Monday to Sunday
            "y": "1",
            "day_type": letter,
        }
    )
    frame = rows_table(cells, {"date_format": "%Y-%m-%d"}, SeriesQuality())
    assert frame["contradicts"].tolist() == wrong
