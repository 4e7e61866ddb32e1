"""The source `csv`: copied byte for byte, read back as text, one-line errors."""

from __future__ import annotations

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


def csv_settings(settings: Settings, path: Path | str, **options: Any) -> Params:
    return settings(series={"source": "csv", "csv": {"path": str(path), **options}})


def test_the_file_is_copied_and_read_as_text(project: Path, settings: Settings) -> None:
    text = '\ufeffday,"riders, all",note\r\n01/02/2001,"1,234",x\r\n\r\n01/01/2001,n/a,"two\nlines"\r\n'
    (project / "my.csv").write_bytes(text.encode())
    options = {
        "date_column": "day",
        "value_column": "riders, all",
        "date_format": "%m/%d/%Y",
        "thousands": ",",
        "unit": "riders",
    }
    registry.download("series", csv_settings(settings, "my.csv", **options))
    assert (RAW / "series.csv").read_bytes() == text.encode()
    frame = tables.read_series(RAW)
    assert frame.to_dict("list") == {"row": [1, 2], "ds": ["01/02/2001", "01/01/2001"], "y": ["1,234", "n/a"]}
    assert str(frame["row"].dtype) == "int64"
    source = json.loads((RAW / "source.json").read_text())
    assert options | {"file": "series.csv"} == {key: source[key] for key in (*options, "file")}
    assert str(project) not in (RAW / "source.json").read_text()


def test_the_real_transit_files_are_read(project: Path, settings: Settings, shared: Path) -> None:
    options = {"date_column": "service_date", "date_format": "%m/%d/%Y", "value_column": "rail_boardings"}
    registry.download("series", csv_settings(settings, shared / "series" / "cta_2001_2021.csv", **options))
    frame = tables.read_series(RAW)
    assert (len(frame), frame["ds"].nunique(), frame["y"][0]) == (7701, 7639, "126455")
    path = shared / "series" / "cta_export_2025.csv"
    registry.download("series", csv_settings(settings, path, **options, thousands=","))
    assert tables.read_series(RAW)["y"][0] == "267,438"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"ds,y\n", "has a header but no row"),
        (b"date,y\n2001-01-01,1\n", "no column 'ds'; the columns are 'date', 'y'"),
        (b"ds;y\n2001-01-01;1\n", "no column 'ds'; the columns are 'ds;y'; set series.csv.separator to ';'"),
        (b"ds,y,y\n2001-01-01,1,2\n", "the header names the column 'y' 2 times"),
        (b"ds,y\n2001-01-01,1,234\n", "line 2: 3 cells, but the header names 2 columns"),
        (b"ds,y\n2001-01-01,1\n2001-01-02\n", "line 3: 1 cells"),
        ("ds,y\n2001-01-01,1\n".encode("utf-16"), "is UTF-16 text, not a CSV file"),
        (b"ds,y\n2001-01-01,\xe9\n", "not UTF-8"),
        (b'ds,y\n2001-01-01,"1\n', "is not CSV"),
    ],
)
def test_a_bad_file_gives_one_line_and_keeps_the_old_download(
    project: Path, settings: Settings, content: bytes, message: str
) -> None:
    registry.download("series", settings())
    before = (RAW / "source.json").read_bytes()
    (project / "bad.csv").write_bytes(content)
    with pytest.raises(UserError) as caught:
        registry.download("series", csv_settings(settings, "bad.csv"))
    line = str(caught.value)
    assert message in line
    assert "bad.csv" in line
    assert "\n" not in line
    assert (RAW / "source.json").read_bytes() == before
    assert sorted(p.name for p in paths.RAW.iterdir()) == ["series"]


def test_missing_files_and_folders_are_errors(project: Path, settings: Settings) -> None:
    with pytest.raises(UserError, match=r"no such file 'none\.csv'"):
        registry.download("series", csv_settings(settings, "none.csv"))
    with pytest.raises(UserError, match="is a folder"):
        registry.download("series", csv_settings(settings, project))
    assert not RAW.exists()


def test_date_and_value_must_be_two_columns(project: Path, settings: Settings) -> None:
    with pytest.raises(UserError, match="both 'ds'"):
        registry.download("series", csv_settings(settings, "x.csv", value_column="ds"))


def test_a_relative_path_is_found_from_a_temporary_copy_of_the_project(
    project: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "my.csv").write_text("ds,y\n2001-01-01,1\n")
    copy = tmp_path / "copy"
    copy.mkdir()
    monkeypatch.chdir(copy)
    monkeypatch.setenv("DVC_ROOT", str(project))
    registry.download("series", csv_settings(settings, "my.csv"))
    assert (copy / RAW / "series.csv").exists()


def test_the_home_folder_is_expanded(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.csv").write_text("ds,y\n2001-01-01,1\n")
    registry.download("series", csv_settings(settings, "~/mine.csv"))
    assert (RAW / "series.csv").read_text() == "ds,y\n2001-01-01,1\n"


def test_stale_reports_a_changed_file(project: Path, settings: Settings) -> None:
    (project / "my.csv").write_text("ds,y\n2001-01-01,1\n")
    options = csv_settings(settings, "my.csv")
    registry.download("series", options)
    assert registry.stale("series", options, RAW) is None
    (project / "my.csv").write_text("ds,y\n2001-01-01,2\n")  # the same size
    assert "my.csv changed" in str(registry.stale("series", options, RAW))
    (project / "my.csv").unlink()
    assert registry.stale("series", options, RAW) is None
    assert registry.stale("series", settings(), RAW) is None  # another source: births
