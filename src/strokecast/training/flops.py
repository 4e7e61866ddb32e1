"""Floating-point operations of a network, counted from its graph.

Counted are matrix products, convolutions and cuDNN's recurrent kernel; a multiplication and its addition count as two.
Element-wise work is not counted. The body of a recurrent loop counts once per step of the loop. A training step counts as three
forward passes: the backward pass computes two products for each one (Kaplan et al., https://arxiv.org/abs/2001.08361).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PASSES_PER_STEP = 3  # forward passes that a training step is worth


def per_example(model: Any, length: int) -> int | None:
    """FLOPs of one forward pass for one example.

    Args:
        model: keras.Model.
        length: steps of inputs without a fixed number of them, e.g. points of a drawing.

    Returns:
        None if a size or a number of loop steps in the graph depends on values.
    """
    import tensorflow as tf

    from strokecast.inference.networks import input_signature

    def one_example(spec: Any) -> Any:
        sizes = [1, *(length if size is None else size for size in spec.shape[1:])]
        return tf.TensorSpec(sizes, spec.dtype, spec.name)

    specs = {name: one_example(spec) for name, spec in input_signature(model).items()}
    forward = tf.function(lambda inputs: model(inputs, training=False), autograph=False)
    try:
        return _count(forward.get_concrete_function(specs).graph)
    except _UnknownSizeError:
        return None


def describe(
    model: Any, spec: Mapping[str, Any], processed: Path, epochs: int, seconds: float
) -> dict[str, int | float]:
    """FLOPs per example and those reached per second, for run.json.

    Args:
        model: keras.Model.
        spec: spec.json of the processed data; drawings count with their median number of points.
        processed: `data/processed/<task>`.
        epochs: epochs of the training.
        seconds: wall time of all epochs, tracing and validation included.

    Returns:
        {"flops_per_example": ..., "flops_per_second": ...}; {} if they cannot be counted.
    """
    from strokecast.features.records import reading

    flops = per_example(model, int(spec.get("length", {}).get("median", 1)))
    if flops is None:
        return {}
    inputs = [tensor.name for tensor in model.inputs]

    def examples(split: str) -> int:
        return sum(group.count for group in reading.groups(processed, spec, split, inputs))

    passes = PASSES_PER_STEP * examples("train") + examples("valid")
    return {"flops_per_example": flops, "flops_per_second": round(flops * passes * epochs / seconds)}


class _UnknownSizeError(Exception):
    """A size is not known before the graph runs."""


def _count(graph: Any) -> int:
    total = 0
    for operation in _needed(graph):
        if operation.type in _COUNTERS:
            total += _COUNTERS[operation.type](operation)
        elif operation.type in ("While", "StatelessWhile"):
            total += _loop_steps(operation) * _count(_function(operation, "body"))
        elif operation.type in ("PartitionedCall", "StatefulPartitionedCall"):
            total += _count(_function(operation, "f"))
        elif operation.type in ("If", "StatelessIf"):
            total += max(_count(_function(operation, name)) for name in ("then_branch", "else_branch"))
    return total


def _needed(graph: Any) -> list[Any]:
    """The operations that the outputs depend on; TensorFlow drops the others before it runs the graph."""
    waiting = [tensor.op for tensor in graph.outputs]
    needed = dict.fromkeys(waiting)
    while waiting:
        operation = waiting.pop()
        for source in [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]:
            if source not in needed:
                needed[source] = None
                waiting.append(source)
    return list(needed)


def _function(operation: Any, attribute: str) -> Any:
    """The graph of a function that an operation calls."""
    return operation.graph._get_function(operation.get_attr(attribute).name).graph


def _loop_steps(operation: Any) -> int:
    """`maximum_iterations` of a `tf.while_loop`, which Keras sets to the number of time steps."""
    import tensorflow as tf

    limit = operation.inputs[1]
    if limit.op.type == "Max":  # Keras takes the longest of the lengths, of which there is one
        limit = limit.op.inputs[0]
    steps = tf.get_static_value(limit)
    if steps is None:
        raise _UnknownSizeError
    return int(steps)


def _sizes(tensor: Any) -> list[int]:
    """The static shape; inside of loops the number of examples may be unknown, and is one."""
    if tensor.shape.rank is None:
        raise _UnknownSizeError
    first, *rest = [*tensor.shape] or [1]
    if None in rest:
        raise _UnknownSizeError
    return [1 if first is None else first, *rest]


def _product(operation: Any) -> int:
    """MatMul and BatchMatMulV2: two per entry of the output and per summed index."""
    left = _sizes(operation.inputs[0])
    flag = "transpose_a" if operation.type == "MatMul" else "adj_x"
    return 2 * math.prod(_sizes(operation.outputs[0])) * left[-2 if operation.get_attr(flag) else -1]


def _einsum(operation: Any) -> int:
    """Two per combination of all indices."""
    terms = operation.get_attr("equation").decode().partition("->")[0].split(",")
    sizes: dict[str, int] = {}
    for term, tensor in zip(terms, operation.inputs, strict=True):
        sizes |= dict(zip(term, _sizes(tensor), strict=True))
    return 2 * math.prod(sizes.values())


def _convolution(operation: Any) -> int:
    """Two per entry of the output and per weight that it sums over: all of the kernel but its output channels."""
    kernel = _sizes(operation.inputs[1])
    return 2 * math.prod(_sizes(operation.outputs[0])) * math.prod(kernel[:-1])


def _depthwise(operation: Any) -> int:
    kernel = _sizes(operation.inputs[1])
    return 2 * math.prod(_sizes(operation.outputs[0])) * math.prod(kernel[:-2])


def _cudnn_rnn(operation: Any) -> int:
    """The products of all gates with the input and with the state, per step."""
    _, steps, channels = _sizes(operation.inputs[0])
    units = _sizes(operation.inputs[1])[-1]
    gates = {b"lstm": 4, b"gru": 3}[operation.get_attr("rnn_mode")]
    return 2 * steps * gates * units * (channels + units)


_COUNTERS: dict[str, Callable[[Any], int]] = {
    "MatMul": _product,
    "BatchMatMulV2": _product,
    "Einsum": _einsum,
    "Conv2D": _convolution,
    "Conv3D": _convolution,
    "DepthwiseConv2dNative": _depthwise,
    "CudnnRNNV3": _cudnn_rnn,
}
