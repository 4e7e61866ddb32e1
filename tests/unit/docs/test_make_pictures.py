"""docs/make_pictures.py: the table of results and the pictures that need no trained model."""

from __future__ import annotations

import csv
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def pictures(import_script: Callable[[str], ModuleType]) -> ModuleType:
    return import_script("make_pictures")


@pytest.fixture(scope="module")
def results(pictures: ModuleType) -> ModuleType:
    return importlib.import_module("picture_makers.results")


@pytest.fixture(scope="module")
def pipeline(pictures: ModuleType) -> ModuleType:
    return importlib.import_module("picture_makers.pipeline")


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Reports of three classifiers and two forecasters."""
    rows = [
        ("classify", "gru", {"accuracy": 0.95, "accuracy_low": 0.94, "accuracy_high": 0.96}),
        ("classify", "lstm", {"accuracy": 0.9, "accuracy_low": 0.88, "accuracy_high": 0.92}),
        ("classify", "logistic", {"accuracy": 0.8, "accuracy_low": 0.78, "accuracy_high": 0.82}),
        ("forecast", "ridge", {"mae": 1234.5, "mae_low": 1200, "mae_high": 1300}),
        ("forecast", "seasonal_naive_7", {"mae": 2000, "mae_low": 1900, "mae_high": 2100}),
    ]
    keys = [
        "task",
        "model",
        "rank",
        "champion",
        "recognised",
        *(f"{m}{end}" for m in ("accuracy", "mae") for end in ("", "_low", "_high")),
    ]
    with (tmp_path / "leaderboard.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, keys)
        writer.writeheader()
        writer.writerows(
            {"task": task, "model": model, "rank": rank, "champion": str(model == "lstm").lower(), **metrics}
            for rank, (task, model, metrics) in enumerate(rows, 1)
        )
    summaries = {
        "classify": {
            "task": "classify",
            "baseline": "logistic",
            "test": 1200,
            "classes": ["ant", "pig"],
            "source": "s",
        },
        "forecast": {
            "task": "forecast",
            "baseline": None,
            "unit": "births",
            "series": "US births",
            "horizon": 7,
            "test": 40,
            "first": "2013-07-02",
            "last": "2014-12-23",
        },
    }
    for task, summary in summaries.items():
        (tmp_path / task).mkdir()
        (tmp_path / task / "summary.json").write_text(json.dumps(summary))
    return tmp_path


def test_table_of_results(results: ModuleType, reports: Path) -> None:
    rows = results.results_table(reports).splitlines()
    assert rows[2] == (
        "| **classify**, strokes to class: accuracy | `gru` 95.0 % (94.0–96.0) | `lstm` 90.0 % (88.0–92.0) | "
        "`logistic` 80.0 % (78.0–82.0) | `lstm` (2 of 3) | `logistic` 80.0 % (78.0–82.0) |"
    )
    assert "| `ridge` 1,234 births (1,200–1,300) |" in rows[3]
    assert rows[3].endswith("| - | - | - |")
    assert "1,200 test drawings of 2 classes" in rows[-1]


def test_text_between_the_markers_is_replaced(results: ModuleType) -> None:
    text = f"a\n{results.BEGIN}\nold\n{results.END}\nb\n"
    assert results.replace_between(text, "new") == f"a\n{results.BEGIN}\nnew\n{results.END}\nb\n"
    assert results.replace_between("no markers", "new") == "no markers"


def test_pages_have_the_markers(pictures: ModuleType, results: ModuleType) -> None:
    for page in results.PAGES:
        text = (pictures.ROOT / page).read_text(encoding="utf-8")
        assert text.count(results.BEGIN) == text.count(results.END) == 1


def test_a_picture_without_its_inputs_is_left_as_it_is(
    pictures: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "docs" / "pictures"
    assert pictures.main(["forecast", "ranking"], folder, tmp_path / "none") == 2
    assert "left as it is: no " in capsys.readouterr().err
    assert not list(folder.iterdir())


def test_pipeline_picture_is_the_committed_one(
    pictures: ModuleType, pipeline: ModuleType, tmp_path: Path
) -> None:
    pipeline.draw_pipeline(tmp_path, tmp_path)
    assert (tmp_path / "pipeline.svg").read_bytes() == (pictures.PICTURES / "pipeline.svg").read_bytes()


def test_pipeline_picture_names_the_stages_of_dvc_yaml(pictures: ModuleType, pipeline: ModuleType) -> None:
    from ruamel.yaml import YAML

    stages = YAML(typ="safe").load((pictures.ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    drawn = [stage for stage, _ in pipeline.STAGES]
    assert (
        list(dict.fromkeys(name.split("-")[0] for name in stages if name not in ("code", "judge"))) == drawn
    )
