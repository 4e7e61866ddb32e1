"""The stage script `stages/validate.py`."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from strokecast import params
from strokecast.common import files, paths
from strokecast.params.stages import write_stages
from strokecast.validation import data_docs

ROOT = Path(__file__).resolve().parents[3]


def stage() -> ModuleType:
    spec = importlib.util.spec_from_file_location("validate_stage", ROOT / "stages/validate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_settings(values: dict[str, Any]) -> None:
    """Write what the stage `params` writes."""
    paths.SETTINGS.mkdir(parents=True)
    write_stages(paths.SETTINGS, params.parse(values))


def object_array(drawings: list[np.ndarray]) -> np.ndarray:
    array = np.empty(len(drawings), dtype=object)
    array[:] = drawings
    return array


def test_drawings_end_in_a_summary_and_warnings(groups, capfd) -> None:
    raw = Path("data/raw/sketches")
    raw.mkdir(parents=True)
    for start, label in ((0, "crab"), (3, "ice cream")):
        splits = {group.split: object_array(group.drawings) for group in groups[start : start + 3]}
        np.savez(raw / f"{label}.npz", **splits)
    facts = {"source": "doodles", "classes": ["crab", "ice cream"], "files": {}}
    files.write_json(raw / "source.json", facts)
    write_settings({"quality": {"sketches": {"max_delta": 39, "huge_delta": "warn"}}})
    n_large = sum(np.abs(drawing[:, :2]).max() > 39 for group in groups for drawing in group.drawings)
    stage().main("sketches")
    out, err = capfd.readouterr()
    assert f"[validate@sketches] warning: huge_delta: {n_large} drawings (" in out
    assert "[validate@sketches] 36 read: 36 accepted, 0 quarantined (" in out
    assert err == ""
    assert json.loads(Path("data/validated/sketches/report.json").read_text())["source"] == "doodles"


def test_an_invalid_series_ends_in_one_line(capfd) -> None:
    raw = Path("data/raw/series")
    raw.mkdir(parents=True)
    (raw / "series.csv").write_text("ds,y\n2020-01-01,1\n2020-01-02,2\n2020-01-02,3\n")
    facts = {
        "source": "csv",
        "file": "series.csv",
        "date_format": "%Y-%m-%d",
        "date_column": "ds",
        "value_column": "y",
    }
    files.write_json(raw / "source.json", facts)
    write_settings({"series": {"source": "births"}})
    with pytest.raises(SystemExit) as caught:
        stage().main("series")
    assert caught.value.code == 1
    out, err = capfd.readouterr()
    assert err == (
        "[validate@series] error: data/raw/series/series.csv: conflicting_date: 1 rows "
        "(2020-01-02 has '2' in row 2 and '3' in row 3); allowed: each date has one value; "
        "keep one row per date, or set series.csv.aggregate or id_column if rows share dates on purpose; "
        "see reports/data_docs/series/index.html\n"
    )
    assert out.count("\n") == 1
    assert not Path("data/validated/series").exists()
    assert (data_docs.folder("series") / data_docs.INDEX).is_file()


def test_an_unknown_dataset_is_an_error(capfd) -> None:
    with pytest.raises(SystemExit):
        stage().main("births")
    assert "unknown dataset 'births'; choose one of sketches, series" in capfd.readouterr().err
