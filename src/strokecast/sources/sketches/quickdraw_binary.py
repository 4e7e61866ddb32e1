"""Quick, Draw! drawings, simplified, in the binary format: `<base_url>/full/binary/<class>.bin`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from strokecast.params import ClassFiles
from strokecast.sources import class_files
from strokecast.sources.formats import binary

LAYOUT = class_files.Layout(
    "quickdraw_binary", "binary", "full/binary", ".bin", lambda path, label: binary.check(path)
)


def check(options: ClassFiles) -> None:
    """Check address, folder and classes; see `class_files.check`."""
    class_files.check(options, LAYOUT)


def fetch(options: ClassFiles, folder: Path) -> str:
    """Fetch the selected classes; see `class_files.fetch`."""
    return class_files.fetch(options, folder, LAYOUT)


def describe_change(options: ClassFiles, source: dict[str, Any]) -> str | None:
    """One line if the local files differ from those in `source.json`; see `class_files.describe_change`."""
    return class_files.describe_change(options, source, LAYOUT)
