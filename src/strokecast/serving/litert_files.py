"""A raw graph as a LiteRT file, its quantized variants, and the LiteRT runtime.

A file has fixed shapes: one example, as long as the longest that the network takes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.serving import saved_models
from strokecast.serving.raw_graph import Inputs, RawGraph, Run

_INT8_OPS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def write(graph: RawGraph, path: Path, quantize: str = "", calibration: tuple[Inputs, ...] = ()) -> None:
    """Write a raw graph.

    Args:
        graph: to write.
        path: of the file.
        quantize: "dynamic" (weights in int8, activations in float32), "int8" (weights and activations of dense layers and
            convolutions in int8), or "".
        calibration: of int8, single training examples that set the ranges of the activations.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        saved_models.write(graph, Path(folder), fixed_shapes=True)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serving_default"])
        if quantize:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantize == "int8":
            examples = [("serving_default", pad(example, graph)) for example in calibration]
            converter.representative_dataset = lambda: iter(examples)
            path.write_bytes(_int8(converter))
        else:
            path.write_bytes(converter.convert())


def _int8(converter: Any) -> bytes:
    """Quantize the layers with weights only.

    The ops of the features add and subtract values of very different size. In int8, the scales of such an ADD make LiteRT
    abort its process (`QuantizeMultiplierSmallerThanOneExp`). `TFLiteConverter` has no option that keeps ops in float32;
    `tf.lite.experimental.QuantizationDebugger` does it as here.
    """
    from tensorflow.lite.python import schema_py_generated
    from tensorflow.lite.python.convert import mlir_quantize

    ops = vars(schema_py_generated.BuiltinOperator)
    float_ops = [name for name in ops if name.isupper() and name not in _INT8_OPS]
    converter._experimental_calibrate_only = True
    return bytes(mlir_quantize(converter.convert(), denylisted_ops=float_ops))


def pad(example: Inputs, graph: RawGraph) -> Inputs:
    """The inputs of one example in the fixed shapes of LiteRT, with zeros at the end."""
    padded = {}
    for name, one in graph.inputs.items():
        values = np.zeros(one.fixed_shape, one.dtype)
        part = example[name][tuple(slice(0, size) for size in one.fixed_shape)]
        values[tuple(slice(0, size) for size in part.shape)] = part
        padded[name] = values
    return padded


def runtime(path: Path, graph: RawGraph) -> Run:
    """The file in LiteRT on one thread."""
    from ai_edge_litert.interpreter import Interpreter

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
