"""The source `tutorial_tfrecord`: copied byte for byte, one-line errors, changes of the folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from strokecast.common.errors import UserError
from strokecast.params import Tutorial
from strokecast.sources.formats import reading
from strokecast.sources.sketches import tutorial_tfrecord

KEY = "params.yaml: sketches.tutorial_tfrecord"


def fetch_error(options: Tutorial, folder: Path) -> str:
    with pytest.raises(UserError) as error:
        tutorial_tfrecord.fetch(options, folder)
    assert not (folder / "source.json").exists()
    return str(error.value)


@pytest.fixture
def copy(shared: Path, tmp_path: Path) -> Path:
    """A writable copy of the real folder."""
    folder = tmp_path / "copy"
    shutil.copytree(shared / "quickdraw_tutorial", folder, copy_function=shutil.copyfile)
    folder.chmod(0o755)
    return folder


def test_the_shards_are_copied_byte_for_byte(shared: Path, raw_folder: Path) -> None:
    options = Tutorial(folder=str(shared / "quickdraw_tutorial"))
    assert tutorial_tfrecord.fetch(options, raw_folder) == "tutorial_tfrecord: 15 classes, 4.8 MB"
    source = json.loads((raw_folder / "source.json").read_text())
    assert (source["format"], len(source["classes"]), len(source["files"])) == ("tutorial", 15, 6)
    for file in source["files"]:
        assert (raw_folder / file).read_bytes() == (shared / "quickdraw_tutorial" / file).read_bytes()
    assert sum(len(group.drawings) for group in reading.read(raw_folder)) == 7500
    assert tutorial_tfrecord.describe_change(options, source) is None


def test_bad_options_give_one_line(shared: Path, raw_folder: Path) -> None:
    assert fetch_error(Tutorial(folder="nowhere"), raw_folder) == f"{KEY}.folder: no such folder 'nowhere'"
    line = fetch_error(Tutorial(folder=str(shared / "quickdraw_tutorial"), classes=("kat",)), raw_folder)
    assert line.startswith(f"{KEY}.classes: unknown class 'kat'; choose one of airplane, bicycle, ")
    assert line.endswith("; did you mean 'cat'?")


def test_a_truncated_shard_is_an_error(copy: Path, raw_folder: Path) -> None:
    path = copy / "training.tfrecord-00001-of-00002"
    path.write_bytes(path.read_bytes()[:-3])
    line = fetch_error(Tutorial(folder=str(copy)), raw_folder)
    assert line.startswith(f"{path}, record 3000 at byte ")
    assert line.endswith(": the file ends inside this record; fetch it again")


def test_changes_of_the_folder_are_described(copy: Path, raw_folder: Path, tmp_path: Path) -> None:
    options = Tutorial(folder=str(copy))
    tutorial_tfrecord.fetch(options, raw_folder)
    source = json.loads((raw_folder / "source.json").read_text())
    assert tutorial_tfrecord.describe_change(options, source) is None
    path = copy / sorted(source["files"])[0]
    with path.open("ab") as file:
        file.write(b"\n")
    assert tutorial_tfrecord.describe_change(options, source) == f"the size of {path} changed"
    path.write_bytes(path.read_bytes()[:-1])
    (copy / "training.tfrecord-00002-of-00003").touch()
    assert tutorial_tfrecord.describe_change(options, source) == (
        f"{copy} has a new file training.tfrecord-00002-of-00003"
    )
    assert tutorial_tfrecord.describe_change(Tutorial(folder=str(tmp_path / "x")), source) is None
