"""Full disks: recognised from an error, and described with the file system, its size and what is free."""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
from pathlib import Path

_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# h5py and NumPy give no error number, SQLite and MLflow only a text.
_TEXTS = re.compile(
    r"errno = 28|No space left|Disk quota exceeded|File too large|disk is full|\d+ requested and \d+ written"
)


def is_full(error: BaseException) -> bool:
    """Whether `error` means that a disk, a quota or the largest size of a file is reached."""
    return getattr(error, "errno", None) in _NUMBERS or bool(_TEXTS.search(str(error)))


def failed_path(error: BaseException) -> Path | None:
    """The file that could not be written, if `error` names one; `shutil.copytree` names several."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        for entry in error.args[0]:
            if isinstance(entry, tuple) and len(entry) == 3 and _TEXTS.search(str(entry[2])):
                return Path(str(entry[1]))
    for name in (getattr(error, "filename2", None), getattr(error, "filename", None)):
        if isinstance(name, str) and name:
            return Path(name)
    return None


def describe_full(error: BaseException, *folders: Path) -> str:
    """One line about a full disk: the file, its file system, the size of that, what is free, and what to do.

    Args:
        error: an error for which `is_full` is true.
        folders: what was written to; default: the working folder and that of temporary files. If the error names no file,
            the one with the least free space is meant.
    """
    named = failed_path(error)
    temporary = Path(tempfile.gettempdir())
    mounts = [mount_point(path) for path in ((named,) if named else folders or (Path(), temporary))]
    mount = min(mounts, key=lambda folder: shutil.disk_usage(folder).free)
    usage = shutil.disk_usage(mount)
    place = f" while writing {named}" if named else ""
    fix = "free some space there"
    if mount == mount_point(Path()):
        fix += " or move DVC's cache to a larger disk (`dvc cache dir FOLDER`)"
    elif mount == mount_point(temporary):
        fix += " or set TMPDIR to a folder on a larger disk"
    return f"the disk is full{place}: file system {mount} ({human(usage.total)}, {human(usage.free)} free); {fix}"


def mount_point(path: Path) -> Path:
    """The folder where the file system of `path` is mounted; `path` need not exist."""
    path = path.resolve()
    while not path.is_mount() and path != path.parent:
        path = path.parent
    return path


def nearest_existing(folder: Path) -> Path:
    """`folder`, or the nearest folder above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def human(count: int) -> str:
    """A number of bytes in GB, MB or kB."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1e3:.1f} kB"
