"""Random CSV files: every row is accepted, quarantined or outside, or the file is a one-line error."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from strokecast import params
from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.sources import registry, tables
from strokecast.sources.formats import source_json
from strokecast.validation.series.source import SeriesSource
from strokecast.validation.series.validate import validate_series

TARGET = Path("data/validated/series")
_CELLS = ["", " ", "1", "-2", "1,234", "1.5", "12,5", "nan", "inf", "1e400", "0", "٣", "1'000", "2021-03-01",
          "2021-03-02", "03/04/2021", "13/04/2021", "2021-02-30", "9999-12-31", "0001-01-01", "W", "é", "\ufeff"]  # fmt: skip
cell = st.one_of(st.sampled_from(_CELLS), st.text(max_size=8))
day = st.integers(0, 25).map(lambda n: str(np.datetime64("2021-03-01") + n))
value = st.one_of(
    st.integers(-3, 400).map(str), st.sampled_from(["0", "7", "1,234", "x", "", "1e308", "nan"])
)


def csv_bytes(rows: list[list[str]], quoting: int) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    return text.getvalue().encode("utf-8", errors="replace")


def check_message(error: UserError) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) < 2000


@pytest.mark.slow
@settings(
    max_examples=25,
    deadline=None,  # the machine may be busy; pytest's own time limit catches a hang
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # failures are small; shrinking takes minutes
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=st.lists(
        st.tuples(st.one_of(day, day, day, cell), st.one_of(value, value, cell), st.sampled_from("ab")),
        max_size=40,
        unique_by=lambda row: (row[0], row[2]),
    ),
    repeated=st.lists(st.integers(0, 45), max_size=5),
    rules=st.fixed_dictionaries(
        {
            "bad_date": st.just("quarantine"),
            "non_numeric": st.just("quarantine"),
            "thousands_mark": st.just("quarantine"),
            "negative": st.sampled_from(["quarantine", "warn"]),
            "future_date": st.just("quarantine"),
            "zero_run": st.just("quarantine"),
            "zero_days": st.just(1),
            "outlier": st.just("quarantine"),
            "max_gap": st.just(28),
        }
    ),
    has_two_series=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_every_row_is_counted_once(
    rows: list[tuple[str, str, str]],
    repeated: list[int],
    rules: dict[str, Any],
    has_two_series: bool,
    quoting: int,
) -> None:
    first_week = [
        (str(np.datetime64("2021-03-01") + n), "5", shop)
        for shop in "ab"[: 1 + has_two_series]
        for n in range(7)
    ]
    first_keys = {(date, shop) for date, _, shop in first_week}
    all_rows = [
        *map(list, first_week),
        *(list(row) for row in rows if (row[0], row[2] if has_two_series else "a") not in first_keys),
    ]
    all_rows += [all_rows[index] for index in repeated if index < len(all_rows)]
    Path("my.csv").write_bytes(csv_bytes([["ds", "y", "shop"], *all_rows], quoting))
    options = {"path": "my.csv"} | ({"id_column": "shop", "unique_id": "a"} if has_two_series else {})
    chosen = params.parse({"series": {"source": "csv", "csv": options}, "quality": {"series": rules}})
    try:
        registry.download("series", chosen)
        raw = paths.RAW / "series"
        source = SeriesSource.from_json(source_json.read(raw, "series"))
        report = validate_series(tables.read_series(raw), source, chosen.quality.series).report
    except UserError as error:
        check_message(error)
        return
    quarantined = pq.read_table(TARGET / "quarantine.parquet")["row"].to_pylist()
    name = "all.parquet" if (TARGET / "all.parquet").exists() else "series.parquet"
    n_accepted = sum(pq.read_table(TARGET / name)["rows"].to_pylist())
    assert len(set(quarantined)) == len(quarantined) == report["quarantined"]
    assert report["read"] == len(all_rows) == n_accepted + len(quarantined) + report["outside"]
    assert set(quarantined) <= set(range(1, len(all_rows) + 1))
