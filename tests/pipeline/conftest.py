"""A small real project: a copy of this checkout with small settings, on which the pipeline ran with real drawings."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"

# Every Python process of the pipeline imports this. It records which strokecast files a stage imported, and whether
# TensorFlow was. Stages that `strokecast repro` forks end by `os._exit`; TensorFlow is always imported in these.
SITECUSTOMIZE = """
import atexit, json, os, sys

def record():
    stage, folder = os.environ.get("DVC_STAGE"), os.environ.get("IMPORTS_LOG")
    if not stage or not folder:
        return
    files = [getattr(m, "__file__", None) for n, m in list(sys.modules.items()) if n.split(".")[0] == "strokecast"]
    with open(os.path.join(folder, stage.replace("/", "_") + ".json"), "w") as file:
        json.dump({"files": sorted(f for f in files if f), "tensorflow": "tensorflow" in sys.modules}, file)

def record_and_exit(code, exit=os._exit):
    record()
    exit(code)

atexit.register(record)
os._exit = record_and_exit
"""


ENABLED_MODELS = {
    "classify": {"gru", "logistic"},
    "watch": {"frame_average"},
    "draw": {"class_decoder"},
    "forecast": {"seasonal_naive_7", "linear"},
}


@dataclass
class Project:
    """A project folder, and methods that run commands in it."""

    root: Path
    shared: Path | None = None
    variables: dict[str, str] = field(default_factory=dict)  # further ones of its environment

    @property
    def models(self) -> list[str]:
        """The models that the small project trains, each with one seed."""
        return [name for names in ENABLED_MODELS.values() for name in sorted(names)]

    @property
    def imports(self) -> Path:
        return self.root.parent / f"{self.root.name}-imports"

    def environment(self) -> dict[str, str]:
        hooks = self.root.parent / f"{self.root.name}-hooks"
        hooks.mkdir(exist_ok=True)
        (hooks / "sitecustomize.py").write_text(SITECUSTOMIZE)
        self.imports.mkdir(exist_ok=True)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "PYTEST_", "MLFLOW_"))}
        return inherited | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": f"{hooks}{os.pathsep}{self.root / 'src'}",
            "IMPORTS_LOG": str(self.imports),
            "DVC_NO_ANALYTICS": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "GIT_AUTHOR_NAME": "test",
            "GIT_AUTHOR_EMAIL": "test@example.org",
            "GIT_COMMITTER_NAME": "test",
            "GIT_COMMITTER_EMAIL": "test@example.org",
            **self.variables,
        }

    def run(self, *command: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=900,
            **options,
        )
        if check and result.returncode != 0:
            raise AssertionError(
                f"{' '.join(command)} ended with {result.returncode}\n{result.stdout}\n{result.stderr}"
            )
        return result

    def popen(self, *command: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(command, cwd=self.root, env=self.environment(), text=True, **options)

    def repro(self, *arguments: str) -> list[str]:
        """Run `dvc repro`; returns the names of the stages that ran or came from the run cache."""
        return self.stages_run(self.run("dvc", "repro", *arguments).stdout)

    @staticmethod
    def stages_run(output: str) -> list[str]:
        """The stages in DVC's output, in the order in which DVC ran them."""
        return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage '")]

    def edit_params(self, change: Callable[[Any], None]) -> None:
        """Apply `change` to the values of params.yaml in place."""
        yaml = YAML()
        path = self.root / "params.yaml"
        values = yaml.load(path)
        change(values)
        with path.open("w") as file:
            yaml.dump(values, file)

    def board(self) -> dict[str, dict[str, Any]]:
        """Active runs by training_id, without the ids that MLflow assigns; fails if a training_id has two active runs."""
        script = Path(__file__).parent / "describe_board.py"
        address = self.variables.get("MLFLOW_TRACKING_URI") or str(self.root / "mlruns")
        result = self.run(sys.executable, str(script), address)
        runs: dict[str, dict[str, Any]] = json.loads(result.stdout.splitlines()[-1])
        return runs

    def wait_for_epochs(self, count: int, previous: Collection[str]) -> set[str]:
        """Wait until the local board has an epoch of `count` trainings that are not in `previous`; returns their training_ids."""
        query = """SELECT DISTINCT t.value FROM runs r JOIN tags t USING (run_uuid) JOIN metrics m USING (run_uuid)
                   WHERE t.key = 'strokecast.training_id' AND m.key = 'train/loss'
                   AND r.status = 'RUNNING' AND r.lifecycle_stage = 'active'"""
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            with closing(sqlite3.connect(self.root / "mlruns/mlflow.db", timeout=30)) as board:
                started = {str(value) for (value,) in board.execute(query)} - set(previous)
            if len(started) >= count:
                return started
            time.sleep(0.1)
        raise AssertionError(f"{len(started)} of {count} trainings logged an epoch")

    def lock(self) -> dict[str, Any]:
        """The stages of dvc.lock."""
        stages: dict[str, Any] = YAML(typ="safe").load(self.root / "dvc.lock")["stages"]
        return stages

    def training_ids(self) -> set[str]:
        """The training_ids of all finished trainings in `models/`."""
        runs = [json.loads(path.read_text()) for path in (self.root / "models").rglob("run.json")]
        return {run["training_id"] for run in runs if run["status"] == "finished"}

    def copy(self, target: Path) -> Project:
        shutil.copytree(self.root, target, symlinks=True)
        return Project(target, self.shared)

    def commit(self, message: str = "change") -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "--allow-empty", "-m", message)


def create_project(root: Path) -> Project:
    """A new git repository with the files of this checkout that git does not ignore, uncommitted edits included."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, root / name)
    (root / "dvc.lock").unlink(missing_ok=True)
    project = Project(root)
    project.run("git", "init", "-q", "-b", "main")
    return project


def use_small_settings(values: Any) -> None:
    """Settings with which the complete pipeline takes one minute."""
    values["sketches"]["source"] = "quickdraw"
    values["sketches"]["quickdraw"] = {
        "base_url": str(SHARED / "quickdraw"),
        "classes": ["airplane", "coffee cup", "duck"],
        "cap": {"train": 60, "valid": 20, "test": 30},
    }
    values["series"]["source"] = "csv"
    values["series"]["csv"] = {
        "path": str(SHARED / "series" / "us_births_2000_2014_ssa.csv"),
        "date_column": "date",
        "date_format": "%Y-%m-%d",
        "value_column": "value",
        "thousands": "",
        "unit": "births",
    }
    epochs = {"classify": 2, "watch": 1, "draw": 1, "forecast": 1}
    values["training"].update({task: {"epochs": count, "warmup_epochs": 0} for task, count in epochs.items()})
    values["quality"] = {"sketches": {"max_quarantined": 0.2}, "series": {"start": "2012-01-01"}}
    values["features"]["watch"].update(frames=3, height=12, width=12, steps_per_frame=2)
    values["features"][
        "forecast"
    ].update(  # not chosen on the training days, which takes longer than a training
        lags=[364], levels=[], holiday_country="US", holiday_window=0, bridge_days=False
    )
    for task, enabled in ENABLED_MODELS.items():
        for name in list(values["models"][task]):
            if name not in enabled:
                del values["models"][task][name]
    values["models"]["classify"]["gru"]["config"] = {"units": 8, "layers": 1}
    values["evaluation"]["forecast"].update(resamples=100, baseline="seasonal_naive_7")
    values["evaluation"]["classify"].update(resamples=100)
    values["models"]["watch"]["frame_average"]["config"] = {"filters": [4], "kernels": [3], "features": 8}
    values["evaluation"]["watch"].update(resamples=100)
    values["models"]["draw"]["class_decoder"]["config"] = {"units": 8, "mixtures": 2, "embedding": 3}
    values["evaluation"]["draw"].update(samples=2, temperatures=[0.5], resamples=100)
    values["draw"]["judge"] = "logistic"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED.is_dir():
        pytest.skip("no real data: ../shared/data does not exist")
    return SHARED


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Project:
    """The small project after its first `strokecast repro`, committed; `dvc repro` would import TensorFlow per stage. Read-only: tests that change files use `project`.

    The first pytest worker builds it; the others wait for the lock.
    """
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = base / "small", base / "small" / "done"
    with FileLock(base / "small.lock"):
        project = Project(folder / "strokecast")
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            project.root.mkdir(parents=True)
            project = create_project(project.root)
            project.edit_params(use_small_settings)
            project.run("strokecast", "repro", "--jobs", "2")
            project.commit("first run")
            done.touch()
    return project


@pytest.fixture(scope="session")
def new_project(shared_data: Path) -> Callable[[Path, Callable[[Any], None]], Project]:
    """`new_project(folder, change)`: a project in a new folder, with small settings that `change` edits. Nothing ran."""

    def create(folder: Path, change: Callable[[Any], None]) -> Project:
        folder.mkdir(parents=True)
        project = create_project(folder)
        project.edit_params(use_small_settings)
        project.edit_params(change)
        return project

    return create


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    """A copy of `built` that one test may change; the artifact paths on its board are updated to the copy."""
    copy = built.copy(tmp_path / "strokecast")
    copy.run(sys.executable, "-c", "from strokecast.tracking import local_store as s; s.relocate()")
    return copy
