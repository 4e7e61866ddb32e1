"""The shared style of figures."""

import xml.etree.ElementTree

import pytest

from strokecast.common import figures


def test_line_styles_are_distinct_for_24_models_and_paler_for_further_seeds():
    styles = figures.line_styles({f"m{n}": [f"m{n}", f"m{n}-seed2"] for n in range(24)})
    first_seeds = {(style["color"], style["linestyle"]) for name, style in styles.items() if "-" not in name}
    assert len(first_seeds) == 24
    assert styles["m3-seed2"] == {**styles["m3"], "alpha": 0.45}


@pytest.mark.parametrize("name", ["figure.png", "figure.svg", "figure.pdf"])
def test_the_same_figure_gives_the_bytes_of_matplotlib(tmp_path, monkeypatch, name):
    rows = [{"model": "a", "epoch": epoch, "loss": 1 / epoch} for epoch in (1, 2, 3)]
    for folder in ("one", "two"):
        figure = figures.learning_curves(rows, {"loss": "Loss"}, figures.line_styles({"a": ["a"]}), "title")
        figures.save(figure, tmp_path / folder / name)
        monkeypatch.setattr(figures, "_write", figures.Figure.savefig)
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_there_are_no_learning_curves_without_epochs():
    assert figures.learning_curves([], {"loss": "Loss"}, {}) is None


ODD_NAMES = (
    "a $_$ b",
    "$x^2$",
    r"\frac",
    "<b>&",
    "\u6f22\u5b57",
    "\U0001f600",
    "W" * 60,
    "\u0627\u0644\u0628",
    "]]>--",
)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["figure.png", "figure.svg", "figure.pdf"])
def test_any_text_is_drawn_as_it_is_without_warnings(tmp_path, name):
    for text in ODD_NAMES:
        figure, (axes,) = figures.create(6.0, 4.0)
        labels, _ = figures.tick_labels([text, "b"])
        axes.plot([0, 1], [0, 1], label=labels[0])
        axes.set_xticks([0, 1], labels)
        axes.set_title(text)
        axes.set_ylabel(labels[0])
        figures.add_legend(axes)
        figures.save(figure, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000
        if name.endswith("svg"):
            xml.etree.ElementTree.parse(tmp_path / name)


def test_class_names_at_ticks_are_shortened_and_get_room():
    assert figures.tick_labels(["duck", "coffee cup"]) == (["duck", "coffee cup"], 0.0)
    labels, margin = figures.tick_labels(["x" * 21])
    assert labels == ["x" * 19 + "…"]
    assert margin == pytest.approx(1.1)
    assert figures.tick_labels([]) == ([], 0.0)
