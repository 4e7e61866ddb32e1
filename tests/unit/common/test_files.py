"""Files and folders are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from strokecast.common import files


def test_new_folder_repaths_the_old_one_only_when_complete(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with files.new_folder(path) as folder:
        (folder / "a").write_text("1")
        assert not path.exists()
    assert (path / "a").read_text() == "1"
    with pytest.raises(RuntimeError), files.new_folder(path) as folder:
        (folder / "a").write_text("2")
        raise RuntimeError
    assert (path / "a").read_text() == "1"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_new_folder_clears_what_a_killed_process_left(tmp_path: Path) -> None:
    (tmp_path / ".out.tmp-dead").mkdir()
    with files.new_folder(tmp_path / "out"):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_digest_tree_sees_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = files.digest_tree(tmp_path)
    (tmp_path / "a").write_text("2")
    second = files.digest_tree(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, files.digest_tree(tmp_path)}) == 3


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "x.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []
