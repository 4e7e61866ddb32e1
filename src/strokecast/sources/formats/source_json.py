"""`source.json`: the description that a source writes beside its raw files, and that their readers use.

Keys of both datasets: `source`, `files` (name → bytes and sha256), `attribution`, `licence`.
Sketches add `classes`, `format` (npz if it is missing), `options` and `cap`; series add `file` (or
`parts`, one entry per file) and the names of the columns.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from strokecast.common import files
from strokecast.common.errors import UserError

FILE_NAME = "source.json"
_REQUIRED: dict[str, tuple[str, type, str]] = {  # dataset → key, type of its value, error message
    "sketches": ("classes", list, "names no classes"),
    "series": ("file", str, "names no file"),
}


def read(raw_folder: Path, dataset: Literal["sketches", "series"]) -> dict[str, Any]:
    """Read `source.json` of a raw folder.

    Args:
        raw_folder: `data/raw/<dataset>/`.
        dataset: decides which key must be present.

    Raises:
        UserError: if the file is missing, is not JSON, or lacks the key.
    """
    path = raw_folder / FILE_NAME
    fix = f"run `dvc repro -f download@{dataset}`"
    key, value_type, message = _REQUIRED[dataset]
    try:
        source = files.read_json(path)
    except FileNotFoundError:
        raise UserError("no such file", location=str(path), fix="run `dvc repro`") from None
    except ValueError:
        raise UserError("is not valid JSON", location=str(path), fix=fix) from None
    if not isinstance(source, dict) or not isinstance(source.get(key), value_type):
        raise UserError(message, location=str(path), fix=fix)
    return source


def write(folder: Path, source: dict[str, Any]) -> None:
    """Write `source.json` into a raw folder."""
    files.write_json(folder / FILE_NAME, source)


def describe_new_size(folder: Path, source: dict[str, Any]) -> str | None:
    """One line if a file of `source.json` has another size in `folder`, else None."""
    for name, info in source["files"].items():
        path = folder / name
        if path.is_file() and path.stat().st_size != info["bytes"]:
            return f"the size of {path} changed"
    return None


def check_sizes(raw_folder: Path, source: dict[str, Any]) -> None:
    """Check that the files of a raw folder have the sizes in `source.json`; a truncated file may still be readable.

    Raises:
        UserError: names the first file that has another size, because it was edited or damaged.
    """
    sizes = source.get("files")
    for name, info in sizes.items() if isinstance(sizes, dict) else ():
        path = raw_folder / name
        expected = info.get("bytes") if isinstance(info, dict) else None
        if expected is not None and path.is_file() and path.stat().st_size != expected:
            raise UserError(
                f"has {path.stat().st_size:,} bytes, not the {expected:,} that were downloaded",
                location=str(path),
                fix="run `dvc repro -f download@sketches`",
            )


def summary(source: dict[str, Any]) -> str:
    """The line that a download of sketches ends with."""
    total = sum(info["bytes"] for info in source["files"].values())
    return f"{source['source']}: {len(source['classes'])} classes, {total / 1e6:.1f} MB"
