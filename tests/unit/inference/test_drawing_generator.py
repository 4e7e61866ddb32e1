"""Drawings on request: valid and invalid rows, and the networks that draw them."""

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
from strokecast.inference import drawing_generator, predictor

Make = Callable[[str, str], Path]


@pytest.fixture
def make_generator(
    monkeypatch: pytest.MonkeyPatch, specs: dict[str, Any]
) -> Callable[[bool], drawing_generator.DrawingGenerator]:
    """A generator whose drawings encode their request: (label, temperature) and (seed, max_points) as moves."""

    def make(conditional: bool) -> drawing_generator.DrawingGenerator:
        def sample(network: Any, labels: Any, temperature: float, seed: int, limit: int) -> list[np.ndarray]:
            numbers = [-1] * labels if isinstance(labels, int) else labels
            return [np.array([[k, temperature, 0], [seed, limit, 1]], np.float32) for k in numbers]

        fake = SimpleNamespace(sample=sample, is_conditional=lambda network: conditional)
        monkeypatch.setattr(drawing_generator, "sampling", fake)
        return drawing_generator.DrawingGenerator(None, specs["draw"])

    return make


def test_each_row_is_drawn_as_requested_in_the_units_of_the_source(make_generator: Any) -> None:
    requests = {
        "class": ["a spiral", "circle"],
        "temperature": [0.5, None],
        "seed": [3, None],
        "n": [2, None],
    }
    drawings = make_generator(True).predict(pd.DataFrame(requests, index=[7, 8]))
    assert drawings.columns.tolist() == ["class", "temperature", "seed", "number", "strokes"]
    assert drawings["class"].tolist() == ["a spiral", "a spiral", "circle"]
    assert drawings["number"].tolist() == [0, 1, 0]
    assert drawings["seed"].tolist() == [3, 3, 0]
    assert drawings["temperature"].tolist() == [0.5, 0.5, 0.3]
    assert drawings["strokes"][1] == [[25.0, 6.25, 0.0], [37.5, 250.0, 1.0]]
    assert drawings["strokes"][2] == [[0.0, pytest.approx(3.75), 0.0], [0.0, 250.0, 1.0]]
    defaults = make_generator(True).predict(pd.DataFrame({"class": ["square"]}))
    assert (len(defaults), defaults["temperature"][0]) == (1, 0.3)
    assert make_generator(True).predict(pd.DataFrame({"class": []})).empty


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"class": "owl"}, ["'owl' is not a class", "circle, square, a spiral"]),
        ({"class": None}, ["is not a class"]),
        ({"class": 2}, ["2 is not a class"]),
        ({"class": "circle", "temperature": -0.1}, ["temperature", "-0.1 is not valid", "0 to 10"]),
        ({"class": "circle", "temperature": "hot"}, ["'hot' is not a number"]),
        ({"class": "circle", "seed": 1.5}, ["seed", "1.5 is not valid", "an integer"]),
        ({"class": "circle", "n": 0}, ["n: 0 is not valid", "1 to 1000"]),
        ({"class": "circle", "n": 1001}, ["1001 is not valid"]),
    ],
)
def test_invalid_row_is_reported_in_one_line(
    make_generator: Any, row: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(UserError) as caught:
        make_generator(True).predict(pd.DataFrame([{"class": "circle"}, row]))
    line = str(caught.value)
    assert "\n" not in line
    for word in ("row 1", *words):
        assert word in line


def test_unconditional_network_draws_without_a_class(make_generator: Any) -> None:
    model = make_generator(False)
    drawings = model.predict(pd.DataFrame({"n": [2], "class": [None]}))
    assert (drawings["class"].tolist(), drawings["strokes"][0][0][0]) == (["", ""], -12.5)
    assert len(model.predict(pd.DataFrame({"seed": [1, 2]}))) == 2
    with pytest.raises(UserError, match="is unconditional"):
        model.predict(pd.DataFrame({"class": ["circle"]}))
    with pytest.raises(UserError, match="no column 'class'"):
        make_generator(True).predict(pd.DataFrame({"n": [2]}))


def test_signature_requires_a_class_only_for_conditional_networks(specs: dict[str, Any]) -> None:
    from strokecast.tracking import pyfunc

    for conditional, required in ((True, ["class"]), (False, [])):
        signature = pyfunc.signature("draw", False, conditional)
        assert signature.inputs.required_input_names() == required
        assert signature.inputs.optional_input_names() == ["temperature", "seed", "n"]
        example = pyfunc.example(specs["draw"], 0, conditional=conditional)
        assert example.columns.tolist() == signature.inputs.input_names()
        assert signature.outputs.input_names() == ["class", "temperature", "seed", "number", "strokes"]


def test_unscale_undoes_the_scaling_of_preprocessing() -> None:
    raw = np.array([[30, -7, 0], [1, 2, 1]])
    scaled, _ = strokes.scale_and_pad(raw, 12.5, 2)
    np.testing.assert_allclose(drawing_generator.unscale(scaled, 12.5), raw, atol=1e-5)


@pytest.mark.parametrize("name", ["class_decoder", "sketch_rnn"])
def test_drawings_of_a_row_depend_on_its_seed_and_not_on_other_rows(make_model: Make, name: str) -> None:
    model = predictor.load(make_model("draw", name))
    rows = pd.DataFrame(
        {"class": ["circle", "square"], "seed": [5, 6], "n": [2, 1], "temperature": [1.0, 1.0]}
    )
    drawings = model.predict(rows)
    assert drawings["class"].tolist() == ["circle", "circle", "square"]
    assert model.predict(rows[:1])["strokes"].tolist() == drawings["strokes"].tolist()[:2]
    other = model.predict(rows[:1].assign(seed=[9]))
    assert other["strokes"].tolist() != drawings["strokes"].tolist()[:2]
    for points in map(np.array, drawings["strokes"]):
        assert points.shape[1] == 3
        assert 1 <= len(points) <= 20
        assert np.isin(points[:, 2], (0, 1)).all()
        assert points[-1, 2] == 1
