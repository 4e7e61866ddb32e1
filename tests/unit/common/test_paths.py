"""The folders of trainings, and the root of the board."""

from __future__ import annotations

from pathlib import Path

import pytest

from strokecast.common.paths import board_root, model_dir, model_dirs, training_label


def test_every_seed_has_a_folder_of_its_own() -> None:
    assert model_dir("classify", "gru", 1) == Path("models/classify/gru/seed-1")
    assert model_dir("classify", "gru", 0, Path("elsewhere")) == Path("elsewhere/classify/gru/seed-0")
    assert training_label("gru", 3) == "gru-seed3"


def test_existing_folders_are_sorted_by_seed_number(tmp_path: Path) -> None:
    for name in ("seed-10", "seed-2", "seed-x", "other"):
        (tmp_path / "classify/gru" / name).mkdir(parents=True)
    assert [path.name for path in model_dirs("classify", "gru", tmp_path)] == ["seed-2", "seed-10"]
    assert model_dirs("classify", "lstm", tmp_path) == []


def test_board_root_is_the_parent_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert board_root() == tmp_path.resolve()
    monkeypatch.delenv("DVC_ROOT")
    assert board_root() == Path.cwd()
