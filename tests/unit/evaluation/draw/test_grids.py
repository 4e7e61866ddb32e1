"""Grids of generated drawings. No network is run here."""

from types import SimpleNamespace

import numpy as np
import pytest

from strokecast.evaluation.draw import grids
from strokecast.evaluation.draw.metrics import RealDrawings


def judge(drawings):
    """Says that every other drawing is an ant."""
    return ["ant" if n % 2 == 0 else "bed" for n in range(len(drawings))]


@pytest.fixture
def fake_sampling(monkeypatch, make_drawing):
    """Replaces `inference.sampling`; records the arguments of `sample`."""

    def fake(conditional, latent):
        calls = []

        def sample(network, labels, temperature, seed, max_points, z=None):
            calls.append((labels, temperature, seed, max_points, None if z is None else len(z)))
            count = labels if isinstance(labels, int) else len(labels)
            return [make_drawing(100 + n) for n in range(count)]

        module = SimpleNamespace(
            calls=calls,
            is_conditional=lambda network: conditional,
            latent_size=lambda network: 4 if latent else None,
            sample=sample,
            encode=lambda network, drawings: np.zeros((len(drawings), 4), np.float32),
            reconstruct=lambda network, drawings, labels, *rest: [-drawing for drawing in drawings],
            interpolate=lambda network, first, second, label, steps, *rest: [first] * steps,
        )
        monkeypatch.setattr(grids, "sampling", module)
        return module

    return fake


def test_grids_of_a_conditional_network(fake_sampling, real, draw_spec, draw_settings, make_drawing):
    sampling = fake_sampling(conditional=True, latent=False)
    classes = draw_spec["classes"]
    drawings = [make_drawing(seed) for seed in range(60)]
    predicted = [classes[at // 20] for at in range(60)]
    predicted[20] = predicted[23] = "ant"
    result = grids.generate_grids(None, "m", drawings, predicted, real, draw_spec, draw_settings, judge)
    assert list(result) == ["samples", "temperatures"]
    samples = result["samples"]
    assert (samples.row_labels, len(samples.column_labels)) == (classes, 9)
    for k, row in enumerate(samples.cells):
        assert row[0] is real.strokes[k], "a real drawing first"
        assert all(cell is drawings[20 * k + n] for n, cell in enumerate(row[1:])), "the first samples"
    assert samples.misrecognised == {(1, 1), (1, 4)}
    temperatures = result["temperatures"]
    assert list(temperatures.column_labels) == ["real", "0.1", "1"]
    assert temperatures.judged == {
        (0, 1): "ant", (1, 1): "bed", (2, 1): "ant", (0, 2): "bed", (1, 2): "ant", (2, 2): "bed"
    }  # fmt: skip
    assert temperatures.misrecognised == {(2, 1), (0, 2), (1, 2), (2, 2)}
    assert sampling.calls == [([0, 1, 2], 0.1, 0, 9, None), ([0, 1, 2], 1.0, 0, 9, None)]


def test_grids_of_an_unconditional_network_with_a_latent_vector(
    fake_sampling, real, draw_spec, draw_settings, make_drawing
):
    sampling = fake_sampling(conditional=False, latent=True)
    drawings = [make_drawing(seed) for seed in range(24)]
    result = grids.generate_grids(None, "m", drawings, None, real, draw_spec, draw_settings, judge)
    assert list(result) == ["samples", "temperatures", "reconstructions", "interpolation"]
    assert len(result["samples"].cells) == 3
    assert "unconditional" in result["samples"].title
    assert not any(grid.judged for grid in result.values())
    assert sampling.calls == [(3, 0.1, 0, 9, 3), (3, 1.0, 0, 9, 3)]
    reconstructions = result["reconstructions"]
    row = reconstructions.cells[1]
    assert [len(reconstructions.column_labels), len(row)] == [8, 8]
    assert row[2] is real.strokes[4]
    np.testing.assert_array_equal(row[3], -real.strokes[4])
    row = result["interpolation"].cells[2]
    assert (row[0] is real.strokes[2], row[-1] is real.strokes[5], len(row)) == (True, True, 10)
    four = RealDrawings(real.labels[:4], real.strokes[:4])
    result = grids.generate_grids(
        None, "m", [make_drawing(0)] * 24, None, four, draw_spec, draw_settings, judge
    )
    assert list(result["interpolation"].row_labels) == ["ant"], "an interpolation needs two drawings"
    assert result["reconstructions"].cells[1][2:] == [None] * 6
