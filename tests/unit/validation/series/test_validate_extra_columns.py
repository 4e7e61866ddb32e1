"""Extra columns of a series: stored beside `y`, checked as numbers, and filled with the day."""

import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.params import Csv, SeriesQuality
from strokecast.validation.series.source import SeriesSource
from strokecast.validation.series.validate import validate_series


def cells_with_extra(days: int = 30) -> pd.DataFrame:
    first = datetime.date(2020, 1, 6)
    return pd.DataFrame(
        {
            "row": range(1, days + 1),
            "ds": [str(first + datetime.timedelta(days=day)) for day in range(days)],
            "y": [str(100 + day % 9) for day in range(days)],
            "extra: bus": [f"1,{day:03d}" for day in range(days)],
        }
    )


def validated(cells: pd.DataFrame, folder: Path, **actions: Any) -> pd.DataFrame:
    settings = SeriesQuality(**{"max_gap": 3, "today": "2021-01-01", **actions})
    validate_series(cells, SeriesSource(thousands=","), settings, folder / "validated")
    return pq.read_table(folder / "validated" / "series.parquet").to_pandas()


def test_extra_columns_are_stored_and_filled_with_the_day(tmp_path: Path) -> None:
    series = validated(cells_with_extra().drop(index=[12, 13]), tmp_path)
    assert series.columns.tolist() == ["ds", "y", "filled", "rows", "bus"]
    expected = [1000.0 + day for day in range(30)]
    expected[12:14] = [1005.0, 1006.0]  # one week earlier
    assert series["bus"].tolist() == expected
    assert series["filled"].sum() == 2


@pytest.mark.parametrize(
    "cell", ["", *(pytest.param(cell, marks=pytest.mark.slow) for cell in ("none", "1.2.3", "inf"))]
)
def test_cells_that_are_not_numbers_fail_non_numeric(tmp_path: Path, cell: str) -> None:
    cells = cells_with_extra()
    cells.loc[20, "extra: bus"] = cell
    with pytest.raises(UserError, match=r"non_numeric.*row 21: 2020-01-26 has no number in bus"):
        validated(cells, tmp_path)
    series = validated(cells, tmp_path, non_numeric="quarantine")
    assert series["filled"].tolist() == [day == 20 for day in range(30)]
    assert series["bus"][20] == 1013.0
    quarantine = pq.read_table(tmp_path / "validated" / "quarantine.parquet").to_pylist()
    assert [(row["row"], row["reasons"]) for row in quarantine] == [(21, ["non_numeric"])]


def test_rows_that_differ_in_an_extra_column_are_not_duplicates(tmp_path: Path) -> None:
    cells = pd.concat([cells_with_extra(), cells_with_extra().iloc[[5]]], ignore_index=True)
    assert validated(cells, tmp_path, exact_duplicate="quarantine")["bus"][5] == 1005.0
    cells.loc[30, "extra: bus"] = "9"
    with pytest.raises(UserError, match="conflicting_date"):
        validated(cells, tmp_path, exact_duplicate="quarantine", conflicting_date="stop")


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (("y",), "'y' is the name of another column"),
        (("filled",), "'filled' is the name of another column"),
        (("a", "a"), "'a' is listed twice"),
        (("value",), "'value' is value_column"),
    ],
)
def test_reserved_and_repeated_names_are_an_error(names: tuple[str, ...], problem: str) -> None:
    with pytest.raises(ValueError, match=f"extra_columns: {problem}"):
        Csv(value_column="value", extra_columns=names)
