"""A raw graph in each format, and the runtime of each.

ONNX and LiteRT need the extra `export`. SavedModel and ONNX take any number of examples of any length. LiteRT has fixed
shapes: one example, as long as the longest that the network takes.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from strokecast.common.errors import UserError
from strokecast.serving import litert_files, onnx_files, saved_models
from strokecast.serving.raw_graph import Inputs, RawGraph, Run

FILES = {"saved_model": "saved_model", "onnx": "model.onnx", "litert": "model.tflite"}
QUANTIZED = ("onnx", "litert")
_PACKAGES = {"saved_model": (), "onnx": ("onnx", "onnxruntime", "tf2onnx"), "litert": ("ai_edge_litert",)}


class ConversionError(UserError):
    """A network has an op that a format lacks."""


def label(file_format: str, quantize: str) -> str:
    """How messages name a format and its variant."""
    return f"{file_format} ({quantize})" if quantize else file_format


def check_packages(file_format: str) -> None:
    """Check that the packages of a format are installed.

    Raises:
        UserError: names the extra that has them.
    """
    for package in _PACKAGES[file_format]:
        if importlib.util.find_spec(package) is None:
            raise UserError(
                f"the format {file_format} needs the package {package}, which is not installed",
                location="--format",
                fix="install the extra: uv pip install -e '.[export]'",
            )


def write(
    graph: RawGraph, file_format: str, path: Path, quantize: str = "", calibration: tuple[Inputs, ...] = ()
) -> None:
    """Write a raw graph.

    Args:
        graph: to write.
        file_format: a key of `FILES`.
        path: file, or folder of a SavedModel, to write.
        quantize: of the formats in `QUANTIZED`: "dynamic" (weights in int8), "int8" (weights and activations of the layers
            with weights in int8), or "" (float32).
        calibration: of int8, single training examples that set the ranges of the activations.

    Raises:
        ConversionError: if the network has an op that the format lacks.
    """
    try:
        if file_format == "saved_model":
            saved_models.write(graph, path)
        elif file_format == "onnx":
            onnx_files.write(graph, path, quantize, calibration)
        else:
            litert_files.write(graph, path, quantize, calibration)
    except Exception as error:  # the converters report missing ops in many ways
        raise ConversionError(
            f"cannot be converted ({_reason(error)})",
            location=f"--format {file_format}" + (f" --quantize {quantize}" if quantize else ""),
        ) from error


def load(file_format: str, path: Path, graph: RawGraph) -> Run:
    """The written file in its own runtime.

    Raises:
        ConversionError: if the runtime cannot load it.
    """
    try:
        if file_format == "saved_model":
            return saved_models.runtime(path, graph.output)
        return onnx_files.runtime(path) if file_format == "onnx" else litert_files.runtime(path, graph)
    except Exception as error:
        raise ConversionError(
            f"cannot be run ({_reason(error)})", location=f"--format {file_format}"
        ) from error


def _reason(error: Exception) -> str:
    """Why a conversion failed, in one line: the ops that are missing if the message names them."""
    text = str(error)
    flex = re.search(r"(?:Flex ops|Custom ops): ([\w, ]+)", text)
    if flex:
        return f"no op for {flex.group(1).strip()}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    message = re.sub(
        r"^.*?error: (?:loc\(.*\): )?", "", lines[0] if lines else ""
    )  # MLIR's position in the graph
    return f"{type(error).__name__}: {message[:160]}"
