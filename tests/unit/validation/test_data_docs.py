"""Data Docs are rendered from `report.json` and rebuilt if they are missing or outdated."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from strokecast.params import SeriesQuality, SketchQuality
from strokecast.validation import data_docs
from strokecast.validation.series.validate import validate_series
from strokecast.validation.sketches.validate import validate_sketches


def validation_pages(dataset: str) -> dict[str, str]:
    folder = data_docs.folder(dataset)
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("**/validations/**/*.html")}


def test_the_pages_name_the_failing_rows(real_docs, groups, sketch_source) -> None:
    groups[3].drawings[3] = groups[0].drawings[1].copy()
    groups[0].drawings[4] = groups[0].drawings[4][:0]
    validate_sketches(lambda: groups, sketch_source, SketchQuality(max_quarantined=0.5))
    pages = validation_pages("sketches")
    assert sorted(pages) == ["classes", "drawings", "drift", "lines", "totals"]
    for text in ("crab/train/4", "ice cream/train/3", "crab/train/1", "duplicate (quarantine)"):
        assert text in pages["drawings"]
    assert "copies_within" in pages["drawings"]
    folder = data_docs.folder("sketches")
    index = (folder / data_docs.INDEX).read_text()
    for text in (
        "36 read, 34 accepted, 2 quarantined",
        "ice cream/train/3",
        "too_long",
        "validations/drawings/",
    ):
        assert text in index
    assert '<h2>Rejected drawings</h2><img src="worst.svg"' in index
    picture = ElementTree.parse(folder / "worst.svg").getroot()
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    for link in [piece.split('"')[0] for piece in index.split('href="')[1:]]:
        assert (folder / link).is_file()
    for page in folder.rglob("*.html"):
        assert str(Path.cwd()) not in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_rebuilt_pages_equal_the_first_ones(real_docs, cells, series_source) -> None:
    data = cells().assign(y=lambda frame: frame["y"].where(frame["row"] != 5, "<b>&"))
    settings = SeriesQuality(non_numeric="quarantine", max_gap=0, start="2020-01-06")
    validate_series(data, series_source, settings)
    settings = SeriesQuality(non_numeric="quarantine", max_gap=1)
    data.loc[data["row"] == 5, "y"], data.loc[data["row"] == 15, "y"] = "105", "<b>&"
    validate_series(data, series_source, settings)
    before, index = validation_pages("series"), (data_docs.folder("series") / data_docs.INDEX).read_text()
    assert "&lt;b&gt;&amp;" in index
    assert "<b>&" not in index
    assert not data_docs.rebuild("series")
    shutil.rmtree("reports")
    assert data_docs.rebuild("series")
    assert not data_docs.rebuild("series")
    after = validation_pages("series")
    assert sorted(after) == sorted(before) == ["calendar", "days", "rows", "series"]
    assert len(after["rows"]) == len(before["rows"])
    assert "2020-01-15" in after["rows"]


def test_pages_of_another_report_are_replaced(cells, series_source) -> None:
    validate_series(cells(), series_source, SeriesQuality())
    (data_docs.folder("series") / data_docs.REPORT).write_text("{}")
    assert data_docs.rebuild("series")
    assert not data_docs.rebuild("series")
    (data_docs.folder("series") / data_docs.INDEX).unlink()
    assert data_docs.rebuild("series")


def test_without_a_report_nothing_is_rebuilt() -> None:
    assert not data_docs.rebuild("sketches")
    assert not Path("reports").exists()


@pytest.mark.slow
def test_checking_for_missing_docs_imports_no_large_library(cells, series_source) -> None:
    validate_series(cells(), series_source, SeriesQuality())
    code = (
        "import sys; from strokecast.validation import data_docs; assert not data_docs.rebuild('series');"
        "print(sorted({'great_expectations', 'pandas', 'numpy', 'pyarrow'} & set(sys.modules)))"
    )
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert completed.stdout.strip() == "[]"


def test_the_project_folder_may_have_dollar_signs(
    real_docs, cells, series_source, tmp_path, monkeypatch
) -> None:
    (tmp_path / "my $HOME ${x} \\$y").mkdir()
    monkeypatch.chdir(tmp_path / "my $HOME ${x} \\$y")
    validate_series(cells(), series_source, SeriesQuality())
    assert validation_pages("series")
