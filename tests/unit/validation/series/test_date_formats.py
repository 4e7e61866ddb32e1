"""Date formats are inferred, or reported as ambiguous."""

from __future__ import annotations

import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.validation.series.date_formats import choose_date_format


def text(*cells: str) -> pd.Series:
    return pd.Series(cells, dtype="str")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("2021-03-01", "2021-03-31"), ("%Y-%m-%d", None)),
        (("20210301", "20210302"), ("%Y%m%d", None)),
        (("01.03.2021", "31.03.2021"), ("%d.%m.%Y", None)),
        (("03/01/2021", "03/31/2021"), ("%m/%d/%Y", None)),
        (("01/03/2021", "31/03/2021"), ("%d/%m/%Y", None)),
        (("01/03/2021", "02/03/2021"), ("%d/%m/%Y", "%m/%d/%Y")),
        (("03/01/2021", "03/02/2021"), ("%m/%d/%Y", "%d/%m/%Y")),
        (("05/05/2021", "06/06/2021"), ("%m/%d/%Y", None)),  # the same days in both formats
        (("2021-03-01T05:00:00", "2021-03-01T06:00:00"), ("%Y-%m-%dT%H:%M:%S", None)),
        (("03/13/2021 05:00:00 PM",), ("%m/%d/%Y %I:%M:%S %p", None)),
        (("2021-03-01T05:00:00+0100",), ("%Y-%m-%dT%H:%M:%S%z", None)),
        (("2021-03-01T05:00+01:00",), ("%Y-%m-%dT%H:%M%z", None)),
        (("2021-03-01", "2021-03-02 00:00:00", "2021-03-03T00:00"), ("%Y-%m-%d", None)),
        (("2021-03-01 00:00:00", "2021-03-02 00:00:00"), ("%Y-%m-%d %H:%M:%S", None)),
        (("one", "two", ""), ("%Y-%m-%d", None)),
        (("2021-03-01", "2021-03-02", "03/13/2021"), ("%Y-%m-%d", None)),  # matches most rows
    ],
)
def test_auto_infers_the_format_and_its_ambiguity(
    cells: tuple[str, ...], expected: tuple[str, str | None]
) -> None:
    assert choose_date_format(text(*cells), "auto") == expected


def test_an_offset_that_the_format_lacks_is_an_error() -> None:
    with pytest.raises(
        UserError, match=r"series\.csv\.timezone: '2021-03-01T05:00Z' is a time with an offset"
    ):
        choose_date_format(text("2021-03-01", "2021-03-01T05:00Z"), "%Y-%m-%d")
    assert choose_date_format(text("2021-03-01T05:00Z"), "%Y-%m-%dT%H:%MZ")[0] == "%Y-%m-%dT%H:%MZ"


def test_a_configured_format_is_ambiguous_unless_a_day_is_above_12() -> None:
    assert choose_date_format(text("01/03/2021", "02/03/2021"), "%d/%m/%Y")[1] == "%m/%d/%Y"
    assert choose_date_format(text("01/03/2021", "13/03/2021"), "%d/%m/%Y")[1] is None
    assert choose_date_format(text("2021-03-01", "2021-03-02"), "%Y-%m-%d")[1] is None


@pytest.mark.parametrize("cell", ["2021-03-01", "1e9", "not a date at all"])
def test_a_thousand_equal_cells_are_handled(cell: str) -> None:
    assert choose_date_format(text(*[cell] * 1000), "auto")[0]
