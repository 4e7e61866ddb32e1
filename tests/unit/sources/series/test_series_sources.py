"""births and csv: what is written, what is read back, what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.params import Params
from strokecast.sources import registry, tables

Settings = Callable[..., Params]
RAW = paths.RAW / "series"


def record() -> dict[str, Any]:
    value: dict[str, Any] = json.loads((RAW / "source.json").read_text())
    return value


@pytest.mark.parametrize(
    ("years", "real"),
    [("2000-2014", "us_births_2000_2014_ssa.csv"), ("1969-1988", "us_births_1969_1988.csv")],
)
def test_embedded_births_are_the_published_figures(
    project: Path, settings: Settings, shared: Path, years: str, real: str
) -> None:
    line = registry.download("series", settings(series={"births": {"years": years}}))
    frame = tables.read_series(RAW)
    with (shared / "series" / real).open() as file:
        published = [(row["date"], float(row["value"])) for row in csv.DictReader(file)]
    assert list(zip(frame["ds"], frame["y"].astype(float), strict=True)) == published
    assert list(frame["row"][[0, len(frame) - 1]]) == [1, len(published)]
    assert f"{len(published):,} days" in line
    assert record()["source"] == "births"


def test_births_are_the_same_bytes_each_time(project: Path, settings: Settings) -> None:
    registry.download("series", settings())
    once = (RAW / "series.csv").read_bytes(), (RAW / "source.json").read_bytes()
    registry.download("series", settings())
    assert once == ((RAW / "series.csv").read_bytes(), (RAW / "source.json").read_bytes())
    assert not list(paths.RAW.glob(".series.tmp-*"))


def of_csv(settings: Settings, path: Path | str, **options: Any) -> Params:
    return settings(series={"source": "csv", "csv": {"path": str(path), **options}})


def test_csv_is_copied_verbatim_and_read_as_it_stands(project: Path, settings: Settings) -> None:
    text = '\ufeffday,"riders, all",note\r\n01/02/2001,"1,234",x\r\n\r\n01/01/2001,n/a,"two\nlines"\r\n'
    (project / "my.csv").write_bytes(text.encode())
    registry.download(
        "series",
        of_csv(
            settings,
            "my.csv",
            date_column="day",
            value_column="riders, all",
            date_format="%m/%d/%Y",
            thousands=",",
            unit="riders",
        ),
    )
    assert (RAW / "series.csv").read_bytes() == text.encode()
    frame = tables.read_series(RAW)
    assert frame.to_dict("list") == {"row": [1, 2], "ds": ["01/02/2001", "01/01/2001"], "y": ["1,234", "n/a"]}
    assert str(frame["row"].dtype) == "int64"
    kept = {
        k: record()[k] for k in ("date_column", "date_format", "value_column", "thousands", "unit", "file")
    }
    assert kept == {
        "date_column": "day",
        "date_format": "%m/%d/%Y",
        "value_column": "riders, all",
        "thousands": ",",
        "unit": "riders",
        "file": "series.csv",
    }
    assert str(project) not in (RAW / "source.json").read_text()


def test_the_real_transit_files_are_read(project: Path, settings: Settings, shared: Path) -> None:
    options = {"date_column": "service_date", "date_format": "%m/%d/%Y", "value_column": "rail_boardings"}
    registry.download("series", of_csv(settings, shared / "series" / "cta_2001_2021.csv", **options))
    frame = tables.read_series(RAW)
    assert (len(frame), frame["ds"].nunique(), frame["y"][0]) == (7701, 7639, "126455")
    registry.download(
        "series", of_csv(settings, shared / "series" / "cta_export_2025.csv", **options, thousands=",")
    )
    assert tables.read_series(RAW)["y"][0] == "267,438"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"ds,y\n", "has a header but no row"),
        (b"date,y\n2001-01-01,1\n", "no column 'ds'; it has date, y"),
        (b"ds;y\n2001-01-01;1\n", "no column 'ds'; it has ds;y"),
        (b"ds,y,y\n2001-01-01,1,2\n", "'y' stands 2 times"),
        (b"ds,y\n2001-01-01,1,234\n", "line 2: 3 cells, but the header names 2 columns"),
        (b"ds,y\n2001-01-01,1\n2001-01-02\n", "line 3: 1 cells"),
        ("ds,y\n2001-01-01,1\n".encode("utf-16"), "not UTF-8"),
        (b"ds,y\n2001-01-01,\xe9\n", "not UTF-8"),
        (b'ds,y\n2001-01-01,"1\n', "no CSV"),
    ],
)
def test_a_bad_csv_is_one_line_and_leaves_the_old_download(
    project: Path, settings: Settings, content: bytes, words: str
) -> None:
    registry.download("series", settings())
    before = (RAW / "source.json").read_bytes()
    (project / "bad.csv").write_bytes(content)
    with pytest.raises(UserError) as caught:
        registry.download("series", of_csv(settings, "bad.csv"))
    line = str(caught.value)
    assert words in line
    assert "bad.csv" in line
    assert "\n" not in line
    assert (RAW / "source.json").read_bytes() == before
    assert sorted(p.name for p in paths.RAW.iterdir()) == ["series"]


def test_a_csv_that_is_not_there(project: Path, settings: Settings) -> None:
    with pytest.raises(UserError, match=r"no such file 'none\.csv'"):
        registry.download("series", of_csv(settings, "none.csv"))
    with pytest.raises(UserError, match="is no file"):
        registry.download("series", of_csv(settings, project))
    assert not RAW.exists()


def test_one_column_cannot_be_date_and_value(project: Path, settings: Settings) -> None:
    with pytest.raises(UserError, match="both 'ds'"):
        registry.download("series", of_csv(settings, "x.csv", value_column="ds"))


def test_a_relative_path_is_found_from_a_temporary_copy_of_the_project(
    project: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "my.csv").write_text("ds,y\n2001-01-01,1\n")
    copy = tmp_path / "copy"
    copy.mkdir()
    monkeypatch.chdir(copy)
    monkeypatch.setenv("DVC_ROOT", str(project))
    registry.download("series", of_csv(settings, "my.csv"))
    assert (copy / RAW / "series.csv").exists()


def test_home_is_understood(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.csv").write_text("ds,y\n2001-01-01,1\n")
    registry.download("series", of_csv(settings, "~/mine.csv"))
    assert (RAW / "series.csv").read_text() == "ds,y\n2001-01-01,1\n"


def test_stale_tells_a_changed_csv(project: Path, settings: Settings) -> None:
    (project / "my.csv").write_text("ds,y\n2001-01-01,1\n")
    options = of_csv(settings, "my.csv")
    registry.download("series", options)
    assert registry.stale("series", options, RAW) is None
    (project / "my.csv").write_text("ds,y\n2001-01-01,2\n")  # the same size
    assert "my.csv changed" in str(registry.stale("series", options, RAW))
    (project / "my.csv").unlink()
    assert registry.stale("series", options, RAW) is None
    assert registry.stale("series", settings(), RAW) is None  # another source: births
