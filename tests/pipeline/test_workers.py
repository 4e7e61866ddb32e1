"""`strokecast repro` and `strokecast worker` as the two machines of a training, here two processes on loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

_DIGEST = """
import sys
from pathlib import Path
from strokecast.training import workers
print(workers.weights_digest(Path(sys.argv[1])))
"""

pytestmark = pytest.mark.slow


def use_checkpoints(values: Any) -> None:
    """A training with a checkpoint every other step."""
    recipe = {"epochs": 3, "batch_size": 16, "checkpoint_steps": 2}
    values["models"]["classify"]["gru"] |= {"training": recipe}


def tf_config(index: int, ports: list[int]) -> str:
    addresses = [f"127.0.0.1:{port}" for port in ports]
    return json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})


def free_ports() -> list[int]:
    with socket.socket() as one, socket.socket() as two:
        for probe in (one, two):
            probe.bind(("127.0.0.1", 0))
        return [one.getsockname()[1], two.getsockname()[1]]


def files(root: Path) -> set[Path]:
    """All files but those that Python, DVC and Git keep for themselves."""
    paths = {path.relative_to(root) for path in root.rglob("*") if path.is_file()}
    return {path for path in paths if not {"__pycache__", ".dvc", ".git"} & set(path.parts)}


def test_a_worker_that_is_killed_and_started_again_ends_with_the_weights_of_the_chief(
    project: Any, tmp_path: Path
) -> None:
    project.edit_params(use_checkpoints)
    other = project.copy(tmp_path / "worker" / "strokecast")
    before, ports = files(other.root), free_ports()
    project.variables["TF_CONFIG"], other.variables["TF_CONFIG"] = (tf_config(n, ports) for n in (0, 1))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "start_new_session": True}
    processes = [worker := other.popen("strokecast", "worker", **pipes)]
    try:
        processes.append(chief := project.popen("strokecast", "repro", **pipes))
        deadline = time.monotonic() + 600
        while not list(project.root.glob(".strokecast/trainings/*/checkpoint-*.npz")):
            assert chief.poll() is None, chief.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(worker.pid, signal.SIGKILL)
        output = chief.communicate(timeout=600)[0]
        assert chief.returncode == 1, output
        assert (
            "error: another machine has left the training; run `strokecast worker` where it has ended"
            in output
        )
        assert not (project.root / "models/classify/gru").exists()

        processes.append(worker := other.popen("strokecast", "worker", **pipes))
        finished = project.run("strokecast", "repro")
        output = worker.communicate(timeout=300)[0]
        assert worker.returncode == 0, output
        model_dir = project.root / "models/classify/gru/seed-1"
        digest = project.run(sys.executable, "-c", _DIGEST, str(model_dir)).stdout.split()[-1]
        assert f"classify/gru-seed1: weights {digest}" in output, output
        assert json.loads((model_dir / "run.json").read_text())["replicas"] == 2, finished.stdout
        assert files(other.root) == before
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
