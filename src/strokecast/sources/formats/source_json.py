"""`source.json`: what a source tells of the raw files that it left beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from strokecast.common import files
from strokecast.common.errors import UserError


def read(raw_folder: Path, dataset: str, key: str, kind: type, lacks: str) -> dict[str, Any]:
    """The contents of `source.json` in a raw folder.

    Args:
        raw_folder: `data/raw/<dataset>/`.
        dataset: `sketches` or `series`, for messages.
        key: a key that must be there.
        kind: the type of its value.
        lacks: what is wrong where it is not.

    Raises:
        UserError: if the file is missing, no JSON, or lacks the key.
    """
    path = raw_folder / "source.json"
    again = f"run `dvc repro -f download@{dataset}`"
    try:
        record = files.read_json(path)
    except FileNotFoundError:
        raise UserError("no such file", where=str(path), fix="run `dvc repro`") from None
    except ValueError:
        raise UserError("no valid JSON", where=str(path), fix=again) from None
    if not isinstance(record, dict) or not isinstance(record.get(key), kind):
        raise UserError(lacks, where=str(path), fix=again)
    return record
