"""docs/architectures.md and docs/lstm.md say what is so."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.models import registry, sketch_features

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "architectures.md").read_text(encoding="utf-8")
LSTM = (ROOT / "docs" / "lstm.md").read_text(encoding="utf-8")
SECTIONS = {part.split("`")[0]: part for part in re.split(r"^### `", GUIDE, flags=re.MULTILINE)[1:]}
SPEC = {"task": "classify", "classes": [f"class {n}" for n in range(12)]}


def summary(name: str) -> set[tuple[str, str]]:
    """(layer, output shape) as `model.summary()` prints them."""
    model = registry.get("classify", name).build(registry.config("classify", name, {}), SPEC)
    printed: list[str] = []
    model.summary(line_length=250, print_fn=printed.append)
    rows = [[cell.strip() for cell in re.split("[│|]", line)] for line in "\n".join(printed).splitlines()]
    return {(row[1].split(" ")[0], row[2]) for row in rows if len(row) > 3}


def test_every_architecture_has_its_section() -> None:
    assert sorted(SECTIONS) == registry.names("classify")


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_shapes_are_what_the_summary_prints(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")  # where there is no terminal, the summary is cut off at 80
    assert f"`src/strokecast/models/classify/{name}.py`" in SECTIONS[name]
    told = re.findall(r"`(\w+) (\([^`]*\))`", SECTIONS[name])
    if registry.get("classify", name).kind == "estimator":
        assert not told
        assert f"`[N, {len(sketch_features.NAMES)}]`" in SECTIONS[name]
        return
    assert len(told) >= 4
    assert told[-1] == ("logits", "(None, 12)")
    assert set(told) <= summary(name)


@pytest.mark.parametrize("text", [GUIDE, LSTM], ids=["architectures", "lstm"])
def test_every_file_named_exists(text: str) -> None:
    named = re.findall(r"`((?:src|tests|docs|stages|benchmarks)/[\w./]+)`", text)
    links = [f"docs/{link}" for link in re.findall(r"\]\(((?!http)[\w./]+)\)", text)]
    assert named
    for path in [*named, *links]:
        assert (ROOT / path).exists(), path


def test_every_file_says_its_source_shapes_and_use() -> None:
    import importlib

    for name in registry.names("classify"):
        text = importlib.import_module(f"strokecast.models.classify.{name}").__doc__ or ""
        assert re.search(r"^Sources?: ", text, re.MULTILINE), name
        assert "Shape legend:" in text, name
        if name != "conv_bilstm":
            assert "When to use it:" in text, name


def test_a_layer_in_the_middle_must_return_its_sequence() -> None:
    import keras

    state = keras.layers.GRU(4)(keras.Input((None, 3)))
    with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
        keras.layers.GRU(4)(state)


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
