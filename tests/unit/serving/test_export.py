"""Exported files, their reports, and what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.serving import export, formats, latency, samples
from strokecast.serving.raw_graph import RawGraph


@pytest.mark.parametrize(
    ("task", "name", "reason"),
    [
        ("classify", "gru", ""),
        ("draw", "sketch_rnn", "point by point"),
        ("classify", "logistic", "not a network"),
        ("forecast", "weighted_best_5", "several models"),
    ],
)
def test_models_that_are_not_exported_have_a_reason(task: str, name: str, reason: str) -> None:
    found = export.reason_against(task, name)
    assert reason in found
    assert bool(reason) == bool(found)


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    export.check_output(tmp_path / "new")
    (tmp_path / "export.json").touch()
    export.check_output(tmp_path)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UserError, match=r"--output: .* has other files \(thesis\.tex\)"):
        export.check_output(tmp_path)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(formats._PACKAGES, "onnx", ("no_such_package",))
    with pytest.raises(UserError, match=r"no_such_package.*\[export\]"):
        formats.check_packages("onnx")


def test_differences_are_shares_of_large_values_and_nan_is_never_small() -> None:
    assert export.difference(np.array([200.0, 1.0]), np.array([100.0, 1.0])) == 1.0
    assert export.difference(np.array([0.75]), np.array([0.5])) == 0.25
    assert export.difference(np.array([np.nan]), np.array([0.5])) == float("inf")


def _raw_inputs(spec: dict[str, Any], size: int) -> dict[str, Any]:
    """Three drawings of at most `size` points, videos, or histories of 14 days around 5 * `size`."""
    rng = np.random.default_rng(size)
    if spec["task"] == "watch":
        return {"frames": rng.integers(0, 256, (3, *spec["features"]["frames"])).astype(np.uint8)}
    if spec["task"] == "forecast":
        values = rng.normal(5 * size, 10, (3, 14, 1)).astype(np.float32)
        return {"values": values, "origin": np.array([18300, 18301, 18302], np.int32)}
    strokes = rng.normal(0, 12, (3, size, 3)).astype(np.float32)
    return {"strokes": strokes, "length": np.array([size, size - 2, 2], np.int32)}


@pytest.fixture
def fake_samples(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`fake_samples(shift)`: six raw examples; the reference is Keras's output plus `shift`."""

    def fake(shift: float = 0.0) -> None:
        def load(network: Any, spec: Any, *arguments: Any) -> samples.Samples:
            from strokecast.serving import raw_graph

            graph = raw_graph.build(network, spec)
            batches = [_raw_inputs(spec, size) for size in (9, 21)]
            reference = np.concatenate([np.asarray(graph.call(**batch)) for batch in batches])
            actual = reference if spec["task"] == "forecast" else reference.argmax(axis=1)
            return samples.Samples(batches, reference + shift, actual)

        monkeypatch.setattr(samples, "load", load)
        monkeypatch.setattr(latency, "_ROUNDS", 2)
        monkeypatch.setattr(export, "run_in_new_process", lambda function, arguments: function(*arguments))
        monkeypatch.setattr(
            export,
            "_export_silently",
            lambda *given: export.write_files(export.load(*given[:2], 12), *given[2:5]),
        )

    return fake


@pytest.mark.slow
def test_a_saved_model_agrees_with_keras_and_its_report_says_so(
    tmp_path: Path,
    specs: dict[str, Any],
    make_folder: Callable[..., Path],
    fake_samples: Callable[..., None],
) -> None:
    fake_samples()
    folder, output = make_folder("classify", "raster_cnn", specs["classify"]), tmp_path / "out"
    contents = export.export(folder, tmp_path / "data", "saved_model", "", output)
    assert json.loads((output / "export.json").read_text()) == contents
    assert contents["largest_difference"] < 1e-5
    assert contents["compared_examples"] == 12  # of both splits
    assert contents["score"] == contents["keras_score"] == 1.0
    text = (output / "export.md").read_text()
    assert "| `strokes` | float32 | [any, any, 3] |" in text
    assert "Classes, in order: circle, square, a spiral." in text
    fake_samples(shift=0.01)
    with pytest.raises(UserError, match=r"differs from Keras by 0\.01 "):
        export.export(folder, tmp_path / "data", "saved_model", "", output)
    assert json.loads((output / "export.json").read_text()) == contents


def test_other_data_than_that_of_the_training_is_refused(
    tmp_path: Path, specs: dict[str, Any], make_folder: Callable[..., Path]
) -> None:
    folder = make_folder("classify", "raster_cnn", specs["classify"])
    (tmp_path / "data/spec.json").write_text(json.dumps({**specs["classify"], "digest": "0" * 64}))
    with pytest.raises(UserError, match="not that of the training"):
        export.load(folder, tmp_path / "data", 1)


@pytest.mark.slow
def test_a_converter_that_aborts_costs_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = export.run_in_new_process
    monkeypatch.setattr(export, "run_in_new_process", lambda *_: run(os.abort, ()))
    with pytest.raises(formats.ConversionError, match=r"exported as litert \(int8\): the converter stopped"):
        export.export(tmp_path, tmp_path, "litert", "int8", tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "name", "file_format", "quantize"),
    [
        ("classify", "raster_cnn", "onnx", ""),
        ("classify", "raster_cnn", "litert", ""),
        ("classify", "raster_cnn", "litert", "dynamic"),
        ("classify", "raster_cnn", "litert", "int8"),
        ("classify", "raster_cnn", "onnx", "int8"),
        ("watch", "cnn_rnn", "onnx", ""),
        ("watch", "cnn_rnn", "litert", ""),
        ("forecast", "linear", "onnx", "dynamic"),
        ("forecast", "linear", "onnx", ""),
    ],
)
def test_real_formats_agree_with_keras(
    tmp_path: Path,
    specs: dict[str, Any],
    make_folder: Callable[..., Path],
    fake_samples: Callable[..., None],
    task: str,
    name: str,
    file_format: str,
    quantize: str,
) -> None:
    fake_samples()
    folder = make_folder(task, name, specs[task])
    contents = export.export(folder, tmp_path / "data", file_format, quantize, tmp_path / "out")
    assert contents["largest_difference"] < (0.1 if quantize else 1e-5)
    assert (tmp_path / "out" / formats.FILES[file_format]).stat().st_size == contents["bytes"]


@pytest.mark.slow
def test_a_file_that_litert_cannot_load_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"not a flatbuffer" * 10)
    with pytest.raises(formats.ConversionError, match="cannot be run"):
        formats.load("litert", tmp_path / "model.tflite", RawGraph({}, "", "", lambda: None, []))
