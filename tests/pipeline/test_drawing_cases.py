"""Drawings in files as users have them (`tests/cases/`), from download to the records of `classify`.

`tests/unit/sources/test_user_files.py` reads all cases.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases"
STAGES = (("params",), ("download", "sketches"), ("validate", "sketches"), ("preprocess", "classify"))

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("case", "source", "classes", "drawings"),
    [
        ("console-names", "quickdraw_simplified", ["bee", "cactus", "ice cream"], 90),
        ("kaggle-csv", "kaggle_csv", ["bee", "ice cream"], 60),
        ("npz/stroke5", "npz_folder", ["cat", "dog"], 92),
    ],
)
def test_every_drawing_of_a_case_becomes_a_record(
    tmp_path: Path, case: str, source: str, classes: list[str], drawings: int
) -> None:
    key = "base_url" if source.startswith("quickdraw") else "folder"
    shares = "" if "npz" in case else ", valid_share: 0.25, test_share: 0.25"
    section = f'{source}: {{{key}: "{CASES / case}", classes: all{shares}}}'
    text = (ROOT / "params.yaml").read_text()
    assert text.count("  source: quickdraw_sample") == 1
    text = text.replace("  source: quickdraw_sample", f"  source: {source}\n  {section}  #")
    (tmp_path / "params.yaml").write_text(text)
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    for stage in STAGES:
        command = [sys.executable, str(ROOT / "stages" / f"{stage[0]}.py"), *stage[1:]]
        result = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert result.returncode == 0, result.stdout + result.stderr
    spec = json.loads((tmp_path / "data/processed/classify/spec.json").read_text())
    assert sorted(spec["classes"]) == classes
    assert sum(sum(buckets.values()) for buckets in spec["counts"].values()) == drawings
