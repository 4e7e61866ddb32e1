"""Quick, Draw! drawings as they were drawn, with time: `<base_url>/full/raw/<class>.ndjson`.

The files are kept as they are. Reading them converts the drawings to simplified ones with the
dataset's own recipe (`strokecast.sources.formats.simplify`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from strokecast.params import ClassFiles
from strokecast.sources import class_files
from strokecast.sources.formats import ndjson

LAYOUT = class_files.Layout(
    "quickdraw_raw", "raw", "full/raw", ".ndjson", lambda path, label: ndjson.check(path, "raw", label)
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
