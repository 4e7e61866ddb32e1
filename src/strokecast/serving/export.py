"""Exports a trained network, compares the file with Keras on real inputs and writes a report beside it."""

from __future__ import annotations

import os
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.common.files import new_folder, write_json
from strokecast.common.pool import run_in_new_process
from strokecast.features.records import spec as specs
from strokecast.inference import networks, online_correction
from strokecast.models.common import registry
from strokecast.params import DISTIL
from strokecast.serving import formats, latency, raw_graph, report, samples
from strokecast.serving.raw_graph import Inputs, RawGraph

MAX_DIFFERENCE = 1e-4  # of an exported float32 file from Keras, see `difference`
_CALIBRATION_EXAMPLES, _TIMED_EXAMPLES = 128, 5
_REPORT_FILES = ("export.json", "export.md")


def reason_against(task: str, name: str) -> str:
    """Why a model cannot be exported in any format; "" if it may be.

    Args:
        task: one of `strokecast.params.TASKS`.
        name: of an architecture, or of a combination.
    """
    if task == "draw":
        return "drawings are sampled point by point, outside the network"
    if name not in (*registry.names(task), DISTIL):
        return "a combination runs several models; name one of them"
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

    All work is done in a new process, because a native converter or runtime may abort its process.

    Args:
        folder: of the training.
        processed: folder of the processed data of its task.
        file_format: a key of `formats.FILES`.
        quantize: "", or for the formats in `formats.QUANTIZED` "dynamic" or "int8".
        output: folder to write; replaced if it is there.
        max_examples: real examples to compare, of the validation split and then of the training split.

    Returns:
        Contents of export.json.

    Raises:
        UserError: if the network cannot be converted, or if a float32 file differs from Keras by more than
            `MAX_DIFFERENCE`. Nothing is written then.
    """
    formats.check_packages(file_format)
    with new_folder(output) as target:
        try:
            return run_in_new_process(
                _export_silently, (folder, processed, file_format, quantize, target, max_examples)
            )
        except BrokenExecutor:
            raise formats.ConversionError(
                f"this network cannot be exported as {formats.label(file_format, quantize)}: the converter stopped",
                location="--format",
                fix="use another format" + (", or omit --quantize" if quantize else ""),
            ) from None


def _export_silently(
    folder: Path, processed: Path, file_format: str, quantize: str, target: Path, max_examples: int
) -> dict[str, Any]:
    """`write_files` without what native libraries write to the terminal; for a process of its own."""
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)
    return write_files(load(folder, processed, max_examples), file_format, quantize, target)


@dataclass(frozen=True)
class LoadedNetwork:
    """A trained network with what an exported file is compared with.

    Attributes:
        folder: of the training.
        spec: of its data.
        graph: of raw inputs.
        valid: examples of the validation split.
        train: examples of the training split.
        compares_train: whether `train` is compared, too, because the validation split has too few examples.
        keras_ways: how Keras is timed.
    """

    folder: Path
    spec: Any
    graph: RawGraph
    valid: samples.Samples
    train: samples.Samples
    compares_train: bool
    keras_ways: dict[str, latency.Way]


def load(folder: Path, processed: Path, max_examples: int) -> LoadedNetwork:
    """The network of a training; see `export`."""
    spec: Any = specs.read(folder)
    _check_data(spec, processed)
    network = networks.load_network(folder)
    valid = samples.load(network, spec, processed, "valid", max_examples)
    missing = max_examples - len(valid.actual)
    train = samples.load(network, spec, processed, "train", max(_CALIBRATION_EXAMPLES, missing))
    graph = raw_graph.build(network, spec)
    return LoadedNetwork(
        folder, spec, graph, valid, train, missing > 0, latency.keras_ways(network, spec, graph)
    )


def write_files(network: LoadedNetwork, file_format: str, quantize: str, target: Path) -> dict[str, Any]:
    """`export` in this process, into an existing folder `target`."""
    spec, graph, valid, train = network.spec, network.graph, network.valid, network.train
    path = target / formats.FILES[file_format]
    formats.write(graph, file_format, path, quantize, _evenly(train.examples(), _CALIBRATION_EXAMPLES))
    run = formats.load(file_format, path, graph)
    outputs = np.concatenate([run(batch) for batch in valid.batches])
    largest = difference(outputs, valid.reference)
    compared = len(outputs)
    if network.compares_train:
        train_outputs = np.concatenate([run(batch) for batch in train.batches])
        largest = max(largest, difference(train_outputs, train.reference))
        compared += len(train_outputs)
    if not quantize and not largest <= MAX_DIFFERENCE:
        raise formats.ConversionError(
            f"the file differs from Keras by {largest:.2g} on real inputs",
            location=f"--format {file_format}",
            allowed=f"at most {MAX_DIFFERENCE:g}",
        )
    contents = {
        "task": spec["task"],
        "format": file_format,
        "quantize": quantize or "none",
        "file": path.name,
        "bytes": _size(path),
        "keras_bytes": (network.folder / "model.keras").stat().st_size,
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
        "notes": [*graph.notes, *_format_notes(file_format, quantize, network.folder)],
        "compared_examples": compared,
        "largest_difference": largest,
        "split": "valid",
        "scored_examples": len(outputs),
        "metric": "mae" if spec["task"] == "forecast" else "accuracy",
        "score": valid.score(outputs),
        "keras_score": valid.score(valid.reference),
        "latency_ms": latency.measure(
            {"file": run, **network.keras_ways}, _evenly(valid.examples(), _TIMED_EXAMPLES)
        ),
    }
    write_json(target / "export.json", contents)
    (target / "export.md").write_text(report.markdown(contents), encoding="utf-8")
    return contents


def _evenly(examples: list[Inputs], count: int) -> tuple[Inputs, ...]:
    """At most `count` of the examples, evenly spaced."""
    positions = np.linspace(0, len(examples) - 1, min(count, len(examples))).round()
    return tuple(examples[int(position)] for position in positions)


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


def _format_notes(file_format: str, quantize: str, folder: Path) -> list[str]:
    notes = []
    if file_format == "litert":
        notes.append(
            "One example per call, in fixed shapes: a shorter drawing is padded with zeros, `length` says how long it is. "
            "Free sizes would need TensorFlow's own ops, which the LiteRT runtime lacks."
        )
    if quantize == "int8":
        notes.append(
            f"The ranges of the int8 activations are those of {_CALIBRATION_EXAMPLES} training examples. "
            "The ops of the features keep float32."
        )
    if (folder / online_correction.FILE).is_file():
        notes.append("`strokecast forecast` adds an online correction to what this file forecasts.")
    return notes
