"""`strokecast export`: the options that are refused, and the line of the outcome."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from strokecast.commands.cli import main
from strokecast.common.paths import model_dir
from strokecast.serving import export as exporting


@pytest.fixture
def project_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a network and an estimator of classify."""
    (tmp_path / "dvc.yaml").touch()
    for name in ("gru", "logistic"):
        folder = model_dir("classify", name, 1, tmp_path / "models")
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"seed": 1}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _export(model: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["export", "--task", "classify", "--model", model, *options])


def test_the_outcome_is_one_line(project_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def export(
        folder: Path, processed: Path, file_format: str, quantize: str, output: Path
    ) -> dict[str, Any]:
        assert (file_format, quantize, processed) == ("litert", "dynamic", Path("data/processed/classify"))
        latency = {"file": {"p50": 0.5}}
        return {"bytes": 12345, "largest_difference": 2e-6, "latency_ms": latency, "file": "model.tflite"}

    monkeypatch.setattr(exporting, "export", export)
    result = _export("gru", "--format", "litert", "--quantize", "dynamic", "--output", "out")
    assert result.output == (
        "gru: 12,345 bytes, largest difference 2e-06 from Keras, 0.50 ms per example -> out/model.tflite\n"
    )


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("logistic", ["--format", "onnx"], "logistic cannot be exported: it is not a network"),
        ("gru", ["--format", "onnx", "--quantize", "dynamic"], "onnx files are not quantized"),
    ],
)
def test_refusals_name_the_reason(project_dir: Path, model: str, options: list[str], message: str) -> None:
    result = _export(model, *options, "--output", "out")
    assert result.exit_code == 1
    assert message in result.output
    assert not Path("out").exists()
