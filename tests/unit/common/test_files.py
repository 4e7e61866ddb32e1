"""Files and folders are written completely or not at all."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest

from strokecast.common import files
from strokecast.common.errors import UserError


def test_a_new_folder_replaces_the_old_one_only_when_it_is_complete(tmp_path: Path) -> None:
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


def test_temporary_folders_of_killed_processes_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".out.tmp-dead").mkdir()
    with files.new_folder(tmp_path / "out"):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_the_digest_of_a_folder_depends_on_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = files.digest_tree(tmp_path)
    (tmp_path / "a").write_text("2")
    second = files.digest_tree(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, files.digest_tree(tmp_path)}) == 3


def test_nan_is_not_written_as_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "x.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    pipe, circle, listening = tmp_path / "pipe", tmp_path / "circle", tmp_path / "socket"
    os.mkfifo(pipe)
    circle.symlink_to("circle")
    lines = {
        pipe: "is a named pipe; allowed: a regular file",
        circle: "its symbolic links form a circle",
        tmp_path: "is a folder; allowed: a regular file",
        Path("/dev/zero"): "is a device; allowed: a regular file",
        tmp_path / ("a" * 300): "the name is too long for the file system",
        tmp_path / "none": "no such file",
    }
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(tmp_path):
        server.bind(listening.name)
        lines[listening] = "is a socket; allowed: a regular file"
        for path, line in lines.items():
            with pytest.raises(UserError) as error:
                files.open_binary(path)
            assert str(error.value) == f"{path}: {line}"
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "link").symlink_to("file")
    with files.open_binary(tmp_path / "link") as file:
        assert file.read() == b"1"


def test_json_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for data, reason in (
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"\xff\xfe{}", "UnicodeDecodeError"),
        (b"[" * 200_000, "RecursionError"),
    ):
        path.write_bytes(data)
        with pytest.raises(files.InvalidJsonError) as error:
            files.read_json(path)
        assert str(error.value).startswith(f"{path}: is not valid JSON ({reason}); restore it, ")
        assert isinstance(error.value, UserError)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="is a named pipe"):
        files.read_json(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError):
        files.read_json(tmp_path / "none")
