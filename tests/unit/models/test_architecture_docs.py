"""docs/architectures.md and docs/lstm.md say what is so."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.models.common import registry, sketch_features

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "architectures.md").read_text(encoding="utf-8")
LSTM = (ROOT / "docs" / "lstm.md").read_text(encoding="utf-8")
SECTIONS = {  # (task, name)
    (chapter.split(":")[0].lower(), part.split("`")[0]): part
    for chapter in re.split(r"^## ", GUIDE, flags=re.MULTILINE)[1:]
    for part in re.split(r"^### `", chapter, flags=re.MULTILINE)[1:]
}
TASKS = ("classify", "watch", "draw", "forecast")
FUTURE = ["weekday_sin", "weekday_cos", "year_sin", "year_cos", "holiday", "lag_364"]
SPEC = {
    "classes": [f"class {n}" for n in range(12)],
    "frames": 12,
    "height": 28,
    "width": 28,
    "steps_per_frame": 16,
    "window": 56,
    "horizon": 7,
    "targets": ["y"],
    "covariates": [],
    "future": FUTURE,
    "channels": ["y", *FUTURE],
}
LAST = {
    "classify": {("logits", "(None, 12)")},
    "watch": {("logits", "(None, 12)")},
    "draw": {("mixture", "(None, None, 63)")},
    "forecast": {("quantiles", "(None, 7, 1, 7)"), ("quantiles", "(None, 56, 7, 1, 7)")},
}


def summary(task: str, name: str) -> set[tuple[str, str]]:
    """(layer, output shape) as `model.summary()` prints them."""
    model = registry.get(task, name).build(registry.config(task, name, {}), {"task": task, **SPEC})
    printed: list[str] = []
    model.summary(line_length=250, print_fn=printed.append)
    rows = [[cell.strip() for cell in re.split("[│|]", line)] for line in "\n".join(printed).splitlines()]
    return {(row[1].split(" ")[0], row[2]) for row in rows if len(row) > 3}


NAMED = {  # that the guide must have; what is added later needs no section (CONTRIBUTING: three places)
    "classify": "simple_rnn lstm gru layer_norm_lstm conv_rnn conv_bilstm wavenet attention_rnn transformer "
    "raster_cnn nearest_neighbour logistic",
    "watch": "frame_average cnn_rnn cnn_rnn_strokes conv_lstm conv3d two_stream inflated video_transformer",
    "draw": "class_decoder sketch_rnn",
    "forecast": "linear simple_rnn deep_rnn lstm gru layer_norm_rnn conv_gru wavenet wavenet_gated seq2seq "
    "encoder_decoder encoder_decoder_attention",
}


@pytest.mark.parametrize("task", TASKS)
def test_every_architecture_of_the_courses_has_its_section(task: str) -> None:
    found = {name for of, name in SECTIONS if of == task}
    assert set(NAMED[task].split()) <= found <= set(registry.names(task))


@pytest.mark.parametrize(("task", "name"), sorted(SECTIONS))
def test_shapes_are_what_the_summary_prints(task: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")  # where there is no terminal, the summary is cut off at 80
    section = SECTIONS[task, name]
    assert f"`src/strokecast/models/{task}/{name}.py`" in section
    told = re.findall(r"`(\w+) (\[?\([^`]*\)\]?)`", section)
    if registry.get(task, name).kind != "network" and task == "forecast":
        assert not told
        return
    if registry.get(task, name).kind == "estimator":
        assert not told
        assert f"`[N, {len(sketch_features.NAMES)}]`" in section
        return
    assert len(told) >= 4
    assert told[-1] in LAST[task]
    assert set(told) <= summary(task, name)


@pytest.mark.parametrize("text", [GUIDE, LSTM], ids=["architectures", "lstm"])
def test_every_file_named_exists(text: str) -> None:
    named = re.findall(r"`((?:src|tests|docs|stages|benchmarks)/[\w./]+)`", text)
    links = [f"docs/{link}" for link in re.findall(r"\]\(((?!http)[\w./]+)\)", text)]
    assert named
    for path in [*named, *links]:
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("task", TASKS)
def test_every_file_says_its_source_shapes_and_use(task: str) -> None:
    import importlib

    for name in registry.names(task):
        text = importlib.import_module(f"strokecast.models.{task}.{name}").__doc__ or ""
        assert re.search(r"^Sources?: ", text, re.MULTILINE), name
        assert "Shape legend:" in text, name
        if name != "conv_bilstm":
            assert "When to use it:" in text, name


def test_a_layer_in_the_middle_must_return_its_sequence() -> None:
    import keras

    state = keras.layers.GRU(4)(keras.Input((None, 3)))
    with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
        keras.layers.GRU(4)(state)


def test_the_last_step_of_a_padded_drawing_is_no_summary_of_it() -> None:
    import keras

    x = np.random.default_rng(0).normal(size=(1, 9, 3)).astype(np.float32)
    real = np.arange(9)[None] < 6
    layer = keras.layers.GRU(4, return_sequences=True)
    true = np.asarray(layer(x[:, :6]))[:, -1]
    assert np.abs(np.asarray(layer(x))[:, -1] - true).max() > 1e-3  # without a mask it reads on
    np.testing.assert_allclose(np.asarray(layer(x, mask=real))[:, -1], true, atol=1e-6)
    both = keras.layers.Bidirectional(keras.layers.GRU(4, return_sequences=True))
    assert not np.asarray(both(x, mask=real))[:, -1, 4:].any()  # backwards it has read nothing yet


def test_a_last_layer_that_returns_its_sequence_answers_at_each_point() -> None:
    import keras
    import tensorflow as tf

    x = keras.Input((None, 3))
    logits = keras.layers.Dense(12)(keras.layers.GRU(4, return_sequences=True)(x))
    assert logits.shape == (None, None, 12)
    answers: Any = keras.Model(x, logits)(np.zeros((2, 9, 3), np.float32))
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=np.array([1, 2]), logits=answers)


def test_the_figure_is_what_its_script_draws(tmp_path: Path) -> None:
    drawn = tmp_path / "lstm.svg"
    subprocess.run([sys.executable, str(ROOT / "docs" / "draw_lstm.py"), str(drawn)], check=True)
    committed = ROOT / "docs" / "figures" / "lstm.svg"
    assert drawn.read_bytes() == committed.read_bytes()
    assert committed.stat().st_size < 60_000
    for gate in ("input gate", "forget gate", "candidate", "output gate"):
        assert gate in committed.read_text(encoding="utf-8")
        assert gate in LSTM
