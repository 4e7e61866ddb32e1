"""The plot of the training curves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from strokecast.tracking import curves

Make = Callable[..., Path]


def test_curves_are_plotted_reproducibly_and_only_for_networks(make_training: Make, tmp_path: Path) -> None:
    folder = make_training("forecast", "gru")
    assert curves.plot(folder / "history.csv", tmp_path / "one.png", "gru")
    assert curves.plot(folder / "history.csv", tmp_path / "two.png", "gru")
    assert (tmp_path / "one.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    rule = make_training(training_id="x")
    assert not curves.plot(rule / "history.csv", tmp_path / "three.png", "rule")
    assert not (tmp_path / "three.png").exists()
