"""Numbers with thousands separators."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from strokecast.validation.series.numbers import find_separator, parse_numbers

_CELLS = ["", " ", "1", "-2", "1,234", "1.5", "12,5", "nan", "inf", "1e400", "0", "٣", "1'000", "x", "1e308", "\ufeff"]  # fmt: skip


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
        ("", "\u0663", None),  # a digit, but not an ASCII digit
        *(("", digits, None) for digits in ("9" * 309, "9" * 5000, "0." + "0" * 400 + "1")),
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
def test_parse_numbers(thousands: str, cell: str, value: float | None) -> None:
    (number,) = parse_numbers(pd.Series([cell], dtype="str"), thousands)
    assert np.isnan(number) if value is None else number == value


@pytest.mark.parametrize(
    ("thousands", "decimal", "cell", "value"),
    [
        ("", ",", "10,000", 10.0),
        ("", ",", "-0,5e3", -500.0),
        ("", ",", "10.5", None),
        (".", ",", "10.000,25", 10_000.25),
        ("'", ",", "10'000,25", 10_000.25),
        (",", ".", "10,000.25", 10_000.25),
        ("", "", "1e100", 1e100),
        ("", "", "1.1e100", None),
        ("", "", "True", None),
    ],
)
def test_decimal_marks_and_the_largest_number(
    thousands: str, decimal: str, cell: str, value: float | None
) -> None:
    (number,) = parse_numbers(pd.Series([cell], dtype="str"), thousands, decimal)
    assert np.isnan(number) if value is None else number == value


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    text=st.one_of(st.integers(-3, 400).map(str), st.sampled_from(_CELLS), st.text(max_size=8)),
    separator=st.sampled_from(["", ",", ".", "'", " "]),
)
def test_any_text_is_the_number_that_python_reads_or_none(text: str, separator: str) -> None:
    (number,) = parse_numbers(pd.Series([text], dtype="str"), separator)
    if np.isnan(number):
        return
    plain = text.strip()
    for character in {separator, "\u00a0", "\u202f"} - {""} if separator == " " else {separator} - {""}:
        plain = plain.replace(character, "")
    assert number == float(plain.replace(",", ".") if separator == "." else plain)


@pytest.mark.parametrize(
    ("cell", "separator"), [("1,234", ","), ("1'234", "'"), ("1 234", " "), ("1.234.567", ".")]
)
def test_find_separator(cell: str, separator: str) -> None:
    assert find_separator(cell, "") == separator
