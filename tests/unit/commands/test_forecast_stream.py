"""`strokecast forecast` on inputs of many series, which are read in pieces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from strokecast.commands import forecast, forecast_cells
from strokecast.common.errors import UserError
from strokecast.inference import networks

NAMES = ("tram", "rail", "bus")


@pytest.fixture
def table(several_series: Any) -> pd.DataFrame:
    """The days of three series, one after the other."""
    parts = [
        pd.DataFrame(
            {
                "ds": several_series.dates(name).astype(str),
                "unique_id": name,
                "y": several_series.values(name),
            }
        )
        for name in NAMES
    ]
    return pd.concat(parts, ignore_index=True)


Run = Callable[..., tuple[pd.DataFrame, list[str]]]


@pytest.fixture
def run(several_series: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run(source, model)`: the written table and the warnings."""
    monkeypatch.chdir(several_series.root)

    def forecast_file(source: Path, model: str = "seasonal_naive_7", **options: Any) -> Any:
        lines: list[str] = []
        output = tmp_path / "out.parquet"
        forecast.run(
            forecast.ForecastOptions(model, source, None, output, **{"keep_state": False} | options),
            lines.append,
        )
        return pd.read_parquet(output), lines

    return forecast_file


def write_csv(frame: pd.DataFrame, path: Path) -> Path:
    """Write a CSV file."""
    frame.to_csv(path, index=False)
    return path


def write_parquet(frame: pd.DataFrame, path: Path) -> Path:
    """Write a parquet file."""
    frame.to_parquet(path, index=False)
    return path


def write_folder(frame: pd.DataFrame, path: Path) -> Path:
    """Write a file per series, and one that is not read."""
    path.mkdir()
    for number, (_, rows) in enumerate(frame.groupby("unique_id", sort=False)):
        rows.to_csv(path / f"{number}.csv", index=False)
    (path / "notes.txt").touch()
    return path


def write_by_day(frame: pd.DataFrame, path: Path) -> Path:
    """Write a CSV file in which the days of the series alternate after the first row of each."""
    is_first = ~frame["unique_id"].duplicated()
    return write_csv(pd.concat([frame[is_first], frame[~is_first].sort_values("ds", kind="stable")]), path)


@pytest.mark.parametrize(
    ("model", "write"),
    [
        ("seasonal_naive_7", write_csv),
        ("seasonal_naive_7", write_parquet),
        ("seasonal_naive_7", write_folder),
        ("seasonal_naive_7", write_by_day),
        ("linear", write_by_day),
    ],
)
def test_pieces_give_the_forecasts_and_intervals_of_one_call_per_series(
    table: pd.DataFrame, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, write: Any
) -> None:
    states = [tmp_path / name for name in ("alone.json", "pieces.json")]
    alone = [
        run(
            write_csv(table[table["unique_id"] == name], tmp_path / "alone.csv"),
            model,
            state=states[0],
            keep_state=True,
        )[0]
        for name in NAMES
    ]
    monkeypatch.setattr(forecast_cells, "PIECE_ROWS", 450)  # two series
    pieces, lines = run(write(table, tmp_path / "in"), model, state=states[1], keep_state=True)
    tolerance = 0.0 if model == "seasonal_naive_7" else 1e-5
    pd.testing.assert_frame_equal(pieces, pd.concat(alone, ignore_index=True), rtol=tolerance, atol=0.0)
    if model == "seasonal_naive_7":
        assert states[0].read_text() == states[1].read_text()
    assert not lines


@pytest.mark.parametrize("write", [write_csv, write_by_day])
def test_a_bad_series_costs_that_series_alone_whatever_its_piece(
    table: pd.DataFrame, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Any
) -> None:
    good, _ = run(write_csv(table, tmp_path / "in.csv"))
    table["y"] = table["y"].astype(str)
    row = int(np.flatnonzero(table["unique_id"] == "rail")[5])
    table.loc[row, "y"] = "n/a"
    source = write(table, tmp_path / "bad.csv")
    number = source.read_text().splitlines().index(f"{table['ds'][row]},rail,n/a")
    for limit in (forecast_cells.PIECE_ROWS, 300):
        monkeypatch.setattr(forecast_cells, "PIECE_ROWS", limit)
        kept, lines = run(source, skip_invalid=True)
        assert [line.partition(" is left out: ")[2] for line in lines if "is left out" in line] == [
            f"non_numeric (row {number} of rail: {table['ds'][row]} 'n/a')"
        ]
        pd.testing.assert_frame_equal(kept, good[good["unique_id"] != "rail"].reset_index(drop=True))
        with pytest.raises(UserError, match=f"row {number} of rail"):
            run(source)


def test_rows_that_are_cut_cost_their_series_alone(table: pd.DataFrame, run: Run, tmp_path: Path) -> None:
    source = write_csv(table, tmp_path / "in.csv")
    good, _ = run(source)
    lines = source.read_text().splitlines()
    rail = next(number for number, line in enumerate(lines) if ",rail," in line)
    lines[rail + 9] = lines[rail + 9].rpartition(",")[0]
    source.write_text("\n".join([*lines, "2021-01-01"]))
    kept, warnings = run(source, skip_invalid=True)
    pd.testing.assert_frame_equal(kept, good[good["unique_id"] != "rail"].reset_index(drop=True))
    assert f"1 rows have no 'unique_id' (row {len(lines)}); they are left out" in warnings[0]
    assert (
        f"series rail is left out: bad_date (row {rail + 9} of rail: 'row with more or fewer" in warnings[1]
    )
    with pytest.raises(UserError, match=rf"in\.csv, line {rail + 10}: 2 cells"):
        run(source)


def test_a_network_is_called_once_for_the_series_of_a_piece(
    table: pd.DataFrame, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    make = networks.inference_function

    def counted(model: Any) -> Any:
        traced = make(model)

        def call(inputs: dict[str, Any]) -> Any:
            sizes.append(len(inputs["past"]))
            return traced(inputs)

        return call

    monkeypatch.setattr(networks, "inference_function", counted)
    run(write_csv(table, tmp_path / "in.csv"), "linear")
    assert sizes == [3]


def test_a_series_in_two_files_and_a_folder_without_tables_are_refused(
    table: pd.DataFrame, run: Run, tmp_path: Path
) -> None:
    source = write_folder(table, tmp_path / "in")
    write_csv(table[table["unique_id"] == "bus"], source / "again.csv")
    with pytest.raises(UserError, match=r"again\.csv"):
        run(source)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="a folder without a table"):
        run(tmp_path / "empty")


@pytest.mark.slow
def test_processes_give_the_same_table(
    table: pd.DataFrame, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_csv(table.assign(y=table["y"].where(table.index != 3, -1.0)), tmp_path / "in.csv")
    monkeypatch.setattr(forecast_cells, "PIECE_ROWS", 300)
    one, two = (run(source, skip_invalid=True, jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one[0], two[0])
    assert one[1] == two[1]
    assert one[0]["unique_id"].unique().tolist() == ["rail", "bus"]
