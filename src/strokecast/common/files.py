"""Files and folders that are written completely or not at all; JSON; digests."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import IO, Any

from strokecast.common import output_paths
from strokecast.common.errors import UserError

_FILE_KINDS = (
    (stat.S_ISDIR, "folder"),
    (stat.S_ISFIFO, "named pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)
_REASONS = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file",
    errno.ELOOP: "its symbolic links form a circle",
    errno.ENAMETOOLONG: "the name is too long for the file system",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
}


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder that replaces `path` when the block ends without an exception.

    If the block raises or the process is killed, `path` keeps its old contents. Temporary folders of
    earlier, killed processes are removed first. If `path` is a symbolic link, its target is replaced.
    """
    path = output_paths.target_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in path.parent.glob(f"{glob.escape(_temporary_prefix(path))}*"):
        shutil.rmtree(stale, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=_temporary_prefix(path), dir=path.parent))
    temporary.chmod(0o755)
    try:
        yield temporary
        if path.exists():
            shutil.rmtree(path)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path whose contents go to `path` when the block ends without an exception.

    A file is replaced in one step and keeps its permissions; behind a symbolic link, the target is replaced.
    The contents are written into `path` if it is `-` (standard output), an open descriptor such as
    /dev/stdout, a FIFO or a character device.

    Raises:
        UserError: if `path` is a folder, socket or block device.
    """
    if output_paths.is_stream(path):
        with tempfile.TemporaryDirectory() as folder:
            temporary = Path(folder) / "output"
            yield temporary
            output_paths.write_to_stream(path, temporary)
        return
    target = output_paths.target_file(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f"{_temporary_prefix(target)}{os.getpid()}"
    try:
        yield temporary
        output_paths.copy_permissions(target, temporary)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary_prefix(path: Path) -> str:
    """Start of the names of temporary files and folders beside `path`; short enough for every file system."""
    return f".{os.fsdecode(os.fsencode(path.name)[:200])}.tmp-"


def open_binary(path: Path) -> IO[bytes]:
    """Open a file for reading.

    Raises:
        UserError: as `check_regular`.
    """
    check_regular(path)
    try:
        return path.open("rb")
    except OSError as error:
        raise UserError(describe_os_error(error), location=str(path)) from None


def check_regular(path: Path) -> None:
    """Check that `path` is a regular file, or a symbolic link to one.

    Opening a named pipe blocks until another process writes to it, and a device may never end.

    Raises:
        UserError: if it does not exist, cannot be reached, or is a folder, named pipe, socket or device.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise UserError(describe_os_error(error), location=str(path)) from None
    if stat.S_ISREG(mode):
        return
    kind = next((name for is_kind, name in _FILE_KINDS if is_kind(mode)), "special file")
    raise UserError(f"is a {kind}", location=str(path), allowed="a regular file")


def describe_os_error(error: OSError) -> str:
    """Why a path cannot be read or written, in a few words."""
    return _REASONS.get(error.errno or 0) or error.strerror or type(error).__name__


def link_or_copy(source: str, target: str) -> None:
    """Make `target` a hard link of the file `source`, or a copy if the file system does not allow that."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` through a temporary file."""
    with new_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON in a stable form: keys in their order, no NaN, a final newline."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


class InvalidJsonError(UserError, ValueError):
    """A file is not JSON."""


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InvalidJsonError: if it is not JSON in UTF-8, for example because it is truncated.
        UserError: if it is a named pipe, a device or a folder.
        OSError: if it does not exist or cannot be read.
    """
    if not path.is_file() and path.exists():
        check_regular(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        reason = f"{error}" if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise InvalidJsonError(
            f"is not valid JSON ({reason})",
            location=str(path),
            fix="restore it, for example with `dvc checkout`, or run the stage that writes it again",
        ) from None


def sha256(path: str | Path) -> str:
    """Hex sha256 of one file."""
    with FileIO(path) as file:  # a training has hundreds of small files: no `Path`, no buffer
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_tree(folder: Path) -> str:
    """Hex sha256 over the relative names and contents of all files in `folder`."""
    total = hashlib.sha256()
    for name, entry in sorted(scan_tree(folder), key=lambda item: item[0].split("/")):
        total.update(name.encode() + b"\0")
        total.update(sha256(entry.path).encode())
    return total.hexdigest()


def scan_tree(folder: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """(relative POSIX path, entry) of every file in `folder`, in no order; empty if there is no such folder.

    Several times as fast as `Path.rglob`. Links to folders are not followed.
    """
    pending = [(os.fspath(folder), "")]
    while pending:
        path, prefix = pending.pop()
        try:
            entries = list(os.scandir(path))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                pending.append((entry.path, f"{prefix}{entry.name}/"))
            elif entry.is_file():
                yield prefix + entry.name, entry
