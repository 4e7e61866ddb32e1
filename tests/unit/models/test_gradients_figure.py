"""docs/gradients.py: what it measures, what it draws, and what docs/architectures.md quotes of it."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
FIGURES = ROOT / "docs" / "figures"
GUIDE = (ROOT / "docs" / "architectures.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def gradients() -> ModuleType:
    """The script as a module; it lies in no package."""
    spec = importlib.util.spec_from_file_location("gradients", ROOT / "docs" / "gradients.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["gradients"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def told() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((FIGURES / "gradients.json").read_text())["networks"]
    return found


def reach(gradients: ModuleType, network: Any, points: int = 24) -> Any:
    """Norms by point before training, on a few doodles; the last state's is 1."""
    x, labels = gradients.drawings("valid", 4, points)
    norms = gradients.Probe(network, 16).norms(x, labels)
    return norms / norms[-1]


def test_without_activation_an_orthogonal_network_passes_gradients_on_as_they_are(
    gradients: ModuleType,
) -> None:
    import keras

    linear = gradients.Network(lambda units: keras.layers.SimpleRNNCell(units, activation="linear"))
    np.testing.assert_allclose(reach(gradients, linear), 1, rtol=1e-3)


def test_short_paths_carry_gradients_to_the_first_points(gradients: ModuleType) -> None:
    networks = gradients.networks()
    plain = reach(gradients, networks["simple_rnn"])
    assert plain[0] < 0.2
    assert reach(gradients, networks["attention"])[0] > 10 * plain[0]
    short = reach(gradients, networks["strided convolutions"])
    assert len(short) == len(plain) // 8
    assert short[0] > 3 * plain[0]


def test_the_table_of_the_guide_is_what_was_measured(told: dict[str, dict[str, Any]]) -> None:
    for name, row in told.items():
        line = (
            f"| {name} | {row['first_over_last_untrained']:g} | {row['first_over_last_trained']:g} "
            f"| {row['largest_gradient']:g} | {100 * row['accuracy']:.0f} |"
        )
        assert line in GUIDE, line
    assert len(
        re.findall(r"^\| [\w, ]+ \| [\d.e+-]+ \| [\d.e+-]+ \| [\d.e+-]+ \| \d+ \|$", GUIDE, re.M)
    ) == len(told)


def test_figures_and_table_come_from_the_same_run(
    gradients: ModuleType, told: dict[str, dict[str, Any]]
) -> None:
    import csv

    with (FIGURES / "gradients.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == gradients.COLUMNS
    assert {row["network"] for row in rows} == set(told) == set(gradients.networks())
    for name, figures in told.items():
        for key, stage in (("untrained", 0), ("trained", 1)):
            stages = list(dict.fromkeys(row["trained"] for row in rows))
            norms = [float(r["norm"]) for r in rows if (r["network"], r["trained"]) == (name, stages[stage])]
            assert figures[f"first_over_last_{key}"] == pytest.approx(norms[0] / norms[-1], rel=0.06)


def test_the_figure_is_what_its_script_draws(gradients: ModuleType, tmp_path: Path) -> None:
    gradients.draw(FIGURES / "gradients.csv", tmp_path / "gradients.svg")
    committed = FIGURES / "gradients.svg"
    assert (tmp_path / "gradients.svg").read_bytes() == committed.read_bytes()
    assert committed.stat().st_size < 90_000
    assert "figures/gradients.svg" in GUIDE
