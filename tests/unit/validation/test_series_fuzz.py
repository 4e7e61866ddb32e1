"""Any bytes as a CSV file: rows that add up, or one clear line; never anything else."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from strokecast import params
from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.params import SeriesQuality
from strokecast.sources import registry, tables
from strokecast.sources.formats import source_json
from strokecast.validation.series import calendar, times
from strokecast.validation.series import validate as series
from strokecast.validation.series.rows import rows_table

TARGET = Path("data/validated/series")


def fuzz(examples: int) -> Any:
    return settings(
        max_examples=examples,
        deadline=None,  # the machine may be busy; pytest's own time limit catches a hang
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),  # a failure is small enough; shrinking takes minutes
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def one_line(error: UserError) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) < 2000


cell = st.one_of(
    st.sampled_from(
        ["", " ", "1", "-2", "1,234", "1.5", "12,5", "nan", "inf", "1e400", "0", "٣", "1'000", "2021-03-01",
         "2021-03-02", "03/04/2021", "13/04/2021", "2021-02-30", "9999-12-31", "0001-01-01", "W", "é", "\ufeff"]
    ),
    st.text(max_size=8),
)  # fmt: skip
day = st.integers(0, 25).map(lambda n: str(np.datetime64("2021-03-01") + n))
value = st.one_of(
    st.integers(-3, 400).map(str), st.sampled_from(["0", "7", "1,234", "x", "", "1e308", "nan"])
)


def written(rows: list[list[str]], quoting: int) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    return text.getvalue().encode("utf-8", errors="replace")


@fuzz(300)
@given(data=st.one_of(st.binary(max_size=200), st.lists(st.lists(cell, max_size=4), max_size=8).map(lambda rows: written(rows, csv.QUOTE_MINIMAL))))  # fmt: skip
def test_any_bytes_are_rows_or_one_line(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "series.csv"
        path.write_bytes(b"ds,y\n" + data)
        try:
            found = list(tables.read_columns(path, ("ds", "y")))
        except UserError as error:
            one_line(error)
            return
    text = (b"ds,y\n" + data).decode("utf-8-sig")
    assert found == [tuple(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row][1:]


@fuzz(150)
@given(
    rows=st.lists(
        st.tuples(st.one_of(day, cell), st.one_of(value, cell), cell, cell), min_size=1, max_size=12
    ),
    date_format=st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "auto", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S%z"]),
    timezone=st.sampled_from(["", "Europe/Berlin", "Pacific/Apia"]),
    aggregate=st.sampled_from(["none", "sum"]),
    thousands=st.sampled_from(["", ",", ".", " "]),
)
def test_any_cells_are_judged_or_one_line(
    rows: list[tuple[str, ...]], date_format: str, timezone: str, aggregate: str, thousands: str
) -> None:
    frame = pd.DataFrame(rows, columns=["ds", "y", "day_type", "total"], dtype="str")
    frame["part: a"] = frame["y"]
    frame.insert(0, "row", range(1, len(frame) + 1))
    source = {"timezone": timezone, "aggregate": aggregate, "thousands": thousands}
    try:
        chosen, _ = times.choose(frame["ds"], date_format)
        table = rows_table(frame, source, SeriesQuality(today="2021-03-20"), chosen)
    except UserError as error:
        one_line(error)
        return
    assert len(table) == len(frame)
    assert not np.isinf(table["value"]).any()
    assert not (table["marked"].astype(bool) & table["value"].notna()).any()


@fuzz(25)
@given(
    rows=st.lists(
        st.tuples(st.one_of(day, day, day, cell), st.one_of(value, value, cell), st.sampled_from("ab")),
        max_size=40,
        unique_by=lambda row: (row[0], row[2]),
    ),
    again=st.lists(st.integers(0, 45), max_size=5),
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
    several=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)  # fmt: skip
def test_no_row_is_lost_or_counted_twice(
    rows: list[tuple[str, str, str]], again: list[int], rules: dict[str, Any], several: bool, quoting: int
) -> None:
    lead = [
        (str(np.datetime64("2021-03-01") + n), "5", shop) for shop in "ab"[: 1 + several] for n in range(7)
    ]
    taken = {(date, shop) for date, _, shop in lead}
    whole = [
        *map(list, lead),
        *(list(row) for row in rows if (row[0], row[2] if several else "a") not in taken),
    ]
    whole += [whole[at] for at in again if at < len(whole)]
    Path("my.csv").write_bytes(written([["ds", "y", "shop"], *whole], quoting))
    options = {"path": "my.csv"} | ({"id_column": "shop", "unique_id": "a"} if several else {})
    chosen = params.parse({"series": {"source": "csv", "csv": options}, "quality": {"series": rules}})
    try:
        registry.download("series", chosen)
        raw = paths.RAW / "series"
        report = series.validate(
            tables.read_series(raw), source_json.read(raw, "series"), chosen.quality.series
        ).report
    except UserError as error:
        one_line(error)
        return
    aside = pq.read_table(TARGET / "quarantine.parquet")["row"].to_pylist()
    name = "all.parquet" if (TARGET / "all.parquet").exists() else "series.parquet"
    kept = sum(pq.read_table(TARGET / name)["rows"].to_pylist())
    assert len(set(aside)) == len(aside) == report["quarantined"]
    assert report["read"] == len(whole) == kept + len(aside) + report["outside"]
    assert set(aside) <= set(range(1, len(whole) + 1))


@fuzz(300)
@given(text=st.one_of(value, cell), mark=st.sampled_from(["", ",", ".", "'", " "]))
def test_a_number_is_what_python_reads_or_none(text: str, mark: str) -> None:
    (found,) = calendar.parse_values(pd.Series([text], dtype="str"), mark)
    if np.isnan(found):
        return
    plain = text.strip()
    for sign in {mark, "\u00a0", "\u202f"} - {""} if mark == " " else {mark} - {""}:
        plain = plain.replace(sign, "")
    assert found == float(plain.replace(",", ".") if mark == "." else plain)


@pytest.mark.parametrize("name", ["2021-03-01", "1e9", "not a date at all"])
def test_a_column_of_one_thing_is_no_hang(name: str) -> None:
    assert times.choose(pd.Series([name] * 1000, dtype="str"), "auto")[0]
