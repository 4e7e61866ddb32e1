"""A tiny real project: a copy of this checkout, small settings, real drawings, a real `dvc repro`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"

# Imported by every Python process of the pipeline; notes which strokecast files a stage imported.
SITECUSTOMIZE = """
import atexit, json, os, sys

def note():
    stage, folder = os.environ.get("DVC_STAGE"), os.environ.get("IMPORTS_LOG")
    if not stage or not folder:
        return
    files = [getattr(m, "__file__", None) for n, m in list(sys.modules.items()) if n.split(".")[0] == "strokecast"]
    with open(os.path.join(folder, stage.replace("/", "_") + ".json"), "w") as file:
        json.dump({"files": sorted(f for f in files if f), "tensorflow": "tensorflow" in sys.modules}, file)

atexit.register(note)
"""


KEPT = {
    "classify": {"gru", "conv_rnn", "logistic"},
    "watch": {"frame_average"},
    "draw": {"class_decoder"},
    "forecast": {"seasonal_naive_7", "linear"},
}


@dataclass
class Project:
    """A project folder and ways to run commands in it."""

    root: Path
    shared: Path | None = None

    @property
    def models(self) -> list[str]:
        """What the tiny project trains, one training each."""
        return [name for names in KEPT.values() for name in sorted(names)]

    @property
    def imports(self) -> Path:
        return self.root.parent / f"{self.root.name}-imports"

    def environment(self) -> dict[str, str]:
        hooks = self.root.parent / f"{self.root.name}-hooks"
        hooks.mkdir(exist_ok=True)
        (hooks / "sitecustomize.py").write_text(SITECUSTOMIZE)
        self.imports.mkdir(exist_ok=True)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "PYTEST_", "MLFLOW_"))}
        return kept | {
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
        }

    def run(self, *command: str, check: bool = True, **more: Any) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=900,
            **more,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    def popen(self, *command: str, **more: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(command, cwd=self.root, env=self.environment(), text=True, **more)

    def repro(self, *arguments: str) -> list[str]:
        """Run `dvc repro` and return the names of the stages that ran a command or came from the cache."""
        return self.ran(self.run("dvc", "repro", *arguments).stdout)

    @staticmethod
    def ran(output: str) -> list[str]:
        """Stage names in the order in which DVC ran them."""
        return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage '")]

    def params(self, change: Callable[[Any], None]) -> None:
        yaml = YAML()
        path = self.root / "params.yaml"
        values = yaml.load(path)
        change(values)
        with path.open("w") as file:
            yaml.dump(values, file)

    def board(self) -> dict[str, dict[str, Any]]:
        """Every active run by training_id, without MLflow's own ids; fails where an id has two runs."""
        script = Path(__file__).parent / "describe_board.py"
        done = self.run(sys.executable, str(script), str(self.root / "mlruns"))
        runs: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
        return runs

    def lock(self) -> dict[str, Any]:
        """The stages of dvc.lock."""
        stages: dict[str, Any] = YAML(typ="safe").load(self.root / "dvc.lock")["stages"]
        return stages

    def training_ids(self) -> set[str]:
        """The trainings of this workspace."""
        runs = [json.loads(path.read_text()) for path in (self.root / "models").rglob("run.json")]
        return {run["training_id"] for run in runs if run["status"] == "finished"}

    def copy(self, to: Path) -> Project:
        shutil.copytree(self.root, to, symlinks=True)
        return Project(to, self.shared)

    def commit(self, message: str = "change") -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "--allow-empty", "-m", message)


def fresh(root: Path) -> Project:
    """This checkout as a new git repository: what git tracks or would track, as it stands on disk."""
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


def shrink(values: Any) -> None:
    """Settings under which the whole pipeline takes a minute."""
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
    values["quality"] = {"sketches": {"max_quarantined": 0.2}}
    values["features"]["watch"].update(frames=3, height=12, width=12, steps_per_frame=2)
    for task, keep in KEPT.items():
        for name in list(values["models"][task]):
            if name not in keep:
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
        pytest.skip("the real data of ../shared/data is not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Project:
    """The tiny project after its first `dvc repro`, committed. Do not change it: take `project`.

    Built once for all of pytest's workers: whoever comes first builds, the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    place, done = base / "tiny", base / "tiny" / "done"
    with FileLock(base / "tiny.lock"):
        project = Project(place / "strokecast")
        if not done.exists():
            shutil.rmtree(place, ignore_errors=True)
            project.root.mkdir(parents=True)
            project = fresh(project.root)
            project.params(shrink)
            project.repro()
            project.commit("first run")
            done.touch()
    return project


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    """A copy of the built tiny project for one test to change, with a board that knows its own place."""
    copy = built.copy(tmp_path / "strokecast")
    copy.run(sys.executable, "-c", "from strokecast.tracking import store; store._relocate()")
    return copy
