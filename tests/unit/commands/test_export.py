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
    """A project with a network and an estimator of classify, and a rule of forecast."""
    (tmp_path / "dvc.yaml").touch()
    for task, name in (("classify", "gru"), ("classify", "logistic"), ("forecast", "seasonal_naive_7")):
        folder = model_dir(task, name, 1, tmp_path / "models")
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"seed": 1}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _export(model: str, *options: str, task: str = "classify") -> Result:
    return CliRunner().invoke(main, ["export", "--task", task, "--model", model, *options])


@pytest.mark.parametrize(
    ("model", "label"), [("gru", "gru"), ("champion", "gru (the champion of reports/classify)")]
)
def test_the_outcome_is_one_line(
    project_dir: Path, monkeypatch: pytest.MonkeyPatch, model: str, label: str
) -> None:
    def export(
        folder: Path, processed: Path, file_format: str, quantize: str, output: Path
    ) -> dict[str, Any]:
        assert folder == model_dir("classify", "gru", 1)
        assert (file_format, quantize, processed) == ("litert", "dynamic", Path("data/processed/classify"))
        latency = {"file": {"p50": 0.5}}
        return {"bytes": 12345, "largest_difference": 2e-6, "latency_ms": latency, "file": "model.tflite"}

    monkeypatch.setattr(exporting, "export", export)
    summary = Path("reports/classify/summary.json")
    summary.parent.mkdir(parents=True)
    summary.write_text(json.dumps({"champion": {"model": "gru"}}))
    result = _export(model, "--format", "litert", "--quantize", "dynamic", "--output", "out")
    assert result.output == (
        f"{label}: 12,345 bytes, largest difference 2e-06 from Keras, 0.50 ms per example -> out/model.tflite\n"
    )


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (
            "logistic",
            ["--format", "onnx"],
            "logistic cannot be exported: it is not a network (kind: estimator)",
        ),
        ("gru", ["--format", "saved_model", "--quantize", "int8"], "saved_model files are not quantized"),
        ("gur", ["--format", "onnx"], "no trained model 'gur'"),
        ("champion", ["--format", "onnx"], "reports/classify/summary.json: no such file"),
    ],
)
def test_refusals_name_the_reason(project_dir: Path, model: str, options: list[str], message: str) -> None:
    result = _export(model, *options, "--output", "out")
    assert result.exit_code == 1
    assert message in result.output
    assert not Path("out").exists()


def test_a_forecaster_that_is_not_a_network_is_refused(project_dir: Path) -> None:
    result = _export("seasonal_naive_7", "--format", "onnx", "--output", "out", task="forecast")
    assert result.exit_code == 1
    assert "seasonal_naive_7 cannot be exported: it is not a network (kind: rule)" in result.output
