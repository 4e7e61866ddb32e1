"""docs/gradients.py: its measurements, its figure, and the table in docs/architectures.md."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
FIGURES = ROOT / "docs" / "figures"
GUIDE = (ROOT / "docs" / "architectures.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def gradients(import_script: Callable[[str], ModuleType]) -> ModuleType:
    return import_script("gradients")


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, Any]]:
    """Summary per network in the committed gradients.json."""
    networks: dict[str, dict[str, Any]] = json.loads((FIGURES / "gradients.json").read_text())["networks"]
    return networks


@pytest.fixture(scope="module")
def relative_norms(gradients: ModuleType) -> Callable[[Any], Any]:
    """`relative_norms(network)`: gradient norms by point, untrained, relative to the last state's, on 24 points."""
    x, labels = gradients.drawings("valid", 4, 24)

    def compute(network: Any) -> Any:
        norms = gradients.Probe(network, 16).norms(x, labels)
        return norms / norms[-1]

    return compute


def test_an_orthogonal_network_without_activation_keeps_the_gradient_norm(
    gradients: ModuleType, relative_norms: Callable[[Any], Any]
) -> None:
    import keras

    linear = gradients.Network(lambda units: keras.layers.SimpleRNNCell(units, activation="linear"))
    np.testing.assert_allclose(relative_norms(linear), 1, rtol=1e-3)


@pytest.mark.slow
def test_short_paths_carry_gradients_to_the_first_points(
    gradients: ModuleType, relative_norms: Callable[[Any], Any]
) -> None:
    networks = gradients.networks()
    plain = relative_norms(networks["simple_rnn"])
    assert plain[0] < 0.2
    assert relative_norms(networks["attention"])[0] > 10 * plain[0]
    strided = relative_norms(networks["strided convolutions"])
    assert len(strided) == len(plain) // 8
    assert strided[0] > 3 * plain[0]


def test_the_table_of_the_guide_equals_the_measurements(measured: dict[str, dict[str, Any]]) -> None:
    for name, row in measured.items():
        line = (
            f"| {name} | {row['first_over_last_untrained']:g} | {row['first_over_last_trained']:g} "
            f"| {row['largest_gradient']:g} | {100 * row['accuracy']:.0f} |"
        )
        assert line in GUIDE, line
    rows = re.findall(r"^\| [\w, ]+ \| [\d.e+-]+ \| [\d.e+-]+ \| [\d.e+-]+ \| \d+ \|$", GUIDE, re.M)
    assert len(rows) == len(measured)


def test_csv_and_json_come_from_the_same_run(
    gradients: ModuleType, measured: dict[str, dict[str, Any]]
) -> None:
    with (FIGURES / "gradients.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == gradients.COLUMNS
    assert {row["network"] for row in rows} == set(measured) == set(gradients.networks())
    untrained, trained = dict.fromkeys(row["trained"] for row in rows)
    for name, summary in measured.items():
        for key, steps in (("untrained", untrained), ("trained", trained)):
            norms = [float(r["norm"]) for r in rows if (r["network"], r["trained"]) == (name, steps)]
            assert summary[f"first_over_last_{key}"] == pytest.approx(norms[0] / norms[-1], rel=0.06)


def test_the_script_draws_the_committed_figure(gradients: ModuleType, tmp_path: Path) -> None:
    gradients.draw(FIGURES / "gradients.csv", tmp_path / "gradients.svg")
    committed = FIGURES / "gradients.svg"
    assert (tmp_path / "gradients.svg").read_bytes() == committed.read_bytes()
    assert committed.stat().st_size < 90_000
    assert "figures/gradients.svg" in GUIDE
