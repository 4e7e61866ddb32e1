"""The shell, the folder and the disk of a user: the pipeline gives the same results there, or refuses in one line."""

from __future__ import annotations

import datetime
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.slow

KERAS_JSON = Path(__file__).parents[1] / "cases/keras-json"
NOTEBOOK = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "KERAS_BACKEND": "torch",
    "KERAS_HOME": str(KERAS_JSON),
    "KERAS_MAX_EPOCHS": "1",
    "TF_USE_LEGACY_KERAS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_XLA_FLAGS": "--no_such_flag",
    "TF_CPP_MIN_LOG_LEVEL": "0",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "PYTHONWARNINGS": "error",
    "PYTHONHASHSEED": "7",
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "SHELL": "/usr/sbin/nologin",
    "OMP_NUM_THREADS": "1",
    "DVC_ROOT": "/another/project",
    "MLFLOW_TRACKING_URI": "sqlite:////another/mlflow.db",
    "MLFLOW_REGISTRY_URI": "http://127.0.0.1:9",
    "MLFLOW_RUN_ID": "0" * 32,
    "MLFLOW_EXPERIMENT_NAME": "another",
    "MLFLOW_ENABLE_WORKSPACES": "true",
    "MLFLOW_WORKSPACE": "another",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "true",
    "MLFLOW_LOCK_MODEL_DEPENDENCIES": "true",
    "MLFLOW_ACTIVE_MODEL_ID": "m-1",
}
NAME = 'it\'s a "földer" $HOME #1 %41?b & ;(x)*[y]\\!~@,<x>|日本'


def run(
    project: Any, *command: str, folder: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder of the project with further variables."""
    return subprocess.run(
        command,
        cwd=folder or project.root,
        env=project.environment() | variables,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def weights(folder: Path) -> dict[str, np.ndarray]:
    """The weights of a trained network by name."""
    with zipfile.ZipFile(folder / "model.keras") as archive, archive.open("model.weights.h5") as file:
        arrays: dict[str, np.ndarray] = {}
        with h5py.File(file) as stored:
            stored.visititems(
                lambda name, item: arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
    return arrays


def write_series(path: Path) -> None:
    """500 days that `strokecast forecast` can read."""
    first = datetime.date(2023, 1, 1)
    days = [f"{first + datetime.timedelta(days=day)},{10_000 + day % 7 * 500}\n" for day in range(500)]
    path.write_text("ds,y\n" + "".join(days))


def test_a_notebooks_variables_change_nothing(project: Any) -> None:
    folder = project.root / "models/forecast/linear/seed-1"
    expected = weights(folder)
    trained = run(project, sys.executable, "stages/train.py", "forecast", "linear", **NOTEBOOK)
    assert (trained.returncode, trained.stderr) == (0, "")
    actual = weights(folder)
    assert expected.keys() == actual.keys()
    assert all(np.array_equal(expected[name], actual[name]) for name in expected)
    evaluated = run(project, sys.executable, "stages/evaluate.py", "forecast", **NOTEBOOK)
    assert (evaluated.returncode, evaluated.stderr) == (0, "")
    run_id = [run for run in project.board() if run in project.training_ids()]
    assert len(run_id) == len(project.models), "every training has a run on the board of this project"


def test_a_forecast_is_the_same_in_a_notebook(built: Any, tmp_path: Path) -> None:
    write_series(tmp_path / "in.csv")
    outputs = []
    for name, variables in (("plain", {}), ("notebook", NOTEBOOK)):
        table, figure = tmp_path / f"{name}.csv", tmp_path / f"{name}.png"
        options = ["--input", str(tmp_path / "in.csv"), "--output", str(table), "--plot", str(figure)]
        result = run(built, "strokecast", "forecast", "--model", "linear", *options, **variables)
        assert (result.returncode, result.stderr) == (0, "")
        outputs.append((table.read_bytes(), figure.read_bytes()))
    assert outputs[0] == outputs[1]


def test_commands_work_in_any_folder_of_the_project(project: Any, tmp_path: Path) -> None:
    inside = project.root / "docs/guide"
    write_series(inside / "in.csv")
    options = ["--model", "linear", "--input", "in.csv", "--output", "out.csv"]
    for command in (
        ["forecast", *options],
        ["check"],
        ["sync"],
        ["preset", "list"],
        ["params", "--resolved"],
    ):
        result = run(project, "strokecast", *command, folder=inside)
        assert (result.returncode, result.stderr) == (0, ""), command
    assert (inside / "out.csv").is_file()
    assert not [path for path in inside.iterdir() if path.is_dir()], "no stray board or records"
    outside = run(project, "strokecast", "sync", folder=tmp_path)
    assert (outside.returncode, outside.stdout) == (1, "")
    assert outside.stderr.endswith("contains dvc.yaml; run the command inside the project\n")


def test_a_downloaded_archive_is_refused_before_anything_runs(project: Any, tmp_path: Path) -> None:
    (project.root / ".git").rename(tmp_path / "git")
    for command in (["check"], ["repro"]):
        result = run(project, "strokecast", *command)
        assert (result.returncode, result.stdout) == (1, "")
        assert "not in a git repository, which DVC needs; run `git init`" in result.stderr
        assert len(result.stderr.splitlines()) == 1
    project.run("dvc", "config", "--local", "core.no_scm", "true")
    assert "up to date" in project.run("strokecast", "repro").stdout


def test_data_on_a_big_disk(project: Any, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (project.root / "data").rename(disk / "data")
    (project.root / "data").symlink_to(disk / "data")
    before = (project.root / "dvc.lock").read_bytes()
    for command in (["check"], ["repro"]):
        result = run(project, "strokecast", *command)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith(f"error: data: is a link to {disk / 'data'}")
        assert len(result.stderr.splitlines()) == 1
    assert (project.root / "dvc.lock").read_bytes() == before
    (project.root / "data").unlink()
    (disk / "data").rename(project.root / "data")
    (project.root / ".dvc/cache").rename(disk / "dvc-cache")
    (project.root / "mlruns").rename(disk / "mlruns")
    (project.root / "mlruns").symlink_to(disk / "mlruns")
    for words in ("cache dir --local", "config --local cache.type"):
        project.run("dvc", *words.split(), str(disk / "dvc-cache") if "dir" in words else "symlink")
    project.run("dvc", "checkout", "--relink")
    assert (project.root / "data/processed/forecast/spec.json").is_symlink()
    assert project.repro("--force", "--single-item", "train-forecast@linear") == ["train-forecast@linear"]
    assert (project.root / "models/forecast/linear/seed-1/model.keras").is_symlink()
    assert "evaluate-forecast" in project.stages_run(project.run("strokecast", "repro").stdout)
    assert project.training_ids() <= set(project.board())


def test_a_folder_of_any_name(built: Any, tmp_path: Path) -> None:
    project = built.copy(tmp_path / NAME)
    for script in (("stages/sync.py",), ("stages/train.py", "forecast", "linear"), ("stages/sync.py",)):
        result = run(project, sys.executable, *script)
        assert (result.returncode, result.stderr) == (0, "")
    assert project.training_ids() <= set(project.board())
    assert "up to date" not in project.run("strokecast", "repro").stdout
    beside = {path.name.removeprefix(NAME) for path in tmp_path.iterdir()}
    assert beside <= {"", "-hooks", "-imports"}, "no stray board"
