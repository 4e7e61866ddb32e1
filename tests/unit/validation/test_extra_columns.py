"""Further columns of a series: kept beside `y`, judged as numbers, filled where the day is filled."""

import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.params import Csv, SeriesQuality
from strokecast.validation.series import validate as series

SOURCE: dict[str, Any] = {
    "source": "csv",
    "file": "series.csv",
    "date_column": "ds",
    "date_format": "%Y-%m-%d",
    "value_column": "y",
    "thousands": ",",
    "extra_columns": ["bus"],
}


def cells(days: int = 30) -> pd.DataFrame:
    first = datetime.date(2020, 1, 6)
    return pd.DataFrame(
        {
            "row": range(1, days + 1),
            "ds": [str(first + datetime.timedelta(days=day)) for day in range(days)],
            "y": [str(100 + day % 9) for day in range(days)],
            "extra: bus": [f"1,{day:03d}" for day in range(days)],
        }
    )


def validated(frame: pd.DataFrame, folder: Path, **actions: Any) -> Any:
    quiet = {"max_gap": 3, "today": "2021-01-01", **actions}
    series.validate(frame, SOURCE, SeriesQuality(**quiet), folder / "made")
    return pq.read_table(folder / "made" / "series.parquet").to_pandas()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_they_stand_beside_the_value_and_are_filled_with_it(tmp_path: Path) -> None:
    made = validated(cells().drop(index=[12, 13]), tmp_path)
    assert made.columns.tolist() == ["ds", "y", "filled", "rows", "bus"]
    expected = [1000.0 + day for day in range(30)]
    expected[12:14] = [1005.0, 1006.0]  # a week before
    assert made["bus"].tolist() == expected
    assert made["filled"].sum() == 2


@pytest.mark.parametrize("cell", ["", "none", "1.2.3", "inf"])
def test_what_is_no_number_goes_by_the_rule_of_values(tmp_path: Path, cell: str) -> None:
    frame = cells()
    frame.loc[20, "extra: bus"] = cell
    with pytest.raises(UserError, match=r"non_numeric.*row 21: 2020-01-26 has no number in bus"):
        validated(frame, tmp_path)
    made = validated(frame, tmp_path, non_numeric="quarantine")
    assert made["filled"].tolist() == [day == 20 for day in range(30)]
    assert made["bus"][20] == 1013.0
    aside = pq.read_table(tmp_path / "made" / "quarantine.parquet").to_pylist()
    assert [(row["row"], row["reasons"]) for row in aside] == [(21, ["non_numeric"])]


def test_rows_that_differ_in_a_further_column_alone_are_no_copies(tmp_path: Path) -> None:
    frame = pd.concat([cells(), cells().iloc[[5]]], ignore_index=True)
    assert validated(frame, tmp_path, exact_duplicate="quarantine")["bus"][5] == 1005.0
    frame.loc[30, "extra: bus"] = "9"
    with pytest.raises(UserError, match="conflicting_date"):
        validated(frame, tmp_path, exact_duplicate="quarantine", conflicting_date="stop")


@pytest.mark.parametrize("names", [("y",), ("filled",), ("a", "a"), ("value",)])
def test_names_that_are_taken(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="extra_columns should be distinct"):
        Csv(value_column="value", extra_columns=names)
