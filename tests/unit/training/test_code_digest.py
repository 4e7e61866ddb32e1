"""The code digest covers all modules that the numbers of a training depend on, and no others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from strokecast.training import code_digest

IMPORTED = """
import json, sys
from pathlib import Path
import strokecast
from strokecast.params import ClassifyRecipe
from strokecast.training import run
from strokecast.training.job import TrainingJob
processed_data, folder = map(Path, sys.argv[1:])
job = TrainingJob.create("classify", "gru", 1, {"units": 2}, ClassifyRecipe(epochs=1, warmup_epochs=0))
run.train_network(job, processed_data, folder, lambda row: None)
files = [getattr(m, "__file__", None) for n, m in sys.modules.items() if n.startswith("strokecast.")]
print(json.dumps(sorted(f for f in files if f)))
"""

# Modules that a training imports and that cannot change its numbers except through its config, recipe or data.
WITHOUT_EFFECT = {
    *(
        f"common/{name}.py"
        for name in (
            "__init__",
            "errors",
            "files",
            "paths",
            "import_hiding",
            "source_digest",
            "console",
            "signals",
            "stage",
        )
    ),
    *(
        f"common/{name}.py"
        for name in (
            "archives",
            "limits",
            "disks",
            "environment",
            "names",
            "output_paths",
            "permissions",
            "project",
            "file_types",
        )
    ),
    *("inference/network_check.py", "inference/selection.py", "models/common/model_folder.py"),
    *("features/__init__.py", "features/records/__init__.py", "features/records/spec.py"),
    "inference/__init__.py",
    *(
        "models/__init__.py",
        "models/common/__init__.py",
        "models/common/config.py",
        "models/common/search_space.py",
        "models/classify/__init__.py",
    ),
}


@pytest.mark.slow
def test_every_module_that_a_training_imports_is_hashed(processed_data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", IMPORTED, str(processed_data / "classify"), str(tmp_path)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    root = Path(code_digest.__file__).parents[1]
    imported = {Path(file).relative_to(root).as_posix() for file in json.loads(out.splitlines()[-1])}
    hashed = {path.relative_to(root).as_posix() for path in code_digest.code_files("classify", "gru")}
    assert "training/job.py" in imported & hashed
    assert "models/classify/gru.py" in imported & hashed
    assert {name for name in imported - hashed - WITHOUT_EFFECT if not name.startswith("params/")} == set()
    assert "models/classify/lstm.py" not in hashed


def test_the_digest_changes_with_the_architecture_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models/classify").mkdir(parents=True)
    (tmp_path / "models/classify/gru.py").write_text("1")
    (tmp_path / "models/classify/lstm.py").write_text("1")
    monkeypatch.setattr(code_digest, "_PACKAGE", tmp_path)
    first = code_digest.code_digest("classify", "gru")
    (tmp_path / "models/classify/lstm.py").write_text("2")
    assert code_digest.code_digest("classify", "gru") == first
    (tmp_path / "models/classify/gru.py").write_text("2")
    assert code_digest.code_digest("classify", "gru") != first


@pytest.mark.parametrize(
    ("name", "hashed"),
    [("calendar_ridge", True), ("seasonal_naive_7", True), ("ridge", True), ("gru", False)],
)
def test_forecasters_without_a_network_depend_on_their_rooms(name: str, hashed: bool) -> None:
    root = Path(code_digest.__file__).parents[1]
    files = {path.relative_to(root).as_posix() for path in code_digest.code_files("forecast", name)}
    rooms = {"models/pooled/group_ridge.py", "models/statistical/base.py", "models/regression/ridge.py"}
    assert (rooms <= files) is hashed
    assert bool(rooms & files) is hashed


def test_every_listed_file_exists() -> None:
    package = Path(code_digest.__file__).parents[1]
    for place in (*code_digest._ALWAYS, *code_digest._ESTIMATOR, *code_digest._DAYS):
        assert (package / place).exists(), place
