"""`strokecast preset`: every preset of the project is valid, and `apply` keeps what the user wrote."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dvc.parsing.context import Context
from ruamel.yaml import YAML

from strokecast import params
from strokecast.commands import preset
from strokecast.common.errors import UserError
from strokecast.models.common import resolve
from strokecast.params.overlay import apply_overlay, read_overlay

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "presets"
REQUIRED = {"tour", "quickdraw", "zoo", "best", "cta", "births", "book", "auckland"}


@pytest.mark.parametrize("name", preset.names(FOLDER))
def test_every_preset_is_valid_and_has_a_complete_header(name: str) -> None:
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    header = text[: text.index("\n\n")]
    for word in (
        "# Reproduces: ",
        "# Run time: ",
        "# Expect: ",
        f"# Command: strokecast preset apply {name} && make repro",
    ):
        assert word in header, word
    overlay = read_overlay(FOLDER / f"{name}.yaml")
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    settings = resolve.resolve(params.parse(apply_overlay(values, overlay)))
    for task, entries in overlay.get("models", {}).items():
        for model, entry in entries.items():
            if model != "*":
                assert settings.entries(task)[model].enabled is entry.get("enabled", True)


def test_the_documented_presets_exist() -> None:
    assert set(preset.names(FOLDER)) >= REQUIRED
    assert all(name in preset.describe(FOLDER) for name in REQUIRED)


@pytest.mark.parametrize("name", preset.names(FOLDER))
def test_apply_keeps_comments_and_other_edits(name: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    text = text.replace(
        "    gru: {enabled: true}\n", "    gru: {enabled: true, seeds: [4, 5]}  # two seeds of mine\n", 1
    )
    path.write_text("# my head\n" + text + "# my tail\n", encoding="utf-8")
    before = path.read_text(encoding="utf-8")
    difference = preset.apply(name, path, FOLDER, dry_run=True)
    assert path.read_text(encoding="utf-8") == before
    assert preset.apply(name, path, FOLDER) == difference != ""
    after = path.read_text(encoding="utf-8")
    for line in ("# my head", "# my tail", "# two seeds of mine", "# pen strokes to class"):
        assert line in after
    assert "4, 5" in after or "seeds" in str(
        read_overlay(FOLDER / f"{name}.yaml").get("models", {}).get("classify", {}).get("gru")
    )
    assert preset.apply(name, path, FOLDER) == "", "applying it again changes nothing"
    resolve.load(path)
    Context(YAML(typ="safe").load(after))  # as DVC reads it


def test_an_unknown_preset_and_one_that_contradicts_params_yaml(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no preset 'tuor'.*tour.*did you mean 'tour'"):
        preset.text("tuor", FOLDER)
    path = tmp_path / "params.yaml"
    path.write_text("models: {draw: {class_decoder: {}}, classify: {gru: {}}}\ndraw: {judge: gru}\n")
    folder = tmp_path / "presets"
    folder.mkdir()
    (folder / "off.yaml").write_text("# x\n\nmodels:\n  classify: {gru: {enabled: false}}\n")
    text = path.read_text()
    with pytest.raises(UserError, match=r"draw\.judge"):
        preset.apply("off", path, folder)
    assert path.read_text() == text


def test_a_linked_params_yaml_is_written_through_and_a_read_only_one_is_refused(tmp_path: Path) -> None:
    original, link = tmp_path / "shared.yaml", tmp_path / "params.yaml"
    shutil.copyfile(ROOT / "params.yaml", original)
    link.symlink_to("shared.yaml")
    preset.apply("births", link, FOLDER)
    assert link.is_symlink()
    changed = original.read_bytes()
    assert changed != (ROOT / "params.yaml").read_bytes()
    original.chmod(0o444)
    with pytest.raises(
        UserError, match=r"params\.yaml: is read-only; name another file, or make it writable"
    ):
        preset.apply("zoo", link, FOLDER)
    assert (original.read_bytes(), link.is_symlink()) == (changed, True)


def test_hidden_files_are_no_presets(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("# mine\nseries: {source: births}\n")
    (tmp_path / "._mine.yaml").write_bytes(b"\0\x05\x16\x07\xff")
    assert preset.describe(tmp_path) == "mine  mine"
