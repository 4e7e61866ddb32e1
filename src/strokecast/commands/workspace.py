"""Checks of the project's folder before anything runs: a git repository, folders without links, permission to write."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from strokecast.common.errors import UserError

_OUTPUTS = ("data", "models", "reports")
_LEVELS = 3  # such as models/<task>/<name>
_WRITTEN = (".", *_OUTPUTS, ".dvc", ".dvc/tmp", ".dvc/cache", ".strokecast")


def check() -> None:
    """Check the working directory, the root of the project, for what would stop DVC or a stage later.

    Raises:
        UserError: without `.dvc/`; without a git repository, unless `core.no_scm` is set; if a folder of outputs is a
            link; if a folder cannot be written to; if DVC or MLflow cannot work with the path of
            the project or of the Python environment.
    """
    _check_repository(Path.cwd())
    if {"{", "}"} & {*str(Path.cwd())}:
        raise UserError(
            "the path of the project contains { or }, and DVC fails there",
            location=str(Path.cwd()),
            fix="rename the folder",
        )
    if "%" in sys.prefix:
        raise UserError(
            "the path of the Python environment contains %, and MLflow fails there",
            location=sys.prefix,
            fix="rename the folder and run `make env`",
        )
    for folder in _OUTPUTS:
        for link in _links(Path(folder), _LEVELS):
            _refuse_link(link)
    for folder in _WRITTEN:
        path = Path(folder)
        if path.is_file():
            raise UserError("is a file", location=str(path), allowed="a folder", fix="rename the file")
        if path.exists() and not os.access(path, os.W_OK | os.X_OK):
            read_only = os.statvfs(path).f_flag & os.ST_RDONLY
            raise UserError(
                "cannot be written to, "
                + ("the disk is mounted read-only" if read_only else "no permission"),
                location=f"{path.absolute()}/",
                fix="mount the disk with `rw`" if read_only else "change its owner or its permissions",
            )


def _check_repository(root: Path) -> None:
    if not (root / ".dvc").is_dir():
        raise UserError(
            "there is no folder .dvc, which belongs to the project",
            location=str(root),
            fix="copy it from the repository, or run `dvc init`",
        )
    if any((folder / ".git").exists() for folder in (root, *root.parents)):
        return
    from strokecast.commands import dvc_api

    if not dvc_api.works_without_git(root):
        raise UserError(
            "not in a git repository, which DVC needs",
            location=str(root),
            fix="run `git init`, or `dvc config --local core.no_scm true` to work without git",
        )


def _links(path: Path, levels: int) -> Iterator[Path]:
    """Links to folders, and links to nowhere, among `path` and what lies below it."""
    if path.is_symlink():
        if path.is_dir() or not (path.exists() or path.suffix):
            yield path
    elif levels and path.is_dir():
        for child in sorted(path.iterdir()):
            yield from _links(child, levels - 1)


def _refuse_link(link: Path) -> None:
    target = Path(os.path.realpath(link))
    raise UserError(
        f"is a link to {target}, and DVC neither saves nor removes anything behind a link",
        location=str(link),
        fix=f"replace it by a folder and keep the data on that disk through DVC's cache: `dvc cache dir --local "
        f"{target.parent / 'dvc-cache'}`, then `dvc config --local cache.type symlink`",
    )
