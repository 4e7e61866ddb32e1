"""Drawings on request: what a row may hold, and networks behind it. The last tests import TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.features.sketches import strokes
from strokecast.inference import drawing, predictor

Make = Callable[[str, str], Path]


@pytest.fixture
def drawer(monkeypatch: pytest.MonkeyPatch, specs: dict[str, Any]) -> Callable[[bool], drawing_generator.DrawingGenerator]:
    """A `Drawer` whose drawings tell what was asked: (label, temperature, seed) as moves."""

    def make(knows: bool) -> drawing_generator.DrawingGenerator:
        def sample(network: Any, labels: Any, temperature: float, seed: int, limit: int) -> list[np.ndarray]:
            asked = [-1] * labels if isinstance(labels, int) else labels
            return [np.array([[k, temperature, 0], [seed, limit, 1]], np.float32) for k in asked]

        fake = SimpleNamespace(sample=sample, conditional=lambda network: knows)
        monkeypatch.setattr(drawing, "sampling", fake)
        return drawing_generator.DrawingGenerator(None, specs["draw"])

    return make


def test_each_row_is_drawn_as_asked_in_the_units_of_the_source(drawer: Any) -> None:
    asked = {"class": ["a spiral", "circle"], "temperature": [0.5, None], "seed": [3, None], "n": [2, None]}
    made = drawer(True).predict(pd.DataFrame(asked, index=[7, 8]))
    assert made.columns.tolist() == ["class", "temperature", "seed", "number", "strokes"]
    assert made["class"].tolist() == ["a spiral", "a spiral", "circle"]
    assert made["number"].tolist() == [0, 1, 0]
    assert made["seed"].tolist() == [3, 3, 0]
    assert made["temperature"].tolist() == [0.5, 0.5, 0.3]
    assert made["strokes"][1] == [[25.0, 6.25, 0.0], [37.5, 250.0, 1.0]]
    assert made["strokes"][2] == [[0.0, pytest.approx(3.75), 0.0], [0.0, 250.0, 1.0]]
    only = drawer(True).predict(pd.DataFrame({"class": ["square"]}))
    assert (len(only), only["temperature"][0]) == (1, 0.3)
    assert drawer(True).predict(pd.DataFrame({"class": []})).empty


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"class": "owl"}, ["'owl' is no class", "circle, square, a spiral"]),
        ({"class": None}, ["is no class"]),
        ({"class": 2}, ["2 is no class"]),
        ({"class": "circle", "temperature": -0.1}, ["temperature", "-0.1 will not do", "0 to 10"]),
        ({"class": "circle", "temperature": "hot"}, ["'hot' is no number"]),
        ({"class": "circle", "seed": 1.5}, ["seed", "1.5 will not do", "an integer"]),
        ({"class": "circle", "n": 0}, ["n: 0 will not do", "1 to 1000"]),
        ({"class": "circle", "n": 1001}, ["1001 will not do"]),
    ],
)
def test_a_row_that_cannot_be_drawn_is_told(drawer: Any, row: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        drawer(True).predict(pd.DataFrame([{"class": "circle"}, row]))
    line = str(caught.value)
    assert "\n" not in line
    for word in ("row 1", *words):
        assert word in line


def test_a_network_that_knows_no_class(drawer: Any) -> None:
    model = drawer(False)
    made = model.predict(pd.DataFrame({"n": [2], "class": [None]}))
    assert (made["class"].tolist(), made["strokes"][0][0][0]) == (["", ""], -12.5)
    assert len(model.predict(pd.DataFrame({"seed": [1, 2]}))) == 2
    with pytest.raises(UserError, match="knows no class"):
        model.predict(pd.DataFrame({"class": ["circle"]}))
    with pytest.raises(UserError, match="no column 'class'"):
        drawer(True).predict(pd.DataFrame({"n": [2]}))


def test_the_signature_asks_for_a_class_where_one_can_be_asked_for(specs: dict[str, Any]) -> None:
    from strokecast.tracking import pyfunc

    for asked, required in ((True, ["class"]), (False, [])):
        told = pyfunc.signature("draw", False, asked)
        assert told.inputs.required_input_names() == required
        assert told.inputs.optional_input_names() == ["temperature", "seed", "n"]
        given = pyfunc.example(specs["draw"], 0, asked=asked)
        assert given.columns.tolist() == told.inputs.input_names()
        assert told.outputs.input_names() == ["class", "temperature", "seed", "number", "strokes"]


def test_the_scale_is_undone_as_it_was_done() -> None:
    raw = np.array([[30, -7, 0], [1, 2, 1]])
    scaled, _ = strokes.scale_and_pad(raw, 12.5, 2)
    np.testing.assert_allclose(drawing.unscaled(scaled, 12.5), raw, atol=1e-5)


@pytest.mark.parametrize("name", ["class_decoder", "sketch_rnn"])
def test_networks_draw_alike_for_a_seed_and_whatever_is_asked_beside(make_model: Make, name: str) -> None:
    model = predictor.load(make_model("draw", name))
    rows = pd.DataFrame(
        {"class": ["circle", "square"], "seed": [5, 6], "n": [2, 1], "temperature": [1.0, 1.0]}
    )
    made = model.predict(rows)
    assert made["class"].tolist() == ["circle", "circle", "square"]
    assert model.predict(rows[:1])["strokes"].tolist() == made["strokes"].tolist()[:2]
    other = model.predict(rows[:1].assign(seed=[9]))
    assert other["strokes"].tolist() != made["strokes"].tolist()[:2]
    for points in map(np.array, made["strokes"]):
        assert points.shape[1] == 3
        assert 1 <= len(points) <= 20
        assert np.isin(points[:, 2], (0, 1)).all()
        assert points[-1, 2] == 1
