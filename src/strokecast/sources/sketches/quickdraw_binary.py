"""Quick, Draw! drawings, simplified, in the compact form: `<base_url>/full/binary/<class>.bin`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from strokecast.sources.formats import binary, fetching

LAYOUT = fetching.Layout("quickdraw_binary", "binary", "full/binary", ".bin", binary.check)


def fetch(options: fetching.ClassFiles, folder: Path) -> str:
    """Fetch the chosen classes; see `fetching.fetch`."""
    return fetching.fetch(options, folder, LAYOUT)


def changed(options: fetching.ClassFiles, record: dict[str, Any]) -> str | None:
    """One line if the local files differ from what was read; see `fetching.changed`."""
    return fetching.changed(options, record, LAYOUT)
