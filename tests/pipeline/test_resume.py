"""Trainings that are killed, interrupted or diverge inside a real `dvc repro`: resumed with the same bits, or reported."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import psutil
import pytest

pytestmark = pytest.mark.slow

STAGE = "train-classify@gru"
MODEL_DIR = Path("models/classify/gru/seed-1")


def use_all_state(values: Any) -> None:
    """Settings with all state that a checkpoint restores: dropout, augmentation, EMA, a schedule, early stopping."""
    values["models"]["classify"]["gru"] = {
        "enabled": True,
        "seeds": [1],
        "config": {"units": 8, "layers": 1, "dropout": 0.3},
        "training": {
            **{"epochs": 60, "batch_size": 16, "optimizer": "adamw", "patience": 40, "warmup_epochs": 1},
            **{"weight_averaging": "ema", "ema_decay": 0.95, "checkpoint_steps": 4, "deterministic": True},
            **{"augment_jitter": 0.05, "augment_drop": 0.2, "augment_rotation": 10.0},
        },
    }


def weights(project: Any, model_dir: Path = MODEL_DIR) -> str:
    """Hex sha256 over the names and values of all weights in `model.keras`."""
    total = hashlib.sha256()
    with zipfile.ZipFile(project.root / model_dir / "model.keras") as archive:
        stored = BytesIO(archive.read("model.weights.h5"))
    with h5py.File(stored) as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        assert len(names) >= 5
        for name in sorted(names):
            total.update(name.encode() + file[name][()].tobytes())
    return total.hexdigest()


def run_json(project: Any) -> dict[str, Any]:
    run: dict[str, Any] = json.loads((project.root / MODEL_DIR / "run.json").read_text())
    return run


class Repro:
    """A running `dvc repro` of the stage `STAGE`."""

    def __init__(self, project: Any) -> None:
        self.records = project.root / ".strokecast/trainings"
        self.process = project.popen(
            "dvc",
            "repro",
            STAGE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def latest_checkpoint(self) -> str:
        """The file name of the latest checkpoint; empty if there is none."""
        return max((path.name for path in self.records.glob("*/checkpoint-*.npz")), default="")

    def wait_for(self, condition: Callable[[], Any], seconds: float = 180.0, pause: float = 0.02) -> Any:
        """Call `condition` until it returns a true value or the process ends; returns its last value."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = condition()
            if value or self.process.poll() is not None:
                return value
            time.sleep(pause)
        raise AssertionError(f"the condition is still false after {seconds} s")

    def training_pid(self) -> int:
        """The id of the process that trains; 0 if there is none."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            if "stages/train.py" in child.cmdline() and "python" in child.name():
                return child.pid
        return 0

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def finish(self) -> str:
        """Wait for the process to end; returns its stderr."""
        return self.process.communicate(timeout=300)[1]


@contextmanager
def repro(project: Any) -> Iterator[Repro]:
    running = Repro(project)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.kill()


def stopped_while_writing(running: Repro) -> bool:
    """Stop the training while it writes a checkpoint; returns whether the file is incomplete once it has stopped."""
    for path in running.records.glob("*/.checkpoint.tmp-*"):
        pid = int(path.name.rpartition("-")[2])
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.05)
        if path.exists():
            return True
        os.kill(pid, signal.SIGCONT)
    return False


def test_ten_kills_do_not_change_the_trained_weights(project: Any, tmp_path: Path) -> None:
    project.edit_params(use_all_state)
    reference = project.copy(tmp_path / "reference")
    reference.repro(STAGE)
    expected, first = weights(reference), run_json(reference)
    assert 1 < first["best_epoch"] <= 60

    rng, ids, kills_while_writing = random.Random(0), set(), 0
    for number in range(10):
        with repro(project) as running:
            before = running.latest_checkpoint()
            has_new_checkpoint = running.wait_for(lambda r=running, b=before: r.latest_checkpoint() > b)
            assert has_new_checkpoint, "the training must still run"
            if number == 4:
                kills_while_writing += bool(
                    running.wait_for(lambda r=running: stopped_while_writing(r), pause=0.0)
                )
            else:
                time.sleep(rng.uniform(0.0, 0.4))
            running.kill()
        [record] = running.records.glob("*/run.json")
        ids.add(json.loads(record.read_text())["training_id"])
        assert not (project.root / MODEL_DIR / "model.keras").exists() or (
            run_json(project)["training_id"] not in ids
        ), "no incomplete output"
    assert kills_while_writing == 1
    assert list(running.records.glob("*/.checkpoint.tmp-*")) == [] or number == 9
    with repro(project) as running:
        assert running.finish() is not None
        assert running.process.returncode == 0
    assert weights(project) == expected
    assert {run_json(project)["training_id"]} == ids
    assert run_json(project)["best_epoch"] == first["best_epoch"]
    [finished] = running.records.glob("*/finished")
    assert weights(project, finished) == expected, "kept until `sync` finds the training in dvc.lock"
    project.run("strokecast", "sync")
    assert list(running.records.glob("*/*")) == [], "the record of the recorded training is removed"
    rows = (project.root / MODEL_DIR / "history.csv").read_text().splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == list(range(1, len(rows) + 1))
    [run] = [run for key, run in project.board().items() if key in ids]
    assert (run["status"], len(run["histories"]["train/loss"])) == ("FINISHED", len(rows))

    reference.repro("-f", "-s", STAGE)
    assert weights(reference) == expected, "the same seed gives the same bits"
    assert run_json(reference)["training_id"] != first["training_id"]


def run_ids(project: Any, training_id: str) -> list[tuple[str, str]]:
    """(MLflow's run id, status) of all active runs of a training."""
    query = """SELECT r.run_uuid, r.status FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid
               WHERE t.key = 'strokecast.training_id' AND t.value = ? AND r.lifecycle_stage = 'active'"""
    with closing(sqlite3.connect(project.root / "mlruns/mlflow.db", timeout=30)) as board:
        return list(board.execute(query, (training_id,)))


def test_an_interrupted_training_ends_cleanly_and_resumes_in_the_same_run(project: Any) -> None:
    project.edit_params(use_all_state)
    interrupted_runs = []
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (None, 0)):
        with repro(project) as running:
            if number is not None:
                before = running.latest_checkpoint()
                assert running.wait_for(lambda r=running, b=before: r.latest_checkpoint() > b)
                if number == signal.SIGINT:  # to the process group, as a terminal sends it
                    os.killpg(running.process.pid, number)
                else:
                    os.kill(running.training_pid(), number)
            errors = running.finish()
        if number is None:
            assert running.process.returncode == 0, errors
            break
        assert running.process.returncode != 0
        assert "Traceback" not in errors
        [line] = [line for line in errors.splitlines() if "interrupted" in line]
        assert line.startswith(f"[{STAGE}] interrupted after epoch ")
        assert line.endswith("; run `dvc repro` again to resume")
        # A shell between DVC and the stage (/bin/sh if SHELL is unset) also receives the group's SIGINT and dies of it.
        ends = (code, -number) if number == signal.SIGINT else (code,)
        assert any(f"exited with {end}\n" in errors for end in ends), errors
        step = int(line.split(", step ")[1].split(";")[0])
        epoch, within = (
            int(part) for part in running.latest_checkpoint()[len("checkpoint-") : -len(".npz")].split("-")
        )
        assert (step - within) % max(epoch, 1) == 0, "the checkpoint holds the step that the message names"
        [record] = running.records.glob("*/run.json")
        training_id = json.loads(record.read_text())["training_id"]
        [(run_id, status)] = run_ids(project, training_id)
        assert status == "KILLED"
        interrupted_runs.append((training_id, run_id))
    run = run_json(project)
    [(run_id, status)] = run_ids(project, run["training_id"])
    assert {*interrupted_runs, (run["training_id"], run_id)} == {interrupted_runs[0]}, (
        "one MLflow run per training"
    )
    assert status == "FINISHED"
    live = project.board()[run["training_id"]]
    rows = (project.root / MODEL_DIR / "history.csv").read_text().splitlines()[1:]
    assert len(live["histories"]["train/loss"]) == len(rows), "no point is logged twice"

    project.run("python", "-c", "import shutil; shutil.rmtree('mlruns')")
    project.repro()
    rebuilt = project.board()[run["training_id"]]
    from_training = [key for key in rebuilt["histories"] if not key.startswith("test/")]
    assert {key: rebuilt["histories"][key] for key in from_training} == live["histories"]


def test_a_diverged_training_stops_the_pipeline_unless_on_failure_is_continue(project: Any) -> None:
    path = project.root / "src/strokecast/models/classify/gru.py"
    path.write_text(path.read_text() + DIVERGING_BUILD)
    stopped = project.run("dvc", "repro", check=False)
    assert stopped.returncode != 0
    [line] = [line for line in stopped.stderr.splitlines() if line.startswith(f"[{STAGE}] error: ")]
    assert "became nan in epoch 1, " in line
    assert "the gradient broke first in layer " in line
    assert "Traceback" not in stopped.stderr

    project.edit_params(lambda values: values["training"].update(on_failure="continue"))
    continued = project.run("dvc", "repro")
    run = run_json(project)
    assert run["status"] == "failed"
    assert run["reason"] in line
    assert [path.name for path in (project.root / MODEL_DIR).iterdir()] == ["run.json"]
    assert "not evaluated: training failed: gru-seed1" in continued.stdout
    assert "skipped, because the training failed: gru-seed1" in continued.stdout
    board = project.board()
    assert board[run["training_id"]]["status"] == "FAILED"
    assert run["reason"][:400] in board[run["training_id"]]["tags"]["strokecast.failure"]
    leaderboard = (project.root / "reports/leaderboard.md").read_text()
    assert "Not shown because the training failed: gru-seed1." in leaderboard
    assert project.repro() == ["sync"]


DIVERGING_BUILD = """

def _diverging(build):
    def build_diverging(config, spec):
        import tensorflow as tf

        model = build(config, spec)
        call = model.call
        model.call = lambda *args, **kwargs: call(*args, **kwargs) * tf.constant(float("nan"))
        return model

    return build_diverging


import dataclasses as _dataclasses

from strokecast.models.common import registry as _registry

_entry = _registry._REGISTERED["classify", "gru"]
_registry._REGISTERED["classify", "gru"] = _dataclasses.replace(_entry, build=_diverging(_entry.build))
"""
