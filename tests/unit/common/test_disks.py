"""A full disk is recognised whatever library reports it, and described with its file system."""

from __future__ import annotations

import errno
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from strokecast.common import disks

Usage = namedtuple("Usage", ("total", "used", "free"))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError(errno.EFBIG, "File too large"),
        OSError("24576 requested and 8192 written"),
        RuntimeError("Can't write data (file write failed: errno = 28, error message = 'No space ...')"),
        ValueError("(sqlite3.OperationalError) database or disk is full"),
    ],
)
def test_errors_of_a_full_disk(error: Exception) -> None:
    assert disks.is_full(error)


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "Permission denied"), ValueError("28 values")])
def test_other_errors_are_not_a_full_disk(error: Exception) -> None:
    assert not disks.is_full(error)


def test_the_path_of_a_copied_folder_is_that_of_the_file_that_did_not_fit() -> None:
    error = shutil.Error([("a", "b", "[Errno 13] denied"), ("c", "d", "[Errno 28] No space left on device")])
    assert disks.failed_path(error) == Path("d")
    assert disks.failed_path(OSError(errno.ENOSPC, "full", "x")) == Path("x")
    assert disks.failed_path(RuntimeError("errno = 28")) is None


def test_the_fix_for_temporary_files_on_a_disk_of_their_own_is_tmpdir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "small"))
    free = {tmp_path / "small": 5}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10_000_000_000, 0, free.get(path, 10)))
    mounts = (tmp_path / "small", Path("/"))
    monkeypatch.setattr(Path, "is_mount", lambda path: path in mounts)
    (tmp_path / "small").mkdir()
    line = disks.describe_full(OSError(errno.ENOSPC, "full", str(tmp_path / "small" / "a" / "b")))
    assert f"file system {tmp_path / 'small'} (" in line
    assert line.endswith("free some space there or set TMPDIR to a folder on a larger disk")
    nameless = OSError("database or disk is full")
    assert f"system {tmp_path / 'small'} (10.0 GB, 0.0 kB free)" in disks.describe_full(nameless)
    assert disks.describe_full(nameless, tmp_path) == (
        "the disk is full: file system / (10.0 GB, 0.0 kB free); free some space there or move DVC's cache to a larger disk "
        "(`dvc cache dir FOLDER`)"
    )
