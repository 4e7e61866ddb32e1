"""`strokecast promote` on a real project: environments made from requirements alone, `mlflow models serve`, and the way back."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SQUARE = [[60, 0, 0], [0, 60, 0], [-60, 0, 0], [0, -60, 1]]


@pytest.fixture(scope="module")
def project(built: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A copy of the built project, whose champion of classify is `logistic`."""
    copy = built.copy(tmp_path_factory.mktemp("champion") / "project")
    promote(copy, "logistic", "--reason", "the small project learns little")
    return copy


def promote(project: Any, model: str, *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = ("strokecast", "promote", "--task", "classify", "--model", model, *options)
    result: subprocess.CompletedProcess[str] = project.run(*command, check=check)
    return result


def test_a_network_answers_in_an_environment_of_its_own_and_rollback_gives_the_former_one_back(
    project: Any,
) -> None:
    result = promote(project, "gru", "--reason", "a network")
    assert "pass  environment: loads and answers in an environment of its 6 requirements" in result.stdout
    assert "gru-seed1 (version 2) of strokecast-classify is the champion" in result.stdout
    (python, _) = sorted(project.root.glob(".strokecast/environments/*/bin/python"))
    listed = subprocess.run(
        [python, "-I", "-c", "import strokecast"], capture_output=True, text=True, check=False
    )
    assert "No module named 'strokecast'" in listed.stderr
    project.run("strokecast", "rollback", "--task", "classify")
    assert "logistic-seed1 |       1 |" in project.run("strokecast", "champions").stdout


def test_a_model_whose_requirements_cannot_be_installed_is_refused(project: Any) -> None:
    requirements = project.root / "models/classify/gru/seed-1/pyfunc/requirements.txt"
    text = requirements.read_text()
    requirements.unlink()  # it may be a hard link into DVC's cache
    requirements.write_text("numpy==0.0.1\n")
    try:
        result = promote(project, "gru", "--reason", "I want it", check=False)
    finally:
        requirements.write_text(text)
    assert result.returncode == 1
    assert "FAIL  environment: its requirements cannot be installed: " in result.stdout
    assert result.stderr.count("\n") == 1
    assert "logistic-seed1" in project.run("strokecast", "champions").stdout


@pytest.fixture
def server(project: Any, tmp_path: Path) -> Iterator[str]:
    """The champion of classify behind `mlflow models serve`, in an environment that MLflow makes with uv."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {key: value for key, value in project.environment().items() if key != "PYTHONPATH"}
    environment |= {"MLFLOW_ENV_ROOT": str(tmp_path / "environments"), "MLFLOW_DISABLE_TELEMETRY": "true"}
    environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{project.root}/mlruns/mlflow.db"
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        "models:/strokecast-classify@champion",
    ]
    command += ["--env-manager", "uv", "--host", "127.0.0.1", "--port", str(port)]
    log = tmp_path / "serve.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            command, env=environment, cwd=tmp_path, stdout=file, stderr=file, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 400
        while not _is_up(f"http://127.0.0.1:{port}/ping"):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def _is_up(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_the_champion_answers_behind_mlflow_models_serve(server: str) -> None:
    body = {"dataframe_split": {"columns": ["strokes"], "data": [[SQUARE], [SQUARE[:1] * 30]]}}
    request = urllib.request.Request(
        f"{server}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        rows = json.loads(answer.read())["predictions"]
    assert [set(row) for row in rows] == [{"label", "probability", "probabilities"}] * 2
    assert all(row["label"] in ("airplane", "coffee cup", "duck") for row in rows)
