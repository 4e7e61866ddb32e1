"""Figures of tasks with classes, whatever the names of the classes are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strokecast.common import figures
from strokecast.evaluation.classify.figures import plot_confusion


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["W" * 200, "a $_$ b", "$\\frac$", "\u6f22" * 60, "<b>&amp;", "\U0001f600"])
def test_a_class_with_any_name_has_a_confusion_matrix(tmp_path: Path, name: str) -> None:
    figure = plot_confusion(np.array([[3, 1], [0, 2]]), [name, "b"], "gru")
    figures.save(figure, tmp_path / "confusion.svg")
    (axes, _) = figure.axes
    assert axes.get_position().width > 0.15
    assert axes.get_xticklabels()[0].get_text() == (
        name if len(name) <= 20 else axes.get_yticklabels()[0].get_text()
    )
