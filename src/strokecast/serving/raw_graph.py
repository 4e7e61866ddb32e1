"""A trained network as one function of raw inputs: features, network and the way back to raw units are TensorFlow ops.

Shapes: B examples, T points, K classes, N frames of H x W pixels, M steps of a track.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.inference import networks

Inputs = dict[str, NDArray[Any]]
"""Raw inputs by name."""
Run = Callable[[Inputs], NDArray[np.float32]]
"""Raw inputs of B examples → the output."""


@dataclass(frozen=True)
class RawInput:
    """One input of an exported network.

    Attributes:
        dtype: name of a numpy dtype.
        shape: None for a size that may differ from call to call.
        fixed_shape: the shape in formats without free sizes.
        meaning: what it holds, with its unit.
    """

    dtype: str
    shape: tuple[int | None, ...]
    fixed_shape: tuple[int, ...]
    meaning: str


@dataclass(frozen=True)
class RawGraph:
    """A function of raw inputs that can be exported.

    Attributes:
        inputs: by name, in the order of the arguments.
        output: name of the output.
        meaning: what the output holds, with its shape.
        call: tensors by name → the output tensor, float32.
        variables: of the network.
        notes: what a user of the file should know.
    """

    inputs: dict[str, RawInput]
    output: str
    meaning: str
    call: Callable[..., Any]
    variables: list[Any]
    notes: tuple[str, ...] = ()


def build(network: Any, spec: Any) -> RawGraph:
    """The raw graph of a trained network.

    Args:
        network: `keras.Model` of classify, watch or forecast. Dropout of its recurrent cells is switched off.
        spec: of the data it was trained on.

    Raises:
        UserError: if a feature of a forecaster cannot be computed in a graph.
    """
    _remove_cell_dropout(network)
    if spec["task"] == "classify":
        return _classify(network, spec)
    if spec["task"] == "watch":
        return _watch(network, spec)
    from strokecast.serving import forecast_graph

    return forecast_graph.build(network, spec)


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


def _remove_cell_dropout(network: Any) -> None:
    """Switch dropout of recurrent cells off.

    Keras advances their random state in inference, too, and no format has an op for the assignment.
    """
    for layer in network._flatten_layers():
        for name in ("dropout", "recurrent_dropout"):
            cell = getattr(layer, "cell", None)
            if getattr(cell, name, 0):
                setattr(cell, name, 0.0)


def _classify(network: Any, spec: Any) -> RawGraph:
    import tensorflow as tf

    names = set(networks.input_signature(network))
    longest, scale = int(spec["bucket_boundaries"][-1]), float(spec["scale"])

    def call(strokes: Any, length: Any, times: Any = None) -> Any:
        strokes = strokes[:, :longest]
        steps = tf.range(tf.shape(strokes)[1])[None, :]
        mask = steps < tf.minimum(length, longest)[:, None]  # [B, T]
        is_cut = tf.cast((steps == longest - 1) & (length[:, None] > longest), tf.float32)
        pen = tf.maximum(strokes[:, :, 2], is_cut)
        points = tf.concat([strokes[:, :, :2] / scale, pen[:, :, None]], axis=2)
        inputs = {
            "strokes": tf.where(mask[:, :, None], points, 0.0),
            "length": tf.minimum(length, longest),
        }
        if times is not None:
            times = times[:, :longest]
            waits = tf.maximum(times - tf.pad(times[:, :-1], ((0, 0), (1, 0))), 0.0)
            inputs["time"] = tf.where(mask, tf.math.log(1.0 + waits / 1000.0), 0.0)
        logits = network({name: inputs[name] for name in inputs if name in names}, training=False)
        return tf.nn.softmax(logits)

    inputs = {
        "strokes": RawInput(
            "float32",
            (None, None, 3),
            (1, longest, 3),
            "(dx, dy, pen_lift) per point in the units of the source; anything after `length` points",
        ),
        "length": RawInput("int32", (None,), (1,), "number of points, at least 1"),
    }
    if "time" in names:
        inputs["times"] = RawInput(
            "float32", (None, None), (1, longest), "ms since the drawing began, per point"
        )
    notes = (f"Points after the first {longest} are cut off, as in `strokecast predict`.",)
    return RawGraph(inputs, "probabilities", _probabilities(spec), call, network.variables, notes)


def _watch(network: Any, spec: Any) -> RawGraph:
    import tensorflow as tf

    from strokecast.features.records import reading

    names = networks.input_signature(network)
    frames_shape, track_shape = (tuple(spec["features"][name]) for name in ("frames", "track"))
    inputs: dict[str, RawInput] = {}
    if {"frames", "motion"} & set(names):
        inputs["frames"] = RawInput(
            "uint8",
            (None, *frames_shape),
            (1, *frames_shape),
            "frames of the drawing, 255 for full ink (`features.sketches.frames.render_videos`)",
        )
    if "track" in names:
        inputs["track"] = RawInput(
            "float32",
            (None, *track_shape),
            (1, *track_shape),
            "track of the pen (`features.sketches.frames.render_videos`)",
        )

    def call(frames: Any = None, track: Any = None) -> Any:
        values = {"frames": frames, "track": track}
        if "motion" in names:
            values["motion"] = reading.motion(frames)
        return tf.nn.softmax(network({name: values[name] for name in names}, training=False))

    notes = (
        "Frames and track are inputs: the renderer cuts lines into a number of pieces that depends on the drawing, in "
        "float64, and has no form in TensorFlow ops.",
    )
    return RawGraph(inputs, "probabilities", _probabilities(spec), call, network.variables, notes)


def _probabilities(spec: Any) -> str:
    return f"float32 [B, {len(spec['classes'])}], the probability of each of `classes`"
