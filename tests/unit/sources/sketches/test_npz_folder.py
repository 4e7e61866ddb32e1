"""The source `npz_folder`: files of several origins, one-line errors, changes of the folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.params import NpzFolder
from strokecast.sources.formats import npz, reading
from strokecast.sources.sketches import npz_folder

KEY = "params.yaml: sketches.npz_folder"


def fetch_error(options: NpzFolder, folder: Path) -> str:
    with pytest.raises(UserError) as error:
        npz_folder.fetch(options, folder)
    assert not (folder / "source.json").exists()
    return str(error.value)


def test_all_files_but_the_full_ones_are_copied(shared: Path, tmp_path: Path, raw_folder: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    shutil.copyfile(shared / "quickdraw/sketchrnn/ant.npz", folder / "ant.npz")
    shutil.copyfile(shared / "quickdraw/sketchrnn/ant.npz", folder / "ant.full.npz")
    shutil.copyfile(shared / "sketchrnn_py2/short_kanji.npz", folder / "short_kanji.npz")
    line = npz_folder.fetch(NpzFolder(folder=str(folder)), raw_folder)
    assert line.startswith("npz_folder: 2 classes, ")
    counts = [(group.label, group.split, len(group.drawings)) for group in reading.read(raw_folder)]
    assert counts == [
        ("ant", "train", 650),
        ("ant", "valid", 50),
        ("ant", "test", 100),
        ("short_kanji", "train", 10_000),
        ("short_kanji", "valid", 600),
        ("short_kanji", "test", 500),
    ]


def test_bad_options_give_one_line(shared: Path, tmp_path: Path, raw_folder: Path) -> None:
    assert fetch_error(NpzFolder(folder="nowhere"), raw_folder) == (
        f"{KEY}.folder: no such folder 'nowhere'; allowed: a folder with <class>.npz"
    )
    line = fetch_error(NpzFolder(folder=str(tmp_path)), raw_folder)
    assert line == f"{KEY}: {tmp_path} contains no <class>.npz; it contains raw"
    folder = shared / "quickdraw/sketchrnn"
    line = fetch_error(NpzFolder(folder=str(folder), classes=("ants",)), raw_folder)
    assert line.startswith(
        f"{KEY}.classes: no file ants.npz in {folder}; allowed: the classes in this folder: airplane, "
    )
    assert "; did you mean 'ant'" in line
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 but no zip")
    line = fetch_error(NpzFolder(folder=str(tmp_path)), raw_folder)
    assert line.startswith(f"{tmp_path / 'bad.npz'}: is damaged or not a Sketch-RNN npz: ")


def test_changes_of_the_folder_are_described(
    tmp_path: Path, raw_folder: Path, drawings: dict[str, list[np.ndarray]]
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for label in ("cat", "dog"):
        npz.write_class(folder / f"{label}.npz", drawings)
    options = NpzFolder(folder=str(folder))
    npz_folder.fetch(options, raw_folder)
    source = json.loads((raw_folder / "source.json").read_text())
    assert npz_folder.describe_change(options, source) is None
    path = folder / "cat.npz"
    with path.open("ab") as file:
        file.write(b"\n")
    assert npz_folder.describe_change(options, source) == f"the size of {path} changed"
    path.write_bytes(path.read_bytes()[:-1])
    (folder / "new.npz").touch()
    assert npz_folder.describe_change(options, source) == f"{folder} has a new file new.npz"
    assert npz_folder.describe_change(NpzFolder(folder=str(tmp_path / "x")), source) is None
