"""Files that a command reads: streams are copied, parquet columns become text."""

from __future__ import annotations

import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.commands import input_files
from strokecast.common.errors import UserError
from strokecast.sources import tables


def test_a_regular_file_is_read_where_it_lies(tmp_path: Path) -> None:
    for path in (tmp_path / "x", tmp_path / "missing", tmp_path):
        with input_files.local_copy(path) as file:
            assert file == path


def test_an_endless_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_files, "_MAX_STREAM", 1 << 20)
    with (
        pytest.raises(UserError, match="/dev/zero: has more than 1 MiB"),
        input_files.local_copy(Path("/dev/zero")),
    ):
        pass


def test_cells_of_parquet_files_become_text(tmp_path: Path) -> None:
    day = datetime.datetime(2024, 1, 31)
    table = pa.table(
        {
            "day": pa.array([day.date(), None], pa.date32()),
            "time": pa.array([day, day.replace(hour=5)]),
            "zoned": pa.array([day, day], pa.timestamp("us", "Europe/Berlin")),
            "number": [0.1, float("nan")],
            "flag": [True, False],
            "id": ["007", "7"],
            "category": pa.array(["a", "b"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "x")
    assert input_files.is_parquet(tmp_path / "x")
    texts = input_files.parquet_columns(tmp_path / "x", "x")
    columns = dict(zip(texts, next(input_files.read_parquet(tmp_path / "x", list(texts), "x")), strict=True))
    assert columns == {
        "day": ["2024-01-31", ""],
        "time": ["2024-01-31", "2024-01-31T05:00:00"],
        "zoned": ["2024-01-31T01:00:00+01:00", "2024-01-31T01:00:00+01:00"],
        "number": ["0.1", "nan"],
        "flag": ["True", "False"],
        "id": ["007", "7"],
        "category": ["a", "b"],
    }
    assert {name for name, is_text in texts.items() if not is_text} == {
        "day",
        "time",
        "zoned",
        "number",
        "flag",
    }


def test_a_damaged_parquet_file_and_one_that_repeats_a_column_are_refused(tmp_path: Path) -> None:
    (tmp_path / "damaged").write_bytes(b"PAR1" + bytes(100))
    with pytest.raises(UserError, match="in: is a parquet file that cannot be read"):
        input_files.parquet_columns(tmp_path / "damaged", "in")
    pq.write_table(pa.table([[1], [2]], names=["y", "y"]), tmp_path / "twice")
    with pytest.raises(UserError, match="in: names the column 'y' 2 times; rename one of them"):
        input_files.parquet_columns(tmp_path / "twice", "in")


def test_a_parquet_column_that_python_cannot_read_is_named(tmp_path: Path) -> None:
    far = pa.array([2**62], pa.timestamp("us"))
    pq.write_table(pa.table({"ds": ["2024-01-31"], "seen": far}), tmp_path / "x")
    with pytest.raises(UserError, match=r"^in: the column 'seen' has values that cannot be read"):
        list(input_files.read_parquet(tmp_path / "x", ["ds", "seen"], "in"))


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_a_file_that_the_disk_cannot_read_is_one_line() -> None:
    broken = Path("/proc/self/mem")  # its first bytes give an input/output error
    with pytest.raises(UserError, match=r"/proc/self/mem: cannot be read \(Input/output error\)"):
        input_files.is_parquet(broken)
    with pytest.raises(UserError, match=r"^in\.csv: cannot be read \(Input/output error\)"):
        list(tables.read_columns(broken, ["ds"], "in.csv"))
