"""Local times and instants of timestamps, and hours of local days."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.validation.series.timestamps import local_day_hours, parse_timestamps


def text(*cells: str) -> pd.Series:
    return pd.Series(cells, dtype="str")


def days(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[D]")


def test_dates_match_the_format_in_full_or_are_nat() -> None:
    cells = text("02/03/2020", " 2/3/2020 ", "13/01/2020", "02/03/2020 x", "02/30/2020", "")
    local, _ = parse_timestamps(cells, "%m/%d/%Y")
    np.testing.assert_array_equal(local[:2].astype("datetime64[D]"), days("2020-02-03", "2020-02-03"))
    assert np.isnat(local[2:]).all()


def test_times_belong_to_their_day() -> None:
    local, _ = parse_timestamps(text("2020-02-03 23:59"), "%Y-%m-%d %H:%M")
    np.testing.assert_array_equal(local.astype("datetime64[D]"), days("2020-02-03"))


@pytest.mark.parametrize("second", ["+0100", "+0200"])
def test_offsets_without_a_timezone_are_an_error(second: str) -> None:
    with pytest.raises(
        UserError, match=r"series\.csv\.timezone: '2020-03-28 \+0100' is a time with an offset"
    ):
        parse_timestamps(text("2020-03-28 +0100", f"2020-03-30 {second}"), "%Y-%m-%d %z")


def test_a_day_with_the_time_of_midnight_is_that_day() -> None:
    cells = text(
        "2020-02-03",
        "2020-02-04 00:00:00",
        "2020-02-05T00:00",
        "2020-02-06 00:00:00.000",
        "2020-02-07 01:00:00",
    )
    local, _ = parse_timestamps(cells, "%Y-%m-%d")
    np.testing.assert_array_equal(
        local[:4].astype("datetime64[D]"), days("2020-02-03", "2020-02-04", "2020-02-05", "2020-02-06")
    )
    assert np.isnat(local[4])


def test_times_with_offsets_become_local_times() -> None:
    cells = text("2021-03-01T04:30:00+0000", "2021-07-01T04:30:00+0000", "x")
    local, instants = parse_timestamps(cells, "%Y-%m-%dT%H:%M:%S%z", "America/Chicago")
    assert [str(time) for time in local] == ["2021-02-28T22:30:00", "2021-06-30T23:30:00", "NaT"]
    assert instants[1] - instants[0] == 122 * 86_400
    assert instants[2] == 0


def test_the_repeated_hour_in_autumn_is_two_instants() -> None:
    cells = text("2021-10-31 01:00", "2021-10-31 02:00", "2021-10-31 02:00", "2021-10-31 03:00")
    local, instants = parse_timestamps(cells, "%Y-%m-%d %H:%M", "Europe/Berlin")
    assert np.diff(instants).tolist() == [3600] * 3
    assert np.diff(local).astype(int).tolist() == [3600, 0, 3600]


@pytest.mark.parametrize(
    ("timezone", "hours"), [("Europe/Berlin", [24, 23, 24]), ("Asia/Tokyo", [24, 24, 24]), ("", [24, 24, 24])]
)
def test_local_day_hours(timezone: str, hours: list[int]) -> None:
    assert local_day_hours(days("2021-03-27", "2021-03-28", "2021-03-29"), timezone).tolist() == hours


def test_a_day_that_starts_at_one_has_23_hours() -> None:
    assert local_day_hours(days("2018-11-04", "2018-11-05"), "America/Sao_Paulo").tolist() == [23, 24]


@pytest.mark.parametrize("date_format", ["%Q", "mixed", "ISO8601"])
def test_an_invalid_format_is_an_error(date_format: str) -> None:
    with pytest.raises(UserError, match=f"date_format: '{date_format}' is not valid"):
        parse_timestamps(text("1"), date_format)
