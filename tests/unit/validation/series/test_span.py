"""A series whose days are centuries apart is refused before a calendar is filled."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.params import SeriesQuality
from strokecast.validation.series.rows import build_row_table
from strokecast.validation.series.span import check_span

ENDS = "correct quality.series.start and quality.series.end"
DATES = "correct the first or the last date, or leave its row out by quality.series.start or end"


def check(cells: pd.DataFrame, source: Any, settings: dict[str, Any], *dates: str) -> None:
    quality = SeriesQuality.model_validate(settings)
    rows = [{"row": len(cells) + number, "ds": date, "y": "5"} for number, date in enumerate(dates, 1)]
    table = pd.concat([cells, pd.DataFrame(rows, columns=cells.columns)], ignore_index=True)
    check_span(build_row_table(table, source, quality, "%Y-%m-%d"), quality, "rides.csv")


@pytest.mark.parametrize(
    ("settings", "dates", "line"),
    [
        ({"end": "9999-12-31"}, (), "30 rows are to fill 2,914,635 days, 2020-01-01 to 9999-12-31; correct quality.series.end"),
        ({"start": "0001-01-01", "end": "9999-12-31"}, (), f"3,652,059 days, 0001-01-01 to 9999-12-31; {ENDS}"),
        ({}, ("0001-01-01",), f"31 rows are to fill 737,454 days, 0001-01-01 to 2020-01-30; {DATES}"),
        ({"future_date": "warn"}, ("9999-12-31",), f"2020-01-01 to 9999-12-31; {DATES}"),
    ],
)  # fmt: skip
def test_days_centuries_apart_are_refused(
    cells: Any, series_source: Any, settings: dict[str, Any], dates: tuple[str, ...], line: str
) -> None:
    with pytest.raises(UserError) as error:
        check(cells(), series_source, settings, *dates)
    assert str(error.value).startswith("rides.csv: the ")
    assert str(error.value).endswith(line)


@pytest.mark.parametrize(
    ("settings", "dates"),
    [
        ({}, ()),
        ({}, ("1500-01-01",)),
        ({}, ("9999-12-31",)),  # fails `future_date`
        ({"start": "2020-01-05"}, ("0001-01-01",)),
    ],
)
def test_what_other_rules_handle_is_left_to_them(
    cells: Any, series_source: Any, settings: dict[str, Any], dates: tuple[str, ...]
) -> None:
    check(cells(), series_source, settings, *dates)
