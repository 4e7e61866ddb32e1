"""Which settings of `series.csv` a message advises for cells that are not dates or numbers."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from strokecast.params import SeriesQuality
from strokecast.validation.series.row_advice import advise
from strokecast.validation.series.rows import build_row_table
from strokecast.validation.series.source import SeriesSource

DAYS = [f"2021-03-{day:02d}" for day in range(1, 7)]


@pytest.mark.parametrize(
    ("days", "values", "thousands", "advice"),
    [
        (DAYS, ["1", "2", "3", "4", "5", "6"], "", {}),
        (DAYS, ["1,5", "2,25", "3", "4", "1,250", "n/a"], "", {"number": 'set series.csv.decimal to ","'}),
        (DAYS, ["1,250", "2,000", "3", "4", "5", "6"], "", {"number": 'set series.csv.thousands to ","'}),
        (
            DAYS,
            ["1.250,5", "2.000", "3", "4", "5.000,25", "6"],
            "",
            {"number": 'set series.csv.thousands to "." and series.csv.decimal to ","'},
        ),
        (DAYS, ["closed", "2", "3", "4", "5", "6"], "", {}),
        (
            [f"{day}.03.2021" for day in range(13, 19)],
            ["1", "2", "3", "4", "5", "6"],
            "",
            {"bad_date": 'set series.csv.date_format to "%d.%m.%Y"'},
        ),
        ([*DAYS[:5], "tomorrow"], ["1", "2", "3", "4", "5", "6"], "", {}),
    ],
)
def test_advice(days: list[str], values: list[str], thousands: str, advice: dict[str, Any]) -> None:
    source = SeriesSource(thousands=thousands)
    cells = pd.DataFrame({"row": range(1, 7), "ds": days, "y": values})
    frame = build_row_table(cells, source, SeriesQuality(), source.date_format)
    if "number" in advice:
        advice = dict.fromkeys(("non_numeric", "thousands_mark"), advice["number"])
    assert advise(frame, source) == advice
