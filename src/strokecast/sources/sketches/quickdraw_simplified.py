"""Quick, Draw! drawings simplified to a box of 255: `<base_url>/full/simplified/<class>.ndjson`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from strokecast.sources.formats import fetching, ndjson

LAYOUT = fetching.Layout(
    "quickdraw_simplified",
    "simplified",
    "full/simplified",
    ".ndjson",
    partial(ndjson.check, form="simplified"),
)


def fetch(options: fetching.ClassFiles, folder: Path) -> str:
    """Fetch the chosen classes; see `fetching.fetch`."""
    return fetching.fetch(options, folder, LAYOUT)


def changed(options: fetching.ClassFiles, record: dict[str, Any]) -> str | None:
    """One line if the local files differ from what was read; see `fetching.changed`."""
    return fetching.changed(options, record, LAYOUT)
