"""Data Docs from `report.json`, the stage script, and what they cost to import."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import numpy as np
import pytest

from strokecast.common import files
from strokecast.params import SeriesQuality, SketchQuality
from strokecast.validation import data_docs, rules
from strokecast.validation.series import validate as series
from strokecast.validation.sketches import validate as sketches

ROOT = Path(__file__).resolve().parents[3]


def pages(dataset: str) -> dict[str, str]:
    folder = data_docs.folder(dataset)
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("**/validations/**/*.html")}


def stage() -> ModuleType:
    spec = importlib.util.spec_from_file_location("validate_stage", ROOT / "stages/validate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_name_the_failing_rows(real_docs, groups, sketch_source) -> None:
    groups[3][2][3] = groups[0][2][1].copy()
    groups[0][2][4] = groups[0][2][4][:0]
    sketches.validate(lambda: groups, sketch_source, SketchQuality(max_quarantined=0.5))
    found = pages("sketches")
    assert sorted(found) == ["classes", "drawings", "drift", "lines", "totals"]
    for part in ("crab/train/4", "ice cream/train/3", "crab/train/1", "duplicate (quarantine)"):
        assert part in found["drawings"]
    assert "copies_within" in found["drawings"]
    index = (data_docs.folder("sketches") / data_docs.INDEX).read_text()
    for part in (
        "36 read, 34 accepted, 2 quarantined",
        "ice cream/train/3",
        "too_long",
        "validations/drawings/",
    ):
        assert part in index
    assert '<h2>Drawings set aside</h2><img src="worst.svg"' in index
    picture = ElementTree.parse(data_docs.folder("sketches") / "worst.svg").getroot()
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    for target in [piece.split('"')[0] for piece in index.split('href="')[1:]]:
        assert (data_docs.folder("sketches") / target).is_file()
    for page in data_docs.folder("sketches").rglob("*.html"):
        assert str(Path.cwd()) not in page.read_text(encoding="utf-8")


def test_rebuilt_pages_show_the_same(real_docs, cells, series_source) -> None:
    data = cells().assign(y=lambda frame: frame["y"].where(frame["row"] != 5, "<b>&"))
    settings = SeriesQuality(non_numeric="quarantine", max_gap=0, start="2020-01-06")
    series.validate(data, series_source, settings)
    settings = SeriesQuality(non_numeric="quarantine", max_gap=1)
    data.loc[data["row"] == 5, "y"], data.loc[data["row"] == 15, "y"] = "105", "<b>&"
    series.validate(data, series_source, settings)
    before, index = pages("series"), (data_docs.folder("series") / data_docs.INDEX).read_text()
    assert "&lt;b&gt;&amp;" in index
    assert "<b>&" not in index
    assert not data_docs.rebuild("series")
    shutil.rmtree("reports")
    assert data_docs.rebuild("series")
    assert not data_docs.rebuild("series")
    after = pages("series")
    assert sorted(after) == sorted(before) == ["calendar", "days", "rows", "wholes"]
    assert len(after["rows"]) == len(before["rows"])
    assert "2020-01-15" in after["rows"]


def test_pages_of_another_report_are_replaced(cells, series_source) -> None:
    series.validate(cells(), series_source, SeriesQuality())
    (data_docs.folder("series") / data_docs.REPORT).write_text("{}")
    assert data_docs.rebuild("series")
    assert not data_docs.rebuild("series")
    (data_docs.folder("series") / data_docs.INDEX).unlink()
    assert data_docs.rebuild("series")


def test_nothing_to_rebuild_without_a_report() -> None:
    assert not data_docs.rebuild("sketches")
    assert not Path("reports").exists()


def test_looking_for_missing_docs_imports_nothing_heavy(cells, series_source) -> None:
    series.validate(cells(), series_source, SeriesQuality())
    code = (
        "import sys; from strokecast.validation import docs; assert not docs.rebuild('series');"
        "print(sorted({'great_expectations', 'pandas', 'numpy', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_balance_that_does_not_hold_is_told() -> None:
    rules.balance(5, accepted=3, quarantined=2)
    with pytest.raises(RuntimeError, match="5 rows read, but 3 accepted \\+ 1 quarantined = 4"):
        rules.balance(5, accepted=3, quarantined=1)


def objects(own: list[np.ndarray]) -> np.ndarray:
    array = np.empty(len(own), dtype=object)
    array[:] = own
    return array


def test_the_stage_on_drawings(groups, capfd) -> None:
    raw = Path("data/raw/sketches")
    raw.mkdir(parents=True)
    for at, label in ((0, "crab"), (3, "ice cream")):
        np.savez(raw / f"{label}.npz", **{split: objects(own) for _, split, own, *_ in groups[at : at + 3]})
    files.write_json(
        raw / "source.json", {"source": "doodles", "classes": ["crab", "ice cream"], "files": {}}
    )
    Path("params.yaml").write_text("quality: {sketches: {max_delta: 39, huge_delta: warn}}\n")
    large = sum(np.abs(drawing[:, :2]).max() > 39 for _, _, own, *_ in groups for drawing in own)
    stage().main("sketches")
    out, err = capfd.readouterr()
    assert f"[validate@sketches] warning: huge_delta: {large} drawings (" in out
    assert "[validate@sketches] 36 read: 36 accepted, 0 quarantined (" in out
    assert err == ""
    assert json.loads(Path("data/validated/sketches/report.json").read_text())["source"] == "doodles"


def test_the_stage_on_a_bad_series_ends_in_one_line(series_source, capfd) -> None:
    raw = Path("data/raw/series")
    raw.mkdir(parents=True)
    (raw / "series.csv").write_text("ds,y\n2020-01-01,1\n2020-01-02,2\n2020-01-02,3\n")
    files.write_json(raw / "source.json", {**series_source, "date_column": "ds", "value_column": "y"})
    Path("params.yaml").write_text("series: {source: births}\n")
    with pytest.raises(SystemExit) as caught:
        stage().main("series")
    assert caught.value.code == 1
    out, err = capfd.readouterr()
    assert err == (
        "[validate@series] error: data/raw/series/series.csv: conflicting_date: 1 rows "
        "(2020-01-02 has '2' in row 2 and '3' in row 3); allowed: a date has one value; "
        "keep one row for each date, or set series.csv.aggregate or id_column where rows are meant to share one; "
        "see reports/data_docs/series/index.html\n"
    )
    assert out.count("\n") == 1
    assert not Path("data/validated/series").exists()
    assert (data_docs.folder("series") / data_docs.INDEX).is_file()


def test_the_stage_knows_its_datasets(capfd) -> None:
    with pytest.raises(SystemExit):
        stage().main("births")
    assert "unknown dataset 'births'; allowed: sketches, series" in capfd.readouterr().err


def test_the_mirror_of_twenty_classes(shared) -> None:
    from strokecast import params
    from strokecast.common import paths
    from strokecast.sources import registry
    from strokecast.sources.formats import reading, source_json

    mirror = {"base_url": str((shared / "quickdraw").resolve())}
    registry.download("sketches", params.parse({"sketches": {"source": "quickdraw", "quickdraw": mirror}}))
    raw = paths.RAW / "sketches"
    outcome = sketches.validate(lambda: reading.read(raw), source_json.read(raw, "sketches"), SketchQuality())
    assert outcome.line == "16,000 read: 16,000 accepted, 0 quarantined"
    assert outcome.warnings == []
    report = outcome.report
    assert {split: set(counts.values()) for split, counts in report["counts"].items()} == {
        "train": {650},
        "valid": {50},
        "test": {100},
    }
    assert len(report["classes"]) == len(report["counts"]["test"]) == 20
    assert (report["length"]["min"], report["length"]["median"], report["length"]["max"]) == (12, 48, 209)
