"""The shared style of figures."""

import pytest

from strokecast.common import figures


def test_line_styles_are_distinct_for_24_models_and_paler_for_further_seeds():
    styles = figures.line_styles({f"m{n}": [f"m{n}", f"m{n}-seed2"] for n in range(24)})
    first_seeds = {(style["color"], style["linestyle"]) for name, style in styles.items() if "-" not in name}
    assert len(first_seeds) == 24
    assert styles["m3-seed2"] == {**styles["m3"], "alpha": 0.45}


@pytest.mark.parametrize("name", ["figure.png", "figure.svg"])
def test_the_same_figure_gives_the_same_bytes(tmp_path, name):
    rows = [{"model": "a", "epoch": epoch, "loss": 1 / epoch} for epoch in (1, 2, 3)]
    for folder in ("one", "two"):
        figure = figures.learning_curves(rows, {"loss": "Loss"}, figures.line_styles({"a": ["a"]}), "title")
        figures.save(figure, tmp_path / folder / name)
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_there_are_no_learning_curves_without_epochs():
    assert figures.learning_curves([], {"loss": "Loss"}, {}) is None
