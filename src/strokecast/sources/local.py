"""Files of the user's, named in `params.yaml`: where a path leads, and what a source records of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from strokecast.common import files, paths


class FileFacts(TypedDict):
    """Size and digest of one file."""

    bytes: int
    sha256: str


def resolve(path: str) -> Path:
    """The place of a path in `params.yaml`: `~` is the home folder, relative means from the project's root.

    In a temporary copy of the project (`dvc exp run --temp`, queue workers) what is not in the
    copy is looked for from the project itself.
    """
    given = Path(path).expanduser()
    if given.is_absolute() or given.exists():
        return given
    from_project = paths.board_root() / given
    return from_project if from_project.exists() else given


def facts(path: Path) -> FileFacts:
    """Size in bytes and hex sha256 of a file."""
    return {"bytes": path.stat().st_size, "sha256": files.sha256(path)}
