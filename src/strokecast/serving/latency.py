"""Milliseconds that a single example takes, in an exported file and in Keras."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from strokecast.serving import raw_graph
from strokecast.serving.raw_graph import Inputs, RawGraph

_ROUNDS, _FAST_CALLS_PER_ROUND = 20, 5
_SLOW = ("keras", "keras_predict")

Way = Callable[[Inputs], Any]
"""Runs one example, raw inputs to output."""


def keras_ways(network: Any, spec: Any, graph: RawGraph) -> dict[str, Way]:
    """The ways to run a `keras.Model`: `keras` (`model(x)`), `keras_predict` (`model.predict(x)`) and `keras_function`.

    The last is `model(x)` in a `tf.function`. The ops of the features are those of an exported file.

    Args:
        network: the `keras.Model`.
        spec: of its data.
        graph: of the network.
    """
    return {
        "keras": _eager(graph),
        "keras_predict": _eager(raw_graph.build(_Predict(network), spec)),
        "keras_function": _traced(graph),
    }


def measure(ways: dict[str, Way], examples: tuple[Inputs, ...]) -> dict[str, dict[str, float]]:
    """Median `p50` and 99th percentile `p99` of each way, in milliseconds.

    The ways take turns, so that other load of the machine falls on all of them: in each of 20 rounds, Keras without a
    `tf.function` is called once, and the others 5 times.

    Args:
        ways: by name.
        examples: raw inputs of single examples. Each way runs each of them once before the first measured call.
    """
    for way in ways.values():
        for example in examples:
            way(example)
    milliseconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(_ROUNDS):
        for name, way in ways.items():
            for call in range(1 if name in _SLOW else _FAST_CALLS_PER_ROUND):
                example = examples[(number + call) % len(examples)]
                started = time.perf_counter()
                way(example)
                milliseconds[name].append(1000 * (time.perf_counter() - started))
    return {
        name: {f"p{percent}": float(np.percentile(values, percent)) for percent in (50, 99)}
        for name, values in milliseconds.items()
    }


class _Predict:
    """A network whose calls are those of `keras.Model.predict`."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def __call__(self, inputs: Any, training: bool) -> Any:
        return self._network.predict({name: np.asarray(one) for name, one in inputs.items()}, verbose=0)


def _eager(graph: RawGraph) -> Way:
    import tensorflow as tf

    def run(inputs: Inputs) -> Any:
        return np.asarray(graph.call(**{name: tf.constant(values) for name, values in inputs.items()}))

    return run


def _traced(graph: RawGraph) -> Way:
    import tensorflow as tf

    function = raw_graph.function(graph)

    def run(inputs: Inputs) -> Any:
        return np.asarray(function(*(tf.constant(inputs[name]) for name in graph.inputs))[graph.output])

    return run
