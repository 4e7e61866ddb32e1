"""A training that was killed, interrupted or broken inside a real `dvc repro`."""

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
HOME = Path("models/classify/gru/seed-1")


def busy(values: Any) -> None:
    """All that a checkpoint has to bring back: dropout, augmentation, EMA, a schedule, early stopping."""
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


def weights(project: Any) -> str:
    """sha256 over all weights of `model.keras`, by their names."""
    total = hashlib.sha256()
    with zipfile.ZipFile(project.root / HOME / "model.keras") as whole:
        stored = BytesIO(whole.read("model.weights.h5"))
    with h5py.File(stored) as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        assert len(names) >= 5
        for name in sorted(names):
            total.update(name.encode() + file[name][()].tobytes())
    return total.hexdigest()


def run_json(project: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((project.root / HOME / "run.json").read_text())
    return told


class Repro:
    """A running `dvc repro` of the training, and the process that trains."""

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

    def newest(self) -> str:
        """The name of the newest checkpoint; empty where there is none."""
        return max((path.name for path in self.records.glob("*/checkpoint-*.npz")), default="")

    def wait(self, for_what: Callable[[], Any], seconds: float = 180.0, pause: float = 0.02) -> Any:
        """Whatever `for_what` finds, as soon as it finds it; None if the repro ended before."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = for_what()
            if found or self.process.poll() is not None:
                return found
            time.sleep(pause)
        raise AssertionError("nothing happened")

    def trainer(self) -> int:
        """The id of the process that trains."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            if "stages/train.py" in child.cmdline() and "python" in child.name():
                return child.pid
        return 0

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> str:
        """Its errors, when it ended."""
        return self.process.communicate(timeout=300)[1]


@contextmanager
def repro(project: Any) -> Iterator[Repro]:
    running = Repro(project)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.kill()


def half_written(running: Repro) -> bool:
    """Stop the training while it writes a checkpoint; whether that was so when it stood still."""
    for path in running.records.glob("*/.checkpoint.tmp-*"):
        pid = int(path.name.rpartition("-")[2])
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.05)
        if path.exists():
            return True
        os.kill(pid, signal.SIGCONT)
    return False


def test_ten_kills_change_no_bit(project: Any, tmp_path: Path) -> None:
    project.params(busy)
    undisturbed = project.copy(tmp_path / "undisturbed")
    undisturbed.repro(STAGE)
    wanted, first = weights(undisturbed), run_json(undisturbed)
    assert 1 < first["best_epoch"] <= 60

    rng, ids, inside = random.Random(0), set(), 0
    for number in range(10):
        with repro(project) as running:
            before = running.newest()
            reached = running.wait(lambda r=running, b=before: r.newest() > b)
            assert reached, "the training should not be over yet"
            if number == 4:
                inside += bool(running.wait(lambda r=running: half_written(r), pause=0.0))
            else:
                time.sleep(rng.uniform(0.0, 0.4))
            running.kill()
        [record] = running.records.glob("*/run.json")
        ids.add(json.loads(record.read_text())["training_id"])
        assert not (project.root / HOME / "model.keras").exists() or (
            run_json(project)["training_id"] not in ids
        ), "nothing half written"
    assert inside == 1
    assert list(running.records.glob("*/.checkpoint.tmp-*")) == [] or number == 9
    with repro(project) as running:
        assert running.end() is not None
        assert running.process.returncode == 0
    assert weights(project) == wanted
    assert {run_json(project)["training_id"]} == ids
    assert run_json(project)["best_epoch"] == first["best_epoch"]
    assert list(running.records.glob("*/*")) == [], "its record is gone"
    rows = (project.root / HOME / "history.csv").read_text().splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == list(range(1, len(rows) + 1))
    [run] = [run for key, run in project.board().items() if key in ids]
    assert (run["status"], len(run["histories"]["train/loss"])) == ("FINISHED", len(rows))

    undisturbed.repro("-f", "-s", STAGE)
    assert weights(undisturbed) == wanted, "the same seed, the same bits"
    assert run_json(undisturbed)["training_id"] != first["training_id"]


def run_ids(project: Any, training_id: str) -> list[tuple[str, str]]:
    """(MLflow's id, status) of all runs of a training that are not deleted."""
    query = """SELECT r.run_uuid, r.status FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid
               WHERE t.key = 'strokecast.training_id' AND t.value = ? AND r.lifecycle_stage = 'active'"""
    with closing(sqlite3.connect(project.root / "mlruns/mlflow.db", timeout=30)) as board:
        return list(board.execute(query, (training_id,)))


def test_signals_leave_cleanly_and_the_same_run_goes_on(project: Any) -> None:
    project.params(busy)
    seen = []
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (None, 0)):
        with repro(project) as running:
            if number is not None:
                before = running.newest()
                assert running.wait(lambda r=running, b=before: r.newest() > b)
                if number == signal.SIGINT:  # as a terminal sends it: to the whole group
                    os.killpg(running.process.pid, number)
                else:
                    os.kill(running.trainer(), number)
            said = running.end()
        if number is None:
            assert running.process.returncode == 0, said
            break
        assert running.process.returncode != 0
        assert "Traceback" not in said
        [line] = [line for line in said.splitlines() if "interrupted" in line]
        assert line.startswith(f"[{STAGE}] interrupted after epoch ")
        assert line.endswith("; run `dvc repro` again to resume")
        # A shell that stands between (DVC takes /bin/sh where SHELL is unset) dies of the group's SIGINT itself.
        ends = (code, -number) if number == signal.SIGINT else (code,)
        assert any(f"exited with {end}\n" in said for end in ends), said
        step = int(line.split(", step ")[1].split(";")[0])
        epoch, within = (int(part) for part in running.newest()[len("checkpoint-") : -len(".npz")].split("-"))
        assert (step - within) % max(epoch, 1) == 0, "the checkpoint is that of the running step"
        [record] = running.records.glob("*/run.json")
        training_id = json.loads(record.read_text())["training_id"]
        [(run_id, status)] = run_ids(project, training_id)
        assert status == "KILLED"
        seen.append((training_id, run_id))
    told = run_json(project)
    [(run_id, status)] = run_ids(project, told["training_id"])
    assert {*seen, (told["training_id"], run_id)} == {seen[0]}, "one training, one run"
    assert status == "FINISHED"
    live = project.board()[told["training_id"]]
    rows = (project.root / HOME / "history.csv").read_text().splitlines()[1:]
    assert len(live["histories"]["train/loss"]) == len(rows), "no point is doubled"

    project.run("python", "-c", "import shutil; shutil.rmtree('mlruns')")
    project.repro()
    rebuilt = project.board()[told["training_id"]]
    own = [key for key in rebuilt["histories"] if not key.startswith("test/")]
    assert {key: rebuilt["histories"][key] for key in own} == live["histories"]


def test_a_broken_training_stops_the_pipeline_or_not_as_params_say(project: Any) -> None:
    path = project.root / "src/strokecast/models/classify/gru.py"
    path.write_text(path.read_text() + POISON)
    stopped = project.run("dvc", "repro", check=False)
    assert stopped.returncode != 0
    [line] = [line for line in stopped.stderr.splitlines() if line.startswith(f"[{STAGE}] error: ")]
    assert "became nan in epoch 1, " in line
    assert "the gradient broke first in layer " in line
    assert "Traceback" not in stopped.stderr

    project.params(lambda values: values["training"].update(on_failure="continue"))
    went_on = project.run("dvc", "repro")
    told = run_json(project)
    assert told["status"] == "failed"
    assert told["reason"] in line
    assert [path.name for path in (project.root / HOME).iterdir()] == ["run.json"]
    assert "not shown: training failed: gru-seed1" in went_on.stdout
    assert "passed over, as the training failed: gru-seed1" in went_on.stdout
    board = project.board()
    assert board[told["training_id"]]["status"] == "FAILED"
    assert told["reason"][:400] in board[told["training_id"]]["tags"]["strokecast.failure"]
    leaderboard = (project.root / "reports/leaderboard.md").read_text()
    assert "Not shown, as the training failed: gru-seed1." in leaderboard
    assert project.repro() == ["sync"]


POISON = """

def _poisoned(build):
    def made(config, spec):
        import tensorflow as tf

        model = build(config, spec)
        call = model.call
        model.call = lambda *given, **more: call(*given, **more) * tf.constant(float("nan"))
        return model

    return made


import dataclasses as _dataclasses

from strokecast.models.common import registry as _registry

_entry = _registry._REGISTERED["classify", "gru"]
_registry._REGISTERED["classify", "gru"] = _dataclasses.replace(_entry, build=_poisoned(_entry.build))
"""
