"""Networks from their folders; the saved pyfunc of one loads in an environment of its own."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.inference import networks, predictor

Make = Callable[[str, str], Path]


def load_error(load: Callable[[Path], object], folder: Path) -> str:
    with pytest.raises(UserError) as error:
        load(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_missing_models_are_named(tmp_path: Path) -> None:
    for load, name in ((networks.load_network, "model.keras"), (networks.load_statistical, "model.json")):
        line = f"{tmp_path / name}: no such file; run `dvc repro` to train the model"
        assert load_error(load, tmp_path) == line


@pytest.fixture(scope="module")
def linear(make_model: Make) -> Path:
    """A forecasting network; tests replace its files."""
    return make_model("forecast", "linear")


def _flip_byte_of_weights(data: bytes) -> bytes:
    position = data.rindex(b"model.weights.h5", 0, data.rindex(b"PK\x01\x02")) + 2000
    return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


def _without_member(data: bytes, removed: str) -> bytes:
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            if name != removed:
                target.writestr(name, source.read(name))
    return result.getvalue()


def _with_config(data: bytes, config: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(result, "w", compression) as target:
        for name in source.namelist():
            target.writestr(name, config if name == "config.json" else source.read(name))
    return result.getvalue()


def _bomb(data: bytes) -> bytes:
    return _with_config(data, b" " * (65 << 20), zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: b"", "it is not a .keras file"),
        (lambda data: b"not a zip archive", "it is not a .keras file"),
        (lambda data: data[: len(data) // 2], "it is a truncated or damaged zip archive"),
        (lambda data: data[:-30], "it is a truncated or damaged zip archive"),
        (lambda data: b"\x89HDF\r\n\x1a\n" + bytes(100), "it is an HDF5 file"),
        (lambda data: pickle.dumps({}), "it is a Python pickle"),
        (lambda data: _without_member(data, "model.weights.h5"), "it is a zip archive"),
        (_flip_byte_of_weights, "BadZipFile: Bad CRC-32 for file 'model.weights.h5'"),
        (_bomb, "its "),
        (lambda data: _with_config(data, b"{}"), ""),
        (lambda data: _with_config(data, b"{"), ""),
        (lambda data: _with_config(data, b'{"module": "os", "class_name": "system", "config": "x"}'), ""),
    ],
    ids=[
        "empty",
        "text",
        "half",
        "end",
        "hdf5",
        "pickle",
        "weights",
        "bit",
        "bomb",
        "config",
        "json",
        "foreign",
    ],
)
def test_damaged_networks_are_named(
    linear: Path, tmp_path: Path, damage: Callable[[bytes], bytes], reason: str
) -> None:
    (tmp_path / "model.keras").write_bytes(damage((linear / "model.keras").read_bytes()))
    line = load_error(networks.load_network, tmp_path)
    assert line.startswith(f"{tmp_path / 'model.keras'}: cannot be read as a network ({reason}")
    assert line.endswith("; restore it with `dvc checkout`, or train the model again")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (os.mkfifo, "is a named pipe; allowed: a regular file"),
        (os.mkdir, "is a folder; allowed: a regular file"),
        (lambda path: path.symlink_to(path.name), "its symbolic links form a circle"),
    ],
    ids=["pipe", "folder", "circle"],
)
def test_what_is_no_regular_file_is_not_loaded(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    make(tmp_path / "model.keras")
    make(tmp_path / "model.json")
    assert load_error(networks.load_network, tmp_path) == f"{tmp_path / 'model.keras'}: {reason}"
    assert load_error(networks.load_statistical, tmp_path) == f"{tmp_path / 'model.json'}: {reason}"


def test_a_network_of_another_architecture_or_other_classes_is_named(
    make_model: Make, linear: Path, tmp_path: Path
) -> None:
    folder = make_model("classify", "gru")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"name": "lstm"}))
    end = "restore it with `dvc checkout`, or train the model again"
    assert (
        load_error(networks.load_network, folder) == f"{folder / 'model.keras'}: is a gru, not a lstm; {end}"
    )
    (folder / "config.json").write_text(json.dumps(config))
    spec = json.loads((folder / "spec.json").read_text())
    (folder / "spec.json").write_text(json.dumps(spec | {"classes": ["cat"]}))
    assert load_error(networks.load_network, folder) == (
        f"{folder / 'model.keras'}: distinguishes {len(spec['classes'])} classes, not the 1 of spec.json; {end}"
    )


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("spec.json", "{", "is not valid JSON (Expecting property name"),
        ("spec.json", "[]", "is not a JSON object"),
        ("spec.json", "{}", "is not a spec of processed data"),
        ("config.json", "", "is not valid JSON (Expecting value: line 1 column 1 (char 0))"),
        ("calibration.json", '{"method": "abs', "is not valid JSON (Unterminated string"),
        ("calibration.json", "{}", "is not a calibration of this model (KeyError: 'method')"),
    ],
)
def test_damaged_json_of_a_model_is_named(
    linear: Path, tmp_path: Path, name: str, text: str, reason: str
) -> None:
    shutil.copytree(linear, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).write_text(text)
    assert load_error(predictor.load, tmp_path).startswith(f"{tmp_path / name}: {reason}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "is not a JSON object"),
        ("{}", "lacks task, name, config, specification"),
        (
            '{"task": "forecast", "name": "linear", "config": {}, "specification": {}}',
            "is not a statistical model",
        ),
    ],
)
def test_a_foreign_model_json_is_named(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "model.json").write_text(text)
    assert f"model.json: {reason}; restore it" in load_error(networks.load_statistical, tmp_path)


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
