"""Runs a saved model in an environment made from its own requirements, without strokecast and without this project's packages.

An environment is kept in `.strokecast/environments/<digest of Python's version and the requirements>`, so that a second
promotion takes seconds. The folder may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.evaluation.promotion import answer

FOLDER = Path(".strokecast/environments")
_READY = "strokecast-ready"
_TIMEOUT = 3600  # seconds; longer than the downloads of TensorFlow take
_ERROR_LENGTH = 300


@dataclass(frozen=True)
class Answer:
    """What a model answered to one request.

    Attributes:
        table: its output.
        seconds: that the call took.
    """

    table: pd.DataFrame
    seconds: float


Run = Callable[[Path, Sequence[pd.DataFrame]], list[Answer]]
"""Folder of a saved pyfunc, requests → its answers to its input example and to each request; raises `EnvironmentFailedError`."""


class EnvironmentFailedError(Exception):
    """The environment cannot be made, or the model does not load or answer in it; the reason in one line."""


def requirements(model_dir: Path) -> list[str]:
    """The requirements of a saved model."""
    lines = (model_dir / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip()]


def run(model_dir: Path, requests: Sequence[pd.DataFrame]) -> list[Answer]:
    """Load a model in its own environment, and answer.

    Args:
        model_dir: folder with `MLmodel` and `requirements.txt`.
        requests: raw inputs.

    Returns:
        The answer to the input example of the model, then one per request.

    Raises:
        EnvironmentFailedError: if the environment cannot be made, or the model does not load or answer in it.
        UserError: if uv is not installed.
    """
    python = ensure(requirements(model_dir))
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = Path(folder) / "requests.jsonl", Path(folder) / "answers.jsonl"
        with inputs.open("w", encoding="utf-8") as file:
            for frame in requests:
                table = json.loads(frame.to_json(orient="split", double_precision=15))
                file.write(json.dumps({"columns": table["columns"], "data": table["data"]}) + "\n")
        command = [python, "-I", answer.__file__, model_dir.resolve(), inputs, outputs]
        _call([str(part) for part in command], "the model does not answer in its own environment", folder)
        lines = outputs.read_text(encoding="utf-8").splitlines()
    tables = [json.loads(line) for line in lines]
    return [Answer(pd.DataFrame(one["data"], columns=one["columns"]), one["seconds"]) for one in tables]


def ensure(packages: Sequence[str], folder: Path | None = None) -> Path:
    """The Python of an environment with these packages and nothing else; makes it if there is none yet.

    Args:
        packages: requirements of a model.
        folder: of all environments; None: `FOLDER` in the project.

    Raises:
        EnvironmentFailedError: if a package cannot be installed.
        UserError: if uv is not installed.
    """
    from filelock import FileLock

    folder = folder or paths.board_root() / FOLDER
    version = ".".join(map(str, sys.version_info[:3]))
    digest = hashlib.sha256("\n".join([version, *sorted(packages)]).encode()).hexdigest()[:16]
    environment = folder / digest
    python = environment / "bin/python"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(str(folder / f"{digest}.lock")):
        if (environment / _READY).is_file():
            return python
        shutil.rmtree(environment, ignore_errors=True)  # a part that a killed process left
        uv = _uv()
        reason = "its requirements cannot be installed"
        _call([uv, "venv", "--quiet", "--python", sys.executable, str(environment)], reason)
        _call([uv, "pip", "install", "--quiet", "--python", str(python), *packages], reason)
        (environment / _READY).touch()
    return python


def _uv() -> str:
    """The path of uv: that of this environment, or one on the PATH."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if not found:
        raise UserError("uv is not installed", location="strokecast promote", fix="run `make env`")
    return found


def _call(command: Sequence[str], failure: str, folder: str | None = None) -> None:
    """Run a command without the variables that point Python at this project's packages."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "2", "MLFLOW_DISABLE_TELEMETRY": "true"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentFailedError(f"{failure}: no end after {_TIMEOUT} s") from None
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1] if lines else f"exit code {done.returncode}"
        raise EnvironmentFailedError(f"{failure}: {reason[:_ERROR_LENGTH]}")
