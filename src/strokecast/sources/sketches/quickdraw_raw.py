"""Quick, Draw! drawings as they were drawn, with time: `<base_url>/full/raw/<class>.ndjson`.

They are converted to simplified ones by the dataset's own recipe
(`strokecast.sources.formats.simplify`) when they are read; the files stay as they are.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from strokecast.sources.formats import fetching, ndjson

LAYOUT = fetching.Layout("quickdraw_raw", "raw", "full/raw", ".ndjson", partial(ndjson.check, form="raw"))


def fetch(options: fetching.ClassFiles, folder: Path) -> str:
    """Fetch the chosen classes; see `fetching.fetch`."""
    return fetching.fetch(options, folder, LAYOUT)


def changed(options: fetching.ClassFiles, record: dict[str, Any]) -> str | None:
    """One line if the local files differ from what was read; see `fetching.changed`."""
    return fetching.changed(options, record, LAYOUT)
