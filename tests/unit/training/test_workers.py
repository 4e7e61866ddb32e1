"""Trainings by two machines, in the form of two processes on loopback with one thread each."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from strokecast.common.errors import UserError
from strokecast.params import Runtime
from strokecast.training import workers

# What stages/train.py does, without DVC and the board. Arguments: folder of the results, that of the checkpoints, seeds.
_CHIEF = """
import json, sys
from pathlib import Path
from strokecast.common import environment
environment.prepare()
from strokecast.common.errors import UserError
from strokecast.params import ClassifyRecipe, Runtime
from strokecast.training import run, workers
from strokecast.training.job import TrainingJob
from strokecast.features.records import spec
off = dict.fromkeys(("augment_scale", "augment_rotation", "augment_jitter", "augment_drop"), 0.0)
recipe = ClassifyRecipe(epochs=3, batch_size=10, warmup_epochs=1, checkpoint_steps=5, learning_rate=0.02, global_clipnorm=0.5, **off)
config = {"units": 6, "layers": 1, "dropout": 0.0, "directions": False}
runtime = Runtime(device="cpu", threads=1, worker_timeout=300)
digest = spec.load(Path("data/processed/classify"), "classify")["digest"]
results, checkpoints = map(Path, sys.argv[1:3])
try:
    with workers.led(runtime) as distribute:
        for seed in map(int, sys.argv[3:]):
            folder = results / f"seed-{seed}"
            folder.mkdir(parents=True, exist_ok=True)
            job = TrainingJob.create("classify", "gru", seed, config, recipe, digest, runtime)
            rows = []
            run.train(job, folder, rows.append, checkpoints / str(seed), distribute=distribute)
            print(json.dumps({"rows": rows, "weights": workers.weights_digest(folder)}), flush=True)
except UserError as error:
    raise SystemExit(f"error: {error}")
"""
_WORKER = "from strokecast.commands import worker; worker.work(lambda line: print(line, flush=True))"


def free_ports() -> list[str]:
    with socket.socket() as one, socket.socket() as two:
        for probe in (one, two):
            probe.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{probe.getsockname()[1]}" for probe in (one, two)]


def start(code: str, folder: Path, ports: list[str], index: int, *arguments: str) -> subprocess.Popen[str]:
    config = {"cluster": {"worker": ports}, "task": {"type": "worker", "index": index}}
    environment = {**os.environ, "TF_CONFIG": json.dumps(config) if ports else ""}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def results(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    out, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors[-3000:]
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


@pytest.fixture
def machines(processed_data: Path, tmp_path: Path) -> list[Path]:
    folders = [tmp_path / "chief", tmp_path / "worker"]
    for folder in folders:
        (folder / "data").mkdir(parents=True)
        (folder / "data/processed").symlink_to(processed_data)
    return folders


@pytest.mark.slow
def test_two_machines_train_like_one_and_resume_after_a_kill(machines: list[Path]) -> None:
    chief_dir, worker_dir = machines
    alone = results(start(_CHIEF, chief_dir, [], 0, "alone", "alone-checkpoints", "5"))
    ports = free_ports()
    worker = start(_WORKER, worker_dir, ports, 1)
    together = results(start(_CHIEF, chief_dir, ports, 0, "together", "checkpoints", "5", "6"))
    kill_later = [worker]
    try:
        for one, two in zip(alone, together[:1], strict=True):
            for row, other in zip(one["rows"], two["rows"], strict=True):
                assert other["valid_loss"] == pytest.approx(row["valid_loss"], abs=1e-4)

        # The same worker takes part in a second try, and is killed after a checkpoint in the middle of an epoch.
        chief = start(_CHIEF, chief_dir, ports, 0, "again", "killed-checkpoints", "5")
        kill_later.append(chief)
        for _ in range(6000):
            if list(chief_dir.glob("killed-checkpoints/5/checkpoint-*-000000005.npz")):
                break
            time.sleep(0.05)
        os.killpg(worker.pid, signal.SIGKILL)
        heard = worker.communicate()[0]
        errors = chief.communicate(timeout=600)[1]
        assert chief.returncode == 1
        assert errors.splitlines()[-1].startswith("error: another machine has left the training"), errors
        digests = re.findall(r"gru-seed\d: weights (\w{16})", heard)
        assert digests[:2] == [result["weights"] for result in together], (
            "both machines hold the same weights"
        )

        worker = start(_WORKER, worker_dir, ports, 1)
        kill_later.append(worker)
        resumed = results(start(_CHIEF, chief_dir, ports, 0, "again", "killed-checkpoints", "5"))
        assert [result["weights"] for result in resumed] == [together[0]["weights"]]
        assert sorted(path.name for path in worker_dir.rglob("*") if not path.is_symlink()) == ["data"]
    finally:
        for process in kill_later:
            if process.poll() is None:
                kill(process)


def test_a_worker_does_not_run_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    with pytest.raises(UserError, match="this machine is worker 1"), workers.led(Runtime()):
        pass


def test_float16_on_several_machines_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    with pytest.raises(
        UserError, match=r"runtime\.precision: precision: mixed_float16, and TF_CONFIG names 2 machines"
    ):
        workers.cluster_of(Runtime(precision="mixed_float16"))
    assert workers.cluster_of(Runtime(precision="mixed_float16", strategy="none")) is None
    assert workers.cluster_of(Runtime(precision="mixed_bfloat16")) is not None


def test_multi_worker_needs_tf_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(UserError, match=r"runtime\.strategy: strategy: multi_worker needs .* TF_CONFIG"):
        workers.cluster_of(Runtime(strategy="multi_worker"))
