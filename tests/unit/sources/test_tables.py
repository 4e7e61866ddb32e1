"""Reading columns of CSV files."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from strokecast.common.errors import UserError
from strokecast.sources import tables

_CELLS = ["", " ", "1", "-2", "1,234", "1.5", "12,5", "nan", "inf", "1e400", "0", "٣", "1'000", "2021-03-01",
          "2021-03-02", "03/04/2021", "13/04/2021", "2021-02-30", "9999-12-31", "0001-01-01", "W", "é", "\ufeff"]  # fmt: skip


def csv_bytes(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", errors="replace")


cell = st.one_of(st.sampled_from(_CELLS), st.text(max_size=8))
csv_files = st.lists(st.lists(cell, max_size=4), max_size=8).map(csv_bytes)


def check_message(error: UserError) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) < 2000


@settings(
    max_examples=300,
    deadline=None,  # the machine may be busy; pytest's own time limit catches a hang
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # failures are small; shrinking takes minutes
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.one_of(st.binary(max_size=200), csv_files))
def test_any_bytes_are_rows_or_a_one_line_error(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "series.csv"
        path.write_bytes(b"ds,y\n" + data)
        try:
            rows = list(tables.read_columns(path, ("ds", "y")))
        except UserError as error:
            check_message(error)
            return
    text = (b"ds,y\n" + data).decode("utf-8-sig")
    assert rows == [tuple(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row][1:]
