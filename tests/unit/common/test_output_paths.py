"""A path is written through to what it means: links, streams and devices; the rest is refused."""

from __future__ import annotations

import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from strokecast.common import files, output_paths
from strokecast.common.errors import UserError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_behind_links_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target = tmp_path / "there/target.csv"
    target.write_text("old")
    target.chmod(0o640)
    (tmp_path / "second").symlink_to("there/target.csv")
    (tmp_path / "first").symlink_to("second")
    files.write_text(tmp_path / "first", "new")
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert (target.read_text(), mode(target)) == ("new", 0o640)
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["target.csv"]


def test_a_link_to_no_file_yet_creates_its_target(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    files.write_text(tmp_path / "link", "new")
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "target").read_text()) == (True, "new")


def test_a_protected_file_of_a_cache_does_not_change_through_a_link(tmp_path: Path) -> None:
    cached = tmp_path / "cached"
    cached.write_text("cached")
    cached.chmod(0o444)
    (tmp_path / "out").symlink_to(cached)
    files.write_text(tmp_path / "out", "new")
    assert (cached.read_text(), (tmp_path / "out").read_text()) == ("cached", "new")
    assert not (tmp_path / "out").is_symlink()


def test_a_link_to_a_folder_keeps_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "disk/out").mkdir(parents=True)
    (tmp_path / "disk/out/old").touch()
    (tmp_path / "out").symlink_to("disk/out")
    with files.new_folder(tmp_path / "out") as folder:
        (folder / "new").touch()
    assert (tmp_path / "out").is_symlink()
    assert [path.name for path in (tmp_path / "disk/out").iterdir()] == ["new"]


def test_a_fifo_receives_the_contents_and_stays(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.append(fifo.read_text()), daemon=True)
    reader.start()
    files.write_text(fifo, "x" * 200_000)
    reader.join(10)
    assert received == ["x" * 200_000]
    assert stat.S_ISFIFO(fifo.stat().st_mode)


def test_a_character_device_is_written_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/null")
    for path in (Path("/dev/null"), tmp_path / "link"):
        files.write_text(path, "x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(OSError, match="No space left on device"):
        files.write_text(Path("/dev/full"), "x")


@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd"])
def test_an_open_descriptor_is_written_where_it_stands(tmp_path: Path, folder: str) -> None:
    path = tmp_path / "log"
    path.write_text("before ")
    with path.open("ab") as file:
        (tmp_path / "link").symlink_to(f"{folder}/{file.fileno()}")
        files.write_text(Path(folder, str(file.fileno())), "one ")
        files.write_text(tmp_path / "link", "two")
    assert path.read_text() == "before one two"


def test_the_names_of_standard_output_are_written_to_it(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    for name in ("-", "/dev/stdout", "/dev/fd/1"):
        assert output_paths.is_stdout(Path(name))
        files.write_text(Path(name), f"{name}\n")
    assert capfdbinary.readouterr().out == b"-\n/dev/stdout\n/dev/fd/1\n"
    assert not output_paths.is_stdout(Path("folder/-"))
    assert not Path("-").exists()


def test_a_closed_standard_output_is_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(OSError, match="Bad file descriptor"):
        files.write_text(Path("-"), "x")


def test_what_cannot_be_written_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")  # relative, because a socket's path has at most 108 bytes
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    (tmp_path / "file").touch()
    (tmp_path / "protected").touch()
    (tmp_path / "protected").chmod(0o444)
    for name, message in {
        ".": "is a folder; name a file in it",
        "socket": "is a socket; name a file",
        "one": "cannot be written (Too many levels of symbolic links)",
        "file/below": "cannot be written (Not a directory)",
        "protected": "is read-only; name another file",
        "x" * 300: "cannot be written (File name too long)",
        "nul\0": "cannot be written (embedded null byte)",
    }.items():
        with pytest.raises(UserError) as caught:
            output_paths.check_writable(tmp_path / name)
        assert message in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "one", "protected", "socket", "two"]


def test_a_block_device_is_refused(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "disk", stat.S_IFBLK | 0o600, os.makedev(7, 250))
    except OSError:
        pytest.skip("a block device needs privileges")
    with pytest.raises(UserError, match="is a block device; name a file"):
        files.write_text(tmp_path / "disk", "x")
    assert stat.S_ISBLK((tmp_path / "disk").stat().st_mode)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != tmp_path)
    with pytest.raises(UserError, match=r"the folder .* is read-only; name another file"):
        output_paths.check_writable(tmp_path / "missing/out.csv")


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127, "[a-z]*"])
def test_names_as_long_as_the_file_system_allows_are_written(tmp_path: Path, name: str) -> None:
    files.write_text(tmp_path / name, "x")
    (tmp_path / name).unlink()
    (tmp_path / f".{name[:50]}.tmp-1").mkdir()
    with files.new_folder(tmp_path / name):
        pass
    assert (tmp_path / name).is_dir()
