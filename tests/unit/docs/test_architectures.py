"""docs/architectures.md and docs/lstm.md agree with the code."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.models.common import registry, sketch_features

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "architectures.md").read_text(encoding="utf-8")
LSTM = (ROOT / "docs" / "lstm.md").read_text(encoding="utf-8")
SECTIONS = {  # (task, name) → text
    (chapter.split(":")[0].lower(), section.split("`")[0]): section
    for chapter in re.split(r"^## ", GUIDE, flags=re.MULTILINE)[1:]
    for section in re.split(r"^### `", chapter, flags=re.MULTILINE)[1:]
}
TASKS = ("classify", "watch", "draw", "forecast")
FUTURE = ["weekday_sin", "weekday_cos", "year_sin", "year_cos", "holiday", "lag_364"]
SPEC = {
    "classes": [f"class {n}" for n in range(12)],
    "frames": 12,
    "height": 28,
    "width": 28,
    "steps_per_frame": 16,
    "input_size": 56,
    "horizon": 7,
    "targets": ["y"],
    "past_covariates": [],
    "future": FUTURE,
    "channels": ["y", *FUTURE],
}
OUTPUTS = {  # layer and shape that end a section
    "classify": {("logits", "(None, 12)")},
    "watch": {("logits", "(None, 12)")},
    "draw": {("mixture", "(None, None, 63)")},
    "forecast": {("quantiles", "(None, 7, 1, 7)"), ("quantiles", "(None, 56, 7, 1, 7)")},
}


def summary(task: str, name: str) -> set[tuple[str, str]]:
    """(layer, output shape) pairs as `model.summary()` prints them."""
    model = registry.get(task, name).build(registry.config(task, name, {}), {"task": task, **SPEC})
    printed: list[str] = []
    model.summary(line_length=250, print_fn=printed.append)
    rows = [[cell.strip() for cell in re.split("[│|]", line)] for line in "\n".join(printed).splitlines()]
    return {(row[1].split(" ")[0], row[2]) for row in rows if len(row) > 3}


REQUIRED = {  # sections that the guide must have; later architectures need none (CONTRIBUTING: three places)
    "classify": "simple_rnn lstm gru layer_norm_lstm conv_rnn conv_bilstm wavenet attention_rnn transformer "
    "raster_cnn nearest_neighbour logistic",
    "watch": "frame_average cnn_rnn cnn_rnn_strokes conv_lstm conv3d two_stream inflated video_transformer",
    "draw": "class_decoder sketch_rnn",
    "forecast": "linear simple_rnn deep_rnn lstm gru layer_norm_rnn conv_gru wavenet wavenet_gated seq2seq "
    "encoder_decoder encoder_decoder_attention nlinear patchtst nbeatsx nhits tsmixer tft",
}


@pytest.mark.parametrize("task", TASKS)
def test_every_required_architecture_has_a_section(task: str) -> None:
    documented = {name for chapter, name in SECTIONS if chapter == task}
    assert set(REQUIRED[task].split()) <= documented <= set(registry.names(task))


@pytest.mark.parametrize(("task", "name"), sorted(SECTIONS))
def test_documented_shapes_equal_those_of_the_summary(
    task: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")  # without a terminal the summary is cut off at 80
    section = SECTIONS[task, name]
    assert f"`src/strokecast/models/{task}/{name}.py`" in section
    shapes = re.findall(r"`(\w+) (\[?\([^`]*\)\]?)`", section)
    if registry.get(task, name).kind != "network" and task == "forecast":
        assert not shapes
        return
    if registry.get(task, name).kind == "estimator":
        assert not shapes
        assert f"`[N, {len(sketch_features.NAMES)}]`" in section
        return
    assert len(shapes) >= 4
    assert shapes[-1] in OUTPUTS[task]
    assert set(shapes) <= summary(task, name)


@pytest.mark.parametrize("text", [GUIDE, LSTM], ids=["architectures", "lstm"])
def test_every_named_file_exists(text: str) -> None:
    files = re.findall(r"`((?:src|tests|docs|stages|benchmarks)/[\w./]+)`", text)
    links = [f"docs/{link}" for link in re.findall(r"\]\(((?!http)[\w./]+)\)", text)]
    assert files
    for path in [*files, *links]:
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("task", TASKS)
def test_every_architecture_file_states_source_shapes_and_use(task: str) -> None:
    import importlib

    for name in registry.names(task):
        docstring = importlib.import_module(f"strokecast.models.{task}.{name}").__doc__ or ""
        assert re.search(r"^Sources?: ", docstring, re.MULTILINE), name
        assert "Shape legend:" in docstring, name
        if name != "conv_bilstm":
            assert "When to use it:" in docstring, name


def test_a_recurrent_layer_needs_a_sequence_as_input() -> None:
    import keras

    state = keras.layers.GRU(4)(keras.Input((None, 3)))
    with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
        keras.layers.GRU(4)(state)


def test_the_last_padded_step_is_not_the_final_state() -> None:
    import keras

    x = np.random.default_rng(0).normal(size=(1, 9, 3)).astype(np.float32)
    mask = np.arange(9)[None] < 6
    layer = keras.layers.GRU(4, return_sequences=True)
    final = np.asarray(layer(x[:, :6]))[:, -1]
    assert np.abs(np.asarray(layer(x))[:, -1] - final).max() > 1e-3  # without a mask it reads the padding
    np.testing.assert_allclose(np.asarray(layer(x, mask=mask))[:, -1], final, atol=1e-6)
    bidirectional = keras.layers.Bidirectional(keras.layers.GRU(4, return_sequences=True))
    backward = np.asarray(bidirectional(x, mask=mask))[:, -1, 4:]
    assert not backward.any()  # it has read no valid step yet


def test_a_last_layer_that_returns_its_sequence_gives_logits_per_point() -> None:
    import keras
    import tensorflow as tf

    x = keras.Input((None, 3))
    logits = keras.layers.Dense(12)(keras.layers.GRU(4, return_sequences=True)(x))
    assert logits.shape == (None, None, 12)
    outputs: Any = keras.Model(x, logits)(np.zeros((2, 9, 3), np.float32))
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=np.array([1, 2]), logits=outputs)
