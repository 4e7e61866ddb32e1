"""A raw graph as a TensorFlow SavedModel."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strokecast.serving.raw_graph import Inputs, RawGraph, Run, function


def write(graph: RawGraph, path: Path, *, fixed_shapes: bool = False) -> None:
    """Write the folder of a raw graph."""
    import tensorflow as tf

    module = tf.Module()
    module.weights = [variable.value for variable in graph.variables]
    module.serve = function(graph, fixed_shapes=fixed_shapes)
    logging.getLogger("absl").setLevel(logging.ERROR)
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.serve})


def runtime(path: Path, output: str) -> Run:
    """The folder in TensorFlow.

    Args:
        path: of the folder.
        output: name of the output.
    """
    import tensorflow as tf

    module = tf.saved_model.load(str(path))
    serve = module.signatures["serving_default"]

    def run(inputs: Inputs) -> NDArray[np.float32]:
        outputs = serve(**{name: tf.constant(values) for name, values in inputs.items()})
        return np.asarray(outputs[output])

    vars(run)["module"] = module  # the signature does not keep the variables alive
    return run
