"""A raw graph as a TensorFlow SavedModel, an ONNX file or a LiteRT file, and the runtime of each.

ONNX and LiteRT need the extra `export`. SavedModel and ONNX take any number of examples of any length. LiteRT has fixed
shapes: one example, as long as the longest that the network takes.
"""

from __future__ import annotations

import importlib
import logging
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.serving.raw_graph import RawGraph

FILES = {"saved_model": "saved_model", "onnx": "model.onnx", "litert": "model.tflite"}
OPSET = 18
_PACKAGES = {"saved_model": (), "onnx": ("onnx", "onnxruntime", "tf2onnx"), "litert": ("ai_edge_litert",)}

Inputs = dict[str, NDArray[Any]]
Run = Callable[[Inputs], NDArray[np.float32]]
"""Raw inputs of B examples → the output."""


class ConversionError(UserError):
    """A network has an op that a format lacks."""


def check_packages(file_format: str) -> None:
    """Check that the packages of a format are installed.

    Raises:
        UserError: names the extra that has them.
    """
    for package in _PACKAGES[file_format]:
        try:
            importlib.import_module(package)
        except ImportError:
            raise UserError(
                f"the format {file_format} needs the package {package}, which is not installed",
                location="--format",
                fix="install the extra: uv pip install -e '.[export]'",
            ) from None


def write(graph: RawGraph, file_format: str, path: Path, quantize: str = "") -> None:
    """Write a raw graph.

    Args:
        graph: to write.
        file_format: a key of `FILES`.
        path: file, or folder of a SavedModel, to write.
        quantize: of LiteRT: "dynamic" (weights in int8), or "" (float32).

    Raises:
        ConversionError: if the network has an op that the format lacks.
    """
    try:
        if file_format == "saved_model":
            _write_saved_model(graph, path)
        elif file_format == "onnx":
            _write_onnx(graph, path)
        else:
            path.write_bytes(_litert(graph, quantize))
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
            return _saved_model_runtime(path, graph.output)
        return _onnx_runtime(path) if file_format == "onnx" else _litert_runtime(path, graph)
    except Exception as error:
        raise ConversionError(
            f"cannot be run ({_reason(error)})", location=f"--format {file_format}"
        ) from error


def function(graph: RawGraph, *, fixed_shapes: bool = False) -> Any:
    """The graph as a `tf.function` of positional tensors that returns {output name: tensor}."""
    import tensorflow as tf

    signature = [
        tf.TensorSpec(one.fixed_shape if fixed_shapes else one.shape, one.dtype, name)
        for name, one in graph.inputs.items()
    ]

    @tf.function(input_signature=signature)
    def run(*tensors: Any) -> Any:
        return {graph.output: graph.call(**dict(zip(graph.inputs, tensors, strict=True)))}

    return run


def _write_saved_model(graph: RawGraph, path: Path, *, fixed_shapes: bool = False) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.weights = [variable.value for variable in graph.variables]
    module.serve = function(graph, fixed_shapes=fixed_shapes)
    logging.getLogger("absl").setLevel(logging.ERROR)
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.serve})


def _saved_model_runtime(path: Path, output: str) -> Run:
    import tensorflow as tf

    module = tf.saved_model.load(str(path))
    serve = module.signatures["serving_default"]

    def run(inputs: Inputs) -> NDArray[np.float32]:
        outputs = serve(**{name: tf.constant(values) for name, values in inputs.items()})
        return np.asarray(outputs[output])

    vars(run)["module"] = module  # the signature does not keep the variables alive
    return run


def _write_onnx(graph: RawGraph, path: Path) -> None:
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    run = function(graph)
    model, _ = tf2onnx.convert.from_function(
        run,
        input_signature=run.input_signature,
        opset=OPSET,
        custom_op_handlers={"Log1p": (_log1p, []), "Erfc": (_erfc, [])},
    )
    path.write_bytes(model.SerializeToString())


def _log1p(context: Any, node: Any, _name: str, _arguments: Any) -> None:
    """Log(1 + x): ONNX has no Log1p."""
    _replace(context, node, lambda one: context.make_node("Add", [node.input[0], one]), "Log")


def _erfc(context: Any, node: Any, _name: str, _arguments: Any) -> None:
    """1 - Erf(x): ONNX has no Erfc."""
    from tf2onnx import utils

    one = context.make_const(utils.make_name(node.name), np.float32(1.0)).output[0]
    erf = context.make_node("Erf", [node.input[0]])
    _finish(context, node, "Sub", [one, erf.output[0]])


def _replace(context: Any, node: Any, first: Callable[[str], Any], last: str) -> None:
    from tf2onnx import utils

    one = context.make_const(utils.make_name(node.name), np.float32(1.0)).output[0]
    _finish(context, node, last, [first(one).output[0]])


def _finish(context: Any, node: Any, op: str, inputs: list[str]) -> None:
    """Replace `node` by an op with the same outputs."""
    outputs, shapes, dtypes = list(node.output), node.output_shapes, node.output_dtypes
    context.remove_node(node.name)
    context.make_node(op, inputs, outputs=outputs, name=node.name, shapes=shapes, dtypes=dtypes)


def _onnx_runtime(path: Path) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = {one.name for one in session.get_inputs()}

    def run(inputs: Inputs) -> NDArray[np.float32]:
        outputs = session.run(None, {name: values for name, values in inputs.items() if name in names})
        return np.asarray(outputs[0])

    return run


def _litert(graph: RawGraph, quantize: str) -> bytes:
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        _write_saved_model(graph, Path(folder), fixed_shapes=True)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serving_default"])
        if quantize:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        return bytes(converter.convert())


def pad(example: Inputs, graph: RawGraph) -> Inputs:
    """The inputs of one example in the fixed shapes of LiteRT, with zeros at the end."""
    padded = {}
    for name, one in graph.inputs.items():
        values = np.zeros(one.fixed_shape, one.dtype)
        part = example[name][tuple(slice(0, size) for size in one.fixed_shape)]
        values[tuple(slice(0, size) for size in part.shape)] = part
        padded[name] = values
    return padded


def _check_litert(path: Path) -> None:
    """Load a file in a process of its own: for some quantized ops the runtime ends its process.

    Raises:
        ValueError: if it cannot be loaded.
    """
    code = (
        "import sys; from ai_edge_litert.interpreter import Interpreter; "
        "Interpreter(model_path=sys.argv[1]).allocate_tensors()"
    )
    result = subprocess.run([sys.executable, "-c", code, str(path)], check=False, capture_output=True)
    if result.returncode < 0:
        raise ValueError("the LiteRT runtime ends its process when it loads the file")
    if result.returncode:
        raise ValueError(result.stderr.decode(errors="replace").strip().splitlines()[-1])


def _litert_runtime(path: Path, graph: RawGraph) -> Run:
    from ai_edge_litert.interpreter import Interpreter

    _check_litert(path)
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner("serving_default")
    names = set(runner.get_input_details())

    def run(inputs: Inputs) -> NDArray[np.float32]:
        count = len(next(iter(inputs.values())))
        rows = []
        for row in range(count):
            example = pad({name: values[row : row + 1] for name, values in inputs.items()}, graph)
            rows.append(runner(**{name: values for name, values in example.items() if name in names}))
        return np.concatenate([outputs[graph.output] for outputs in rows])

    return run


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
