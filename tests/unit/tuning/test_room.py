"""Imports run downhill: only commands import the room of the search, and only that room imports optuna."""

import re
from pathlib import Path

import strokecast

SOURCES = Path(strokecast.__file__).parent


def importers(module: str) -> set[str]:
    """The rooms with a module that imports `module`, at its top or inside a function."""
    pattern = re.compile(rf"^\s*(from|import) {re.escape(module)}\b", re.MULTILINE)
    files = (path for path in SOURCES.rglob("*.py") if pattern.search(path.read_text(encoding="utf-8")))
    return {path.relative_to(SOURCES).parts[0] for path in files}


def test_imports_run_downhill():
    assert importers("strokecast.tuning") == {"commands", "tuning"}
    assert importers("optuna") == {"tuning"}
