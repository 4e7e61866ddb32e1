"""Graphs of raw drawings give what the predictors give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from strokecast.serving import raw_graph


@pytest.fixture
def drawings() -> list[np.ndarray]:
    """Three drawings in the units of a source; the last has more points than the longest bucket (32)."""
    rng = np.random.default_rng(0)
    lengths = (1, 20, 40)
    return [np.column_stack([rng.normal(0, 15, (n, 2)), rng.random(n) < 0.2]) for n in lengths]


def _padded(drawings: list[np.ndarray], filler: float) -> dict[str, np.ndarray]:
    longest = max(map(len, drawings))
    strokes = np.full((len(drawings), longest, 3), filler, np.float32)
    for row, points in enumerate(drawings):
        strokes[row, : len(points)] = points
    return {"strokes": strokes, "length": np.array([len(points) for points in drawings], np.int32)}


@pytest.mark.parametrize("reads_time", [False, True])
def test_raw_drawings_are_scaled_cropped_and_masked(
    build_network: Callable[..., Any],
    specs: dict[str, Any],
    drawings: list[np.ndarray],
    reads_time: bool,
) -> None:
    from strokecast.inference import networks
    from strokecast.inference.classifier import DrawingClassifier
    from strokecast.models.common import probabilities

    spec = specs["classify"]
    network = build_network("classify", "gru", spec) if not reads_time else _timed_network()
    run = networks.inference_function(network)
    classifier = DrawingClassifier(lambda x: probabilities.softmax(run(x).numpy()), spec, reads_time)
    times = [np.cumsum(np.full(len(points), 250.0)) for points in drawings]
    expected = classifier.predict_proba(drawings, times)
    inputs = _padded(drawings, filler=7.0)
    if reads_time:
        inputs["times"] = np.stack([np.resize(one, 40) for one in times]).astype(np.float32)
    graph = raw_graph.build(network, spec)
    assert list(graph.inputs) == list(inputs)
    np.testing.assert_allclose(graph.call(**inputs), expected, atol=1e-5)


def _timed_network() -> Any:
    """Logits that depend on every valid point, its time and the last kept pen lift."""
    import keras

    strokes = keras.Input((None, 3), name="strokes")
    length = keras.Input((), name="length", dtype="int32")
    time = keras.Input((None,), name="time")
    joined = keras.layers.Concatenate()([strokes, keras.layers.Reshape((-1, 1))(time)])
    weighted = keras.layers.Dense(3)(joined)
    pooled = keras.ops.sum(weighted, axis=1) / keras.ops.cast(length, "float32")[:, None]
    return keras.Model({"strokes": strokes, "length": length, "time": time}, pooled)


def test_motion_is_computed_from_frames(build_network: Callable[..., Any], specs: dict[str, Any]) -> None:
    import tensorflow as tf

    from strokecast.features.records import reading

    network = build_network("watch", "two_stream", specs["watch"])
    frames = tf.constant(np.random.default_rng(0).integers(0, 256, (2, 3, 14, 14)), tf.uint8)
    graph = raw_graph.build(network, specs["watch"])
    assert list(graph.inputs) == ["frames"]
    inputs = {"frames": frames, "motion": reading.motion(frames)}
    np.testing.assert_allclose(graph.call(frames=frames), tf.nn.softmax(network(inputs)), atol=1e-5)


def test_cells_lose_their_dropout(specs: dict[str, Any]) -> None:
    import keras

    inputs = {
        "strokes": keras.Input((None, 3), name="strokes"),
        "length": keras.Input((), name="length", dtype="int32"),
    }
    layer = keras.layers.Bidirectional(keras.layers.GRU(2, dropout=0.5, recurrent_dropout=0.5))
    network = keras.Model(inputs, keras.layers.Dense(3)(layer(inputs["strokes"])))
    raw_graph.build(network, specs["classify"])
    cells = [layer.forward_layer.cell, layer.backward_layer.cell]
    assert {(cell.dropout, cell.recurrent_dropout) for cell in cells} == {(0.0, 0.0)}
