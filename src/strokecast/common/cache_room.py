"""Whether the file system of DVC's cache has room for the outputs of a stage: DVC only logs what it cannot save."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from strokecast.common import disks, dvc_lock, files

_RESERVE = 1 << 18  # bytes, for DVC's own notes of a run


def check_room(outputs: Iterable[Path]) -> None:
    """Check that DVC can save the outputs that exist by now; before the work: that it can save anything.

    Args:
        outputs: files and folders, relative to the root of the project.

    Raises:
        UserError: names the file system of the cache, and what is free there.
    """
    cache = dvc_lock.cache_dir()
    existing = disks.nearest_existing(cache)
    space = os.statvfs(existing)
    free, block = space.f_bavail * space.f_frsize, space.f_frsize
    paths = [path for output in outputs for path in _files(output)]
    if _bytes(paths, block) + _RESERVE > free and not _takes_no_room(existing):
        paths = [path for path in paths if not _is_cached(cache, path)]
        if (needed := _bytes(paths, block) + _RESERVE) > free:
            raise dvc_lock.no_room(needed, cache)
    if not os.access(existing, os.W_OK):
        raise dvc_lock.no_room(_RESERVE, cache)


def _files(output: Path) -> list[Path]:
    if output.is_file():
        return [output]
    return [output / name for name, _ in files.scan_tree(output)]


def _bytes(paths: Iterable[Path], block: int) -> int:
    """The bytes that files take on a file system with blocks of `block` bytes."""
    return sum(-(-path.stat().st_size // block) * block for path in paths)


def _is_cached(cache: Path, path: Path) -> bool:
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, "md5").hexdigest()
    return dvc_lock.object_path(cache, md5).is_file()


def _takes_no_room(cache: Path) -> bool:
    """Whether files go into the cache as hard links or reflinks, whose data is stored once."""
    if cache.stat().st_dev != Path().stat().st_dev:
        return False
    if next(iter(dvc_lock.cache_types()), "") == "hardlink":
        return True
    from dvc_objects.fs.system import reflink

    try:
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            source = Path(folder) / "source"
            source.write_bytes(b"1")
            reflink(str(source), str(Path(folder) / "target"))
    except OSError:
        return False
    return True
