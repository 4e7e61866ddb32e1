"""Checks of the rows that a user gives."""

from __future__ import annotations

import decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from strokecast.common.errors import UserError
from strokecast.inference.series_table import check_columns, check_counts, parse_days, parse_numbers

DATES = pd.Series(pd.date_range("2024-02-20", periods=21))


@pytest.mark.parametrize(
    "column",
    [
        DATES.dt.strftime("%Y-%m-%d"),
        DATES.dt.date,
        DATES.astype("datetime64[s]"),
        DATES.dt.strftime("%Y-%m-%d").astype(object),
    ],
    ids=["text", "dates", "seconds", "object text"],
)
def test_days_of_any_type_are_parsed(column: pd.Series) -> None:
    days = parse_days(column, "input")
    assert days.dtype == np.dtype("datetime64[D]")
    np.testing.assert_array_equal(days, DATES.to_numpy().astype("datetime64[D]"))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (DATES.drop(index=4), "2024-02-24 is missing (after day 4 of 20)"),
        (DATES.drop(index=[1, 3, 4]), "2024-02-21 is missing, 3 days in all (after day 1 of 18)"),
        (DATES.drop(index=[3, 4]), "2024-02-23 to 2024-02-24 are missing (after day 3 of 19)"),
        (DATES.loc[[0, 1, 2, 2, 3, 4, 5, 6]], "2024-02-22 occurs twice"),
        (DATES.loc[[0, 1, 3, 2, 4, 5, 6]], "2024-02-22 is missing"),
        (DATES.iloc[::-1], "2024-03-10 comes after 2024-03-11"),
        (pd.Series([*DATES.dt.strftime("%Y-%m-%d")[:-1], "soon"]), "'soon' in row 20 is not a day"),
        (DATES + pd.Timedelta("1h"), "in row 0 is not a day"),
        (DATES.dt.tz_localize("UTC"), "time zone"),
        (pd.Series(["2024-03-30T00:00:00+01:00", "2024-04-01T00:00:00+02:00"]), "time zone"),
        (DATES.iloc[::7], "rows are 7 days apart (2024-02-27 follows 2024-02-20)"),
        (
            pd.Series(pd.date_range("2024-02-20", periods=21, freq="h")),
            "2024-02-20 01:00:00 in row 1 is not a day",
        ),
    ],
)
def test_first_invalid_day_is_named_in_one_line(column: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_days(column, "input")
    assert message in str(caught.value)
    assert "input column ds" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([None, *range(20)], "on 2024-02-20 is not a finite number"),
        ([*range(20), float("inf")], "inf on 2024-03-11 is not a finite number"),
        ([*map(str, range(20)), "many"], "'many' on 2024-03-11 is not a finite number"),
        ([True] * 21, "True on 2024-02-20 is not a finite number"),
        ([*range(20), False], "False on 2024-03-11 is not a finite number"),
        ([*map(str, range(20)), "True"], "'True' on 2024-03-11 is not a finite number"),
        ([*range(20), -1e101], "-1e+101 on 2024-03-11 is too large; allowed: numbers from -1e+100 to 1e+100"),
    ],
)
def test_first_invalid_number_is_named_with_its_date(values: list[Any], message: str) -> None:
    days = parse_days(DATES, "input")
    assert parse_numbers(pd.Series(range(21), name="y"), days, "input").tolist() == list(range(21))
    with pytest.raises(UserError) as caught:
        parse_numbers(pd.Series(values, name="y"), days, "input")
    assert message in str(caught.value)
    assert "input column y" in str(caught.value)


def test_negative_counts_and_repeated_columns_are_refused() -> None:
    days = parse_days(DATES, "input")
    check_counts(np.zeros(21), days, "input")
    with pytest.raises(UserError, match="input: -2 on 2024-02-21 is negative; allowed: values of 0 and more"):
        check_counts(np.array([0.0, -2.0, *[1.0] * 19]), days, "input")
    table = pd.DataFrame(np.zeros((1, 3)), columns=["ds", "y", "y"])
    check_columns(table[["ds"]], ["ds"], "input")
    with pytest.raises(UserError, match="input: names the column 'y' 2 times; rename one of them"):
        check_columns(table, ["ds", "y"], "input")


@pytest.mark.parametrize(
    "values",
    [
        DATES,
        DATES - DATES[0],
        DATES.dt.to_period("D"),
        pd.Series([1j] * 21),
        pd.Series([b"5"] * 21),
        pd.Series(["1_000"] * 21),
        pd.Series([[5]] * 21),
        pd.Series([10**400] * 21),
        pd.Series([True] * 21, dtype="boolean"),
        pd.Series([None] * 21),
    ],
    ids=[
        "times",
        "durations",
        "periods",
        "complex",
        "bytes",
        "underscores",
        "lists",
        "huge",
        "flags",
        "nothing",
    ],
)
def test_what_pandas_can_convert_is_not_always_a_number(values: pd.Series) -> None:
    with pytest.raises(UserError, match="on 2024-02-20 is not a finite number"):
        parse_numbers(values.rename("y"), parse_days(DATES, "input"), "input")


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(range(21), dtype="int8"),
        pd.Series(range(21), dtype="Int64"),
        pd.Series(range(21), dtype="Float32"),
        pd.Series(map(decimal.Decimal, range(21)), dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
        pd.Series(range(21)).map(decimal.Decimal),
        pd.Series(range(21)).astype("category"),
        pd.Series(range(21)).astype(str).astype("category"),
        pd.Series(pd.arrays.SparseArray(np.arange(21.0))),
        pd.Series([f" {number}.0 " for number in range(21)]),
    ],
    ids=[
        "int8",
        "Int64",
        "Float32",
        "Arrow decimals",
        "decimals",
        "category",
        "text category",
        "sparse",
        "text",
    ],
)
def test_numbers_of_any_type_are_read(values: pd.Series) -> None:
    assert parse_numbers(values, parse_days(DATES, "input"), "input").tolist() == list(range(21))


@pytest.mark.parametrize(
    "column", [pd.Series([True] * 21), DATES - DATES[0], pd.Series([["2024-02-20"]] * 60)]
)
def test_columns_that_hold_no_days_are_one_line(column: pd.Series) -> None:
    with pytest.raises(UserError, match=r"^input column ds: [^\n]*not .*days?; allowed: YYYY-MM-DD$"):
        parse_days(column, "input")
