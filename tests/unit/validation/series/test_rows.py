"""The columns of the row table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from strokecast.common.errors import UserError
from strokecast.params import SeriesQuality
from strokecast.validation.series.date_formats import choose_date_format
from strokecast.validation.series.rows import build_row_table
from strokecast.validation.series.source import SeriesSource

_CELLS = ["", " ", "1", "-2", "1,234", "1.5", "12,5", "nan", "inf", "1e400", "0", "٣", "1'000", "2021-03-01",
          "2021-03-02", "03/04/2021", "13/04/2021", "2021-02-30", "9999-12-31", "0001-01-01", "W", "é", "\ufeff"]  # fmt: skip
cell = st.one_of(st.sampled_from(_CELLS), st.text(max_size=8))
day = st.integers(0, 25).map(lambda n: str(np.datetime64("2021-03-01") + n))
value = st.one_of(
    st.integers(-3, 400).map(str), st.sampled_from(["0", "7", "1,234", "x", "", "1e308", "nan"])
)


@pytest.mark.parametrize(
    ("day_type", "mismatch"),
    [
        ("W", [0, 0, 0, 0, 0, 1, 1]),
        ("A", [1, 1, 1, 1, 1, 0, 1]),
        ("U", [0] * 7),
        ("", [1] * 7),
        ("X", [1] * 7),
    ],
)
def test_day_types_match_their_weekdays(day_type: str, mismatch: list[int]) -> None:
    cells = pd.DataFrame(
        {
            "row": range(1, 8),
            "ds": [f"2021-03-0{n}" for n in range(1, 8)],  # Monday to Sunday
            "y": "1",
            "day_type": day_type,
        }
    )
    table = build_row_table(cells, SeriesSource(), SeriesQuality(), "%Y-%m-%d")
    assert table["day_type_mismatch"].tolist() == mismatch


def check_message(error: UserError) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) < 2000


any_cells = given(
    rows=st.lists(
        st.tuples(st.one_of(day, cell), st.one_of(value, cell), cell, cell), min_size=1, max_size=12
    ),
    date_format=st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "auto", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S%z"]),
    timezone=st.sampled_from(["", "Europe/Berlin", "Pacific/Apia"]),
    aggregate=st.sampled_from(["none", "sum"]),
    thousands=st.sampled_from(["", ",", ".", " "]),
)
examples = settings(
    max_examples=40,
    deadline=None,  # the machine may be busy; pytest's own time limit catches a hang
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # failures are small; shrinking takes minutes
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.slow
@examples
@any_cells
def test_any_cells_give_a_table_or_a_one_line_error(**inputs: Any) -> None:
    check_any_cells(**inputs)


@pytest.mark.slow
@settings(examples, max_examples=150)
@any_cells
def test_more_cells_give_a_table_or_a_one_line_error(**inputs: Any) -> None:
    check_any_cells(**inputs)


def check_any_cells(
    rows: list[tuple[str, ...]], date_format: str, timezone: str, aggregate: str, thousands: str
) -> None:
    cells = pd.DataFrame(rows, columns=["ds", "y", "day_type", "total"], dtype="str")
    cells["part: a"] = cells["y"]
    cells.insert(0, "row", range(1, len(cells) + 1))
    source = SeriesSource(timezone=timezone, aggregate=aggregate, thousands=thousands)
    try:
        chosen, _ = choose_date_format(cells["ds"], date_format)
        table = build_row_table(cells, source, SeriesQuality(today="2021-03-20"), chosen)
    except UserError as error:
        check_message(error)
        return
    assert len(table) == len(cells)
    assert not np.isinf(table["value"]).any()
    assert not (table["other_separator"].astype(bool) & table["value"].notna()).any()
