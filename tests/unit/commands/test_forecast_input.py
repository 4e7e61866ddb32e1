"""Files in every form, through the pipeline's download and validation and through `strokecast forecast`: one result."""

from __future__ import annotations

import datetime
import gzip
import json
import os
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from strokecast.commands.cli import main

GERMAN = {"date_column": "Datum", "value_column": "Umsatz", "date_format": "%d.%m.%Y"}


def test_the_model_keeps_how_its_file_was_read(naive_model: Path) -> None:
    spec_path = naive_model / "models/forecast/seasonal_naive_7/seed-1/spec.json"
    assert json.loads(spec_path.read_text())["table"] == {"max_gap": 3}


ROWS = "".join(f"{datetime.date(2021, 1, 1) + datetime.timedelta(days=day)},{day + 1}\n" for day in range(30))
GOOD = f"ds,y\n{ROWS}"


def excel_workbook(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "")


UNREADABLE: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "gzip": ("in.csv.gz", lambda path: path.write_bytes(gzip.compress(GOOD.encode())), "is a gzip-compressed file, not a CSV file; unpack it"),
    "Excel": ("in.xlsx", excel_workbook, "is an Excel workbook, not a CSV file; save it as CSV (UTF-8)"),
    "old Excel": ("in.xls", lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9), "is an Excel workbook"),
    "UTF-16": ("in.csv", lambda path: path.write_bytes(GOOD.encode("utf-16")), "is UTF-16 text, not a CSV file; save it as UTF-8"),
    "UTF-16 without a mark": ("in.csv", lambda path: path.write_bytes(GOOD.encode("utf-16-le")), "has NUL bytes, as UTF-16 text has"),
    "Latin-1": ("in.csv", lambda path: path.write_bytes((GOOD + "2021-02-01,ü\n").encode("latin-1")), "is not UTF-8 text (byte 0xfc in line 32); save it as UTF-8"),
    "a web page": ("in.csv", lambda path: path.write_text("<!doctype html><html></html>"), "is an HTML page, not a CSV file"),
    "nothing": ("in.csv", lambda path: path.touch(), "is empty; allowed: a CSV file"),
    "a folder": ("in.csv", lambda path: path.mkdir(), "is a folder"),
    "no file": ("in.csv", lambda path: None, "no such file"),
    "links in a circle": ("in.csv", lambda path: path.symlink_to("in.csv"), "its symbolic links form a circle"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_not_a_table_is_named_in_one_line(forecast_project: Any, name: str) -> None:
    file, make, line = UNREADABLE[name]
    make(forecast_project.root / file)
    error, table = forecast_project.validate(forecast_project.root / file)
    result = forecast_project.forecast(forecast_project.root / file, table)
    assert line in error
    assert line in result.output
    assert (result.exit_code, result.output.count("\n")) == (1, 1), result.output


@pytest.mark.parametrize(
    "text",
    [f"\ufeff{GOOD}", GOOD.replace("\n", "\r\n"), f"\n\n{GOOD}\n\n"],
    ids=["BOM", "CRLF", "blank lines"],
)
def test_any_utf_8_text_is_read(forecast_project: Any, text: str) -> None:
    (forecast_project.root / "in.csv").write_bytes(text.encode())
    error, table = forecast_project.validate(forecast_project.root / "in.csv")
    assert error == ""
    assert forecast_project.forecast(forecast_project.root / "in.csv", table).exit_code == 0
    assert pd.read_csv("out.csv")["mean"].tolist() == [24, 25, 26, 27, 28, 29, 30]


@pytest.mark.parametrize("row", ["2021-01-31,{}", "{},1"], ids=["value", "date"])
def test_a_cell_of_hundreds_of_digits_is_one_short_line(forecast_project: Any, row: str) -> None:
    """The line is that of a cell of 60 characters."""
    shown = "9" * 59 + "…"
    lines = []
    for cell in ("9" * 400, shown):
        (forecast_project.root / "in.csv").write_text(f"{GOOD}{row.format(cell)}\n")
        error, table = forecast_project.validate(forecast_project.root / "in.csv")
        result = forecast_project.forecast(forecast_project.root / "in.csv", table)
        assert f"'{shown}'" in error
        assert f"'{shown}'" in result.output
        assert (result.exit_code, result.output.count("\n")) == (1, 1), result.output
        lines.append((error, result.output))
    assert lines[0] == lines[1]


def test_ids_are_text_whatever_they_look_like(forecast_project: Any) -> None:
    ids = ["007", "7", "7.0", "1e5", "nan", "NA", "None", "true", "null", "-", "%s"]
    rows = "".join(f"{line},{unique_id}\n" for unique_id in ids for line in ROWS.splitlines())
    (forecast_project.root / "in.csv").write_text(f"ds,y,unique_id\n{rows}")
    error, table = forecast_project.validate(
        forecast_project.root / "in.csv", id_column="unique_id", unique_id="007"
    )
    assert error == ""
    validated = pq.read_table("data/validated/series/all.parquet")["unique_id"].to_pylist()
    assert sorted(set(validated)) == sorted(ids)
    for series_id in ids[2:5]:
        one = "".join(f"{line},{series_id}\n" for line in ROWS.splitlines())
        (forecast_project.root / "in.csv").write_text(f"ds,y,unique_id\n{one}")
        result = forecast_project.forecast(forecast_project.root / "in.csv", table)
        assert result.exit_code == 0, result.output
        forecasts = pd.read_csv("out.csv", dtype=str, keep_default_na=False)
        assert forecasts["unique_id"].unique().tolist() == [series_id]


def test_the_plain_form_is_read_by_a_model_of_any_file(forecast_project: Any) -> None:
    (forecast_project.root / "in.csv").write_text(GOOD)
    table = {**GERMAN, "separator": ";", "thousands": ".", "max_gap": 0}
    assert forecast_project.forecast(forecast_project.root / "in.csv", table).exit_code == 0
    (forecast_project.root / "in.csv").write_text(GOOD.replace("ds,y", "Datum;Umsatz").replace(",", ";"))
    assert forecast_project.forecast(forecast_project.root / "in.csv", table).exit_code == 0, (
        "ISO dates in the columns of the training file"
    )
    assert pd.read_csv("out.csv")["mean"].tolist() == [24, 25, 26, 27, 28, 29, 30]


def test_rows_are_sorted_and_repeated_rows_left_out_with_warnings(forecast_project: Any) -> None:
    lines = ROWS.splitlines(keepends=True)
    (forecast_project.root / "in.csv").write_text("ds,y\n" + "".join([*reversed(lines), lines[3]]))
    result = forecast_project.forecast(forecast_project.root / "in.csv", {})
    assert result.exit_code == 0
    assert "warning: " in result.output
    assert "unsorted: 29 rows (row 2: 2021-01-29 '29', " in result.output
    assert "exact_duplicate: 1 rows (row 31: 2021-01-04 '4'); they are left out" in result.output
    assert pd.read_csv("out.csv")["mean"].tolist() == [24, 25, 26, 27, 28, 29, 30]


def test_gaps_are_filled_if_the_training_filled_them(forecast_project: Any) -> None:
    lines = ROWS.splitlines(keepends=True)
    (forecast_project.root / "in.csv").write_text("ds,y\n" + "".join([*lines[:20], *lines[21:]]))
    result = forecast_project.forecast(forecast_project.root / "in.csv", {"max_gap": 0})
    assert "column ds: 2021-01-21 is missing" in result.output
    assert not Path("out.csv").exists()
    result = forecast_project.forecast(forecast_project.root / "in.csv", {"max_gap": 1})
    assert result.exit_code == 0
    assert "1 missing days (2021-01-21, ...) got the value of one week earlier" in result.output


def test_an_incomplete_last_day_is_left_out_if_the_training_did_so(forecast_project: Any) -> None:
    days = pd.date_range("2021-01-01", periods=60)
    values = [*(100 + 10 * days.dayofweek[:-1]), 12]
    text = "".join(f"{day:%Y-%m-%d},{value}\n" for day, value in zip(days, values, strict=True))
    (forecast_project.root / "in.csv").write_text(f"ds,y\n{text}")
    error, table = forecast_project.validate(forecast_project.root / "in.csv")
    assert (error, table["partial_day"]) == ("", "quarantine")
    result = forecast_project.forecast(forecast_project.root / "in.csv", table)
    assert result.exit_code == 0, result.output
    assert (
        "2021-03-01: 12, 12 % of its weekday's median 100; the day is left out, as in the training"
        in result.output
    )
    assert pd.read_csv("out.csv")["ds"][0] == "2021-03-01"
    forecast_project.forecast(forecast_project.root / "in.csv", table | {"partial_day": "warn"})
    assert pd.read_csv("out.csv")["ds"][0] == "2021-03-02"


def test_timestamps_become_days_as_in_the_training(forecast_project: Any) -> None:
    hours = pd.date_range("2021-01-01", periods=20 * 24 + 5, freq="h")
    text = "".join(f"{hour:%Y-%m-%d %H:%M},{hour.day}\n" for hour in hours)
    (forecast_project.root / "in.csv").write_text(f"ds,y\n{text}")
    options = {"aggregate": "sum", "date_format": "%Y-%m-%d %H:%M"}
    error, table = forecast_project.validate(forecast_project.root / "in.csv", **options)
    assert error == ""
    assert forecast_project.forecast(forecast_project.root / "in.csv", table).exit_code == 0
    forecasts = pd.read_csv("out.csv")
    assert forecasts["ds"].iloc[0] == "2021-01-21", "the last day has 5 hours only"
    assert forecasts["mean"].tolist() == [24 * day for day in range(14, 21)]


@pytest.mark.parametrize("kind", ["fifo", "standard input", "parquet", "parquet with text"])
def test_streams_and_parquet_files_are_read(forecast_project: Any, kind: str) -> None:
    source = forecast_project.root / "in.csv"
    stdin = None
    if kind == "fifo":
        os.mkfifo(source)
        threading.Thread(target=source.write_text, args=(GOOD,), daemon=True).start()
    elif kind == "standard input":
        source, stdin = Path("-"), GOOD
    else:
        frame = pd.DataFrame([line.split(",") for line in ROWS.split()], columns=["ds", "y"])
        typed = frame.assign(ds=pd.to_datetime(frame["ds"]), y=frame["y"].astype(float))
        (frame if "text" in kind else typed).to_parquet(source)
    options = ["--model", "seasonal_naive_7", "--input", str(source), "--output", "-"]
    result = CliRunner().invoke(main, ["forecast", *options], input=stdin)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 8, "nothing but the table is on standard output"
    assert lines[1].startswith("2021-01-31,rides,24.0,")
    level_warning, outcome = result.stderr.splitlines()
    assert "median of its last 30 days is 15.5" in level_warning
    assert outcome == "seasonal_naive_7: 7 days of rides from 2021-01-31 -> -"
    assert not Path("-").exists()


@pytest.mark.parametrize(
    ("column", "line"),
    [
        ({"y": [True] * 30}, "non_numeric: 30 rows (row 1: 2021-01-01 'True', "),
        ({"y": [None, *range(29)]}, "non_numeric: 1 rows (row 1: 2021-01-01 '')"),
        ({"y": [-1.5] * 30}, "negative: 30 rows (row 1: 2021-01-01 '-1.5', "),
        ({"x": range(30)}, "has no column 'y'; allowed: columns ds, y; the columns are 'ds', 'x'"),
    ],
)
def test_the_same_rules_hold_for_parquet_files(
    forecast_project: Any, column: dict[str, Any], line: str
) -> None:
    pd.DataFrame({"ds": pd.date_range("2021-01-01", periods=30), **column}).to_parquet("in.parquet")
    result = forecast_project.forecast(Path("in.parquet"), {})
    assert line in result.output
    assert (result.exit_code, result.output.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("/dev/full", "/dev/full: cannot be written (No space left on device)"),
        ("folder", "--output: folder is a folder; name a file in it"),
        ("out.xlsx", "--output: out.xlsx would not be a .xlsx file; allowed: a .csv or .parquet file"),
        ("in.csv", "--output: in.csv is also an input"),
        ("link", "--output: link is also an input"),
        ("circle", "--output: circle cannot be written (Too many levels of symbolic links)"),
    ],
)
def test_an_output_that_cannot_be_written_gives_one_line(
    forecast_project: Any, output: str, line: str
) -> None:
    Path("in.csv").write_text(GOOD)
    Path("folder").mkdir()
    Path("link").symlink_to("in.csv")
    Path("circle").symlink_to("circle")
    before = {path.name for path in forecast_project.root.iterdir()}
    result = forecast_project.forecast(Path("in.csv"), {}, "--output", output)
    assert line in result.output
    assert (result.exit_code, result.output.count("\n")) == (1, 1), result.output
    assert ({path.name for path in forecast_project.root.iterdir()}, Path("in.csv").read_text()) == (
        before,
        GOOD,
    )


def test_a_full_disk_leaves_the_old_forecast(forecast_project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_disk(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    Path("in.csv").write_text(GOOD)
    Path("out.csv").write_text("old")
    monkeypatch.setattr(pd.DataFrame, "to_csv", fill_disk)
    result = forecast_project.forecast(Path("in.csv"), {})
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "error: out.csv: cannot be written (No space left on device)" in result.output
    assert Path("out.csv").read_text() == "old"


GERMAN_NUMBERS = {"date_column": "ds", "value_column": "y", "date_format": "%Y-%m-%d", "thousands": "."}


@pytest.mark.parametrize(
    ("y", "last"),
    [(lambda day: f"{day}.000", 29_000), (lambda day: day + 0.125, 29.125)],
    ids=["text", "numbers"],
)
def test_each_parquet_column_is_read_by_its_own_type(
    forecast_project: Any, y: Callable[[int], Any], last: float
) -> None:
    """Days of another type than text do not change how text with thousands separators is read."""
    frame = pd.DataFrame({"ds": pd.date_range("2021-01-01", periods=30), "y": [y(day) for day in range(30)]})
    frame.to_parquet("in.parquet")
    result = forecast_project.forecast(Path("in.parquet"), GERMAN_NUMBERS)
    assert result.exit_code == 0, result.output
    assert pd.read_csv("out.csv")["mean"].iloc[-1] == last


def test_parquet_columns_may_have_spaces_and_ids_of_whole_numbers(forecast_project: Any) -> None:
    days = pd.date_range("2021-01-01", periods=30)
    pd.DataFrame({" ds": days, "y ": range(30), "unique_id": [7.0] * 30}).to_parquet("in.parquet")
    result = forecast_project.forecast(Path("in.parquet"), {})
    assert result.exit_code == 0, result.output
    assert set(pd.read_csv("out.csv")["unique_id"]) == {7}


def test_a_forecast_may_begin_in_the_year_10000(forecast_project: Any) -> None:
    days = np.datetime64("9999-12-02", "s") + np.arange(30) * np.timedelta64(1, "D")
    pd.DataFrame({"ds": days, "y": range(30)}).to_parquet("in.parquet")
    result = forecast_project.forecast(Path("in.parquet"), {})
    assert result.exit_code == 0, result.output
    assert "7 days of rides from 10000-01-01" in result.output
