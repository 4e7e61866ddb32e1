"""Networks from their folders; the saved pyfunc of one loads in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.inference import networks

Make = Callable[[str, str], Path]


def test_missing_and_damaged_networks_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.keras: no such file; run `dvc repro`"):
        networks.load_network(tmp_path)
    (tmp_path / "model.keras").write_bytes(b"not a zip archive")
    with pytest.raises(UserError, match=r"model\.keras: cannot be read as a network.*train the model again"):
        networks.load_network(tmp_path)
    with pytest.raises(UserError, match=r"model\.json: no such file; run `dvc repro`"):
        networks.load_statistical(tmp_path)


def test_last_step_of_a_sequence_of_forecasts() -> None:
    sequence = np.arange(2 * 14 * 7).reshape(2, 14, 7, 1)
    np.testing.assert_array_equal(networks.last_step(sequence, 7), sequence[:, -1])
    forecast = np.zeros((2, 7, 1))
    assert networks.last_step(forecast, 7) is forecast


LOAD_EXAMPLES = """
import json, sys
import mlflow
rows = []
for path in sys.argv[1:]:
    model = mlflow.pyfunc.load_model(path)
    rows.append(len(model.predict(model.input_example)))
import strokecast
print(json.dumps([rows, strokecast.__file__]))
"""


@pytest.mark.slow
def test_models_load_in_an_environment_made_from_their_own_requirements(
    make_model: Make, tmp_path: Path
) -> None:
    from strokecast.tracking import pyfunc

    saved = []
    for task, name in (("classify", "conv_rnn"), ("forecast", "linear")):
        folder = make_model(task, name)
        run = {
            "training_id": "x",
            "task": task,
            "name": name,
            "kind": "network",
            "ended_ms": 1_750_000_000_000,
        }
        pyfunc.save(folder, run)
        saved.append(str(folder / "pyfunc"))
    environment = tmp_path / "venv"
    uv = str(Path(sys.executable).parent / "uv")
    variables = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "VIRTUAL_ENV", "DVC"))
    }

    def run_quietly(*command: str) -> str:
        process = subprocess.run(
            command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=900
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    run_quietly(uv, "venv", "-q", "--python", sys.executable, str(environment))
    python = str(environment / "bin" / "python")
    for path in saved:
        run_quietly(uv, "pip", "install", "-q", "--python", python, "-r", f"{path}/requirements.txt")
    rows, package = json.loads(run_quietly(python, "-c", LOAD_EXAMPLES, *saved).splitlines()[-1])
    assert rows == [2, 7]
    assert Path(package).parts[-3:] == ("code", "strokecast", "__init__.py")
