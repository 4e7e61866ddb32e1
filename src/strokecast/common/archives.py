"""Zip archives of models: refused before they are unpacked if that would fill the memory."""

from __future__ import annotations

import zipfile
from pathlib import Path

from strokecast.common import disks

_MAX_RATIO = 100  # unpacked bytes per byte of the archive; images of drawings reach 20
_MAX_SMALL = 64 << 20  # unpacked bytes that are read whatever the ratio


def size_problem(path: Path) -> str:
    """Why a zip archive is not unpacked, in a few words; "" if it may be.

    The sizes are those of its directory, and `zipfile` reads no more than these.

    Raises:
        OSError, ValueError, zipfile.BadZipFile: if it is not a zip archive.
    """
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    packed = path.stat().st_size
    if unpacked <= max(_MAX_SMALL, _MAX_RATIO * packed):
        return ""
    return f"its {disks.human(packed)} unpack to {disks.human(unpacked)}"
