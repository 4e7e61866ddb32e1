"""A raw graph as an ONNX file, its quantized variants, and onnxruntime."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.serving.raw_graph import Inputs, RawGraph, Run, function

OPSET = 18
_DYNAMIC_OPS = ["MatMul", "Conv"]  # an LSTM would become an op of onnxruntime alone
_STATIC_OPS = ["MatMul", "Conv", "Gemm"]


def write(graph: RawGraph, path: Path, quantize: str = "", calibration: tuple[Inputs, ...] = ()) -> None:
    """Write a raw graph.

    Quantized are the layers with weights. The ops of the features keep float32: their values differ too much in size for
    the 256 levels of int8.

    Args:
        graph: to write.
        path: of the file.
        quantize: "dynamic" (weights in int8, activations as each call has them), "int8" (weights and activations in
            int8, as QuantizeLinear and DequantizeLinear ops), or "".
        calibration: of int8, training examples that set the ranges of the activations.
    """
    if not quantize:
        _write_float(graph, path)
        return
    with tempfile.TemporaryDirectory() as folder, _quiet_root_logger():
        source = Path(folder) / "float.onnx"
        _write_float(graph, source)
        _quantize(source, path, quantize, calibration)


def _quantize(source: Path, path: Path, quantize: str, calibration: tuple[Inputs, ...]) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = source.with_name("prepared.onnx")
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    if quantize == "dynamic":
        quantize_dynamic(prepared, path, _DYNAMIC_OPS, weight_type=QuantType.QInt8)
        return
    quantize_static(
        prepared,
        path,
        _calibration_reader(source, calibration),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=_STATIC_OPS,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


@contextmanager
def _quiet_root_logger() -> Iterator[None]:
    """Errors only: onnxruntime's quantizers write hints to the root logger."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def runtime(path: Path) -> Run:
    """The file in onnxruntime on one thread of the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = {one.name for one in session.get_inputs()}

    def run(inputs: Inputs) -> NDArray[np.float32]:
        outputs = session.run(None, {name: values for name, values in inputs.items() if name in names})
        return np.asarray(outputs[0])

    return run


def _write_float(graph: RawGraph, path: Path) -> None:
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


def _calibration_reader(path: Path, examples: tuple[Inputs, ...]) -> Any:
    """Examples for `quantize_static`, of the inputs that the file reads."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader

    names = {one.name for one in onnx.load(path).graph.input}

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._examples: Iterator[Inputs] = iter(examples)

        def get_next(self) -> Inputs | None:
            example = next(self._examples, None)
            return example and {name: values for name, values in example.items() if name in names}

    return Reader()
