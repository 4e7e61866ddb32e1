"""What writing to a path means: a file behind symbolic links, an open stream, or a refusal."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strokecast.common import environment
from strokecast.common.errors import UserError

STDOUT = Path("-")  # standard output, where a user names an output
_MAX_LINKS = 40  # as Linux
_WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_REFUSED = ((stat.S_ISDIR, "folder"), (stat.S_ISSOCK, "socket"), (stat.S_ISBLK, "block device"))


def is_stdout(path: Path) -> bool:
    """Whether `path` means the standard output of this process: `-`, /dev/stdout, /dev/fd/1."""
    return path == STDOUT or _descriptor(path) == 1


def is_stream(path: Path) -> bool:
    """Whether bytes for `path` go into an open stream: standard output, a descriptor, a FIFO, a character device.

    Raises:
        UserError: if `path` is a folder, socket or block device, or its links form a circle.
    """
    if path == STDOUT or _descriptor(path) is not None:
        return True
    mode = _mode(path)
    kind = next((name for is_kind, name in _REFUSED if is_kind(mode)), "")
    if kind:
        fix = "name a file in it" if kind == "folder" else "name a file"
        raise UserError(f"is a {kind}", location=str(path), fix=fix)
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def check_writable(path: Path) -> None:
    """Check, before the work, that a file which a user names can be written.

    Raises:
        UserError: as `is_stream`; or if the file or the folder of a new file is read-only, or the stream was closed.
    """
    if is_stream(path):
        number = 1 if path == STDOUT else _descriptor(path)
        if number in environment.closed_streams:
            raise UserError("is closed", location=str(path), fix="name a file")
        return
    target = Path(os.path.realpath(path))
    if target.exists() and not (os.access(target, os.W_OK) and _mode(target) & _WRITE_BITS):
        raise UserError(
            "is read-only", location=str(path), fix="name another file, or make it writable (chmod u+w)"
        )
    folder = next(parent for parent in target.parents if os.path.lexists(parent))
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder", location=str(path), fix="name a file in a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"the folder {folder} is read-only", location=str(path), fix="name another file")


def target_file(path: Path) -> Path:
    """The file that is replaced when `path` is written: the target of its symbolic links.

    A link to a read-only file is replaced itself: DVC protects the files of its cache like that, and they
    must not change.
    """
    if not path.is_symlink():
        return path
    target = Path(os.path.realpath(path))
    return path if target.is_file() and not _mode(target) & _WRITE_BITS else target


def copy_permissions(old: Path, new: Path) -> None:
    """Give `new` the permissions, and if possible the owner, of the writable file `old`; nothing if there is none."""
    try:
        status = old.stat()
    except OSError:
        return
    if stat.S_ISREG(status.st_mode) and status.st_mode & _WRITE_BITS:
        with contextlib.suppress(OSError):
            os.chown(new, status.st_uid, status.st_gid)
        new.chmod(stat.S_IMODE(status.st_mode))


def write_to_stream(path: Path, source: Path) -> None:
    """Write the contents of the file `source` into the stream `path`.

    Raises:
        OSError: if the stream cannot be opened or takes no more bytes, with `path` as its file name.
    """
    try:
        with _opened(path) as descriptor, source.open("rb") as file:
            while block := file.read(1 << 20):
                view = memoryview(block)
                while view:
                    view = view[_write(descriptor, view) :]
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _write(descriptor: int | None, view: memoryview) -> int:
    if descriptor is None:  # standard output has been replaced by an object without a descriptor
        sys.stdout.buffer.write(view)
        return len(view)
    return os.write(descriptor, view)


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    """The descriptor of a stream; None: that of `sys.stdout`, which has no descriptor."""
    if sys.stdout is not None:  # None: the user closed it
        sys.stdout.flush()
    elif path == STDOUT:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    if path == STDOUT:
        try:
            descriptor = sys.stdout.fileno()
        except OSError:
            yield None
            return
        yield descriptor
        return
    number = _descriptor(path)
    # A descriptor of this process is not opened again, so that `>>` and the position in a file keep their meaning.
    opened = os.open(path, os.O_WRONLY | os.O_NOCTTY) if number is None else os.dup(number)
    try:
        yield opened
    finally:
        os.close(opened)


def _descriptor(path: Path) -> int | None:
    """The number of the open descriptor of this process that `path` names; None: it names another file."""
    pattern = re.compile(rf"/proc/{os.getpid()}(/task/\d+)?/fd")
    current = Path.cwd() / path
    for _ in range(_MAX_LINKS):
        folder = os.path.realpath(current.parent)
        if pattern.fullmatch(folder) and current.name.isdecimal():
            return int(current.name)
        try:
            current = Path(folder) / Path(folder, current.name).readlink()
        except (OSError, ValueError):  # no link, no such file, or no valid path
            return None
    return None


def _mode(path: Path) -> int:
    """`st_mode` of the file behind the links of `path`; 0 if there is none.

    Raises:
        UserError: if the links form a circle or the path cannot be reached.
    """
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return 0
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"cannot be written ({reason})", location=str(path), fix="name another file"
        ) from None
