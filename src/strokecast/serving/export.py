"""Exports a trained network, compares the file with Keras on real inputs and writes a report beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.common.files import new_folder, write_json
from strokecast.features.records import spec as specs
from strokecast.inference import networks, online_correction
from strokecast.models.common import registry
from strokecast.serving import formats, raw_graph, report, samples

MAX_DIFFERENCE = 1e-4  # of an exported float32 file from Keras, see `difference`
_TIMED_CALLS, _TIMED_KERAS_CALLS, _WARMUP_CALLS = 100, 20, 3
_REPORT_FILES = ("export.json", "export.md")

Run = Callable[[formats.Inputs], Any]


def reason_against(task: str, name: str) -> str:
    """Why a model cannot be exported in any format; "" if it may be.

    Args:
        task: one of `strokecast.params.TASKS`.
        name: of an architecture, or of a combination.
    """
    if task == "draw":
        return "drawings are sampled point by point, outside the network"
    if name not in registry.names(task):
        return "a combination runs several models"
    kind = registry.get(task, name).kind
    return "" if kind == "network" else f"it is not a network (kind: {kind})"


def check_output(output: Path) -> None:
    """Check that `output` is a new or empty folder, or one of an earlier export, which is replaced.

    Raises:
        UserError: if it has other files.
    """
    if output.exists() and not output.is_dir():
        raise UserError(f"{output} is not a folder", location="--output")
    known = {*_REPORT_FILES, *formats.FILES.values()}
    others = (
        sorted(path.name for path in output.iterdir() if path.name not in known) if output.exists() else []
    )
    if others:
        raise UserError(
            f"{output} has other files ({others[0]})", location="--output", allowed="a new or an empty folder"
        )


def export(
    folder: Path,
    processed: Path,
    file_format: str,
    quantize: str,
    output: Path,
    max_examples: int = samples.MAX_EXAMPLES,
) -> dict[str, Any]:
    """Write a trained network in a portable format with export.json and export.md, which describe and compare it.

    Args:
        folder: of the training.
        processed: folder of the processed data of its task.
        file_format: a key of `formats.FILES`.
        quantize: "", or for LiteRT "dynamic".
        output: folder to write; replaced if it is there.
        max_examples: validation examples to compare.

    Returns:
        Contents of export.json.

    Raises:
        UserError: if the network cannot be converted, or if a float32 file differs from Keras by more than
            `MAX_DIFFERENCE`. Nothing is written then.
    """
    formats.check_packages(file_format)
    spec: Any = specs.read(folder)
    _check_data(spec, processed)
    network = networks.load_network(folder)
    valid = samples.load(network, spec, processed, "valid", max_examples)
    graph = raw_graph.build(network, spec)
    with new_folder(output) as target:
        path = target / formats.FILES[file_format]
        formats.write(graph, file_format, path, quantize)
        run = formats.load(file_format, path, graph)
        outputs = np.concatenate([run(batch) for batch in valid.batches])
        largest = difference(outputs, valid.reference)
        if not quantize and not largest <= MAX_DIFFERENCE:
            raise formats.ConversionError(
                f"the file differs from Keras by {largest:.2g} on real inputs",
                location=f"--format {file_format}",
                allowed=f"at most {MAX_DIFFERENCE:g}",
            )
        metric = "mae" if spec["task"] == "forecast" else "accuracy"
        contents = {
            "task": spec["task"],
            "format": file_format,
            "quantize": quantize or "none",
            "file": path.name,
            "bytes": _size(path),
            "keras_bytes": (folder / "model.keras").stat().st_size,
            "inputs": {
                name: {
                    "dtype": one.dtype,
                    "shape": list(one.fixed_shape if file_format == "litert" else one.shape),
                    "meaning": one.meaning,
                }
                for name, one in graph.inputs.items()
            },
            "output": {"name": graph.output, "meaning": graph.meaning},
            "classes": spec.get("classes", []),
            "notes": [*graph.notes, *_format_notes(file_format, folder)],
            "examples": len(outputs),
            "split": "valid",
            "largest_difference": largest,
            "metric": metric,
            "score": valid.score(outputs),
            "keras_score": valid.score(valid.reference),
            "latency_ms": _latencies(run, graph, valid.examples()),
        }
        write_json(target / "export.json", contents)
        (target / "export.md").write_text(report.markdown(contents), encoding="utf-8")
    return contents


def difference(outputs: NDArray[np.floating], reference: NDArray[np.floating]) -> float:
    """The largest difference, as a share of the largest reference value if that is above 1; infinite if one is NaN.

    For probabilities it is the difference itself, for forecasts it does not depend on their unit.
    """
    gaps = np.abs(outputs.astype(np.float64) - reference)
    if not np.isfinite(gaps).all():
        return float("inf")
    return float(gaps.max() / max(1.0, float(np.abs(reference).max())))


def _check_data(spec: Any, processed: Path) -> None:
    if specs.read(processed)["digest"] != spec["digest"]:
        raise UserError(
            "the processed data is not that of the training, and the file is compared on it",
            location=str(processed),
            fix="run `dvc repro`",
        )


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def _format_notes(file_format: str, folder: Path) -> list[str]:
    notes = []
    if file_format == "litert":
        notes.append(
            "One example per call, in fixed shapes: a shorter drawing is padded with zeros, `length` says how long it is. "
            "Free sizes would need TensorFlow's own ops, which the LiteRT runtime lacks."
        )
    if (folder / online_correction.FILE).is_file():
        notes.append("`strokecast forecast` adds an online correction to what this file forecasts.")
    return notes


def _latencies(run: Run, graph: raw_graph.RawGraph, examples: list[formats.Inputs]) -> dict[str, Any]:
    """Milliseconds per single example: of the file, of Keras as it is called, and of Keras in a `tf.function`."""
    import tensorflow as tf

    traced = formats.function(graph)

    def keras(inputs: formats.Inputs) -> Any:
        return np.asarray(graph.call(**{name: tf.constant(values) for name, values in inputs.items()}))

    def keras_function(inputs: formats.Inputs) -> Any:
        return np.asarray(traced(*(tf.constant(inputs[name]) for name in graph.inputs))[graph.output])

    return {
        "file": _latency(run, examples, _TIMED_CALLS),
        "keras": _latency(keras, examples, _TIMED_KERAS_CALLS),
        "keras_function": _latency(keras_function, examples, _TIMED_CALLS),
    }


def _latency(run: Run, examples: list[formats.Inputs], calls: int) -> dict[str, float]:
    """Median and 99th percentile."""
    for example in (examples * _WARMUP_CALLS)[:_WARMUP_CALLS]:
        run(example)
    milliseconds = []
    for call in range(calls):
        started = time.perf_counter()
        run(examples[call % len(examples)])
        milliseconds.append(1000 * (time.perf_counter() - started))
    return {f"p{percent}": float(np.percentile(milliseconds, percent)) for percent in (50, 99)}
