"""The root of the project: found from any folder inside it, and entered before a command reads or writes anything."""

from __future__ import annotations

import os
from pathlib import Path

from strokecast.common import names
from strokecast.common.errors import UserError

MARKER = "dvc.yaml"


def root(folder: Path) -> Path | None:
    """The nearest of `folder` and the folders above it that contains dvc.yaml; None if there is none."""
    return next((path for path in (folder, *folder.parents) if (path / MARKER).is_file()), None)


def enter() -> Path:
    """Change to the root of the project that contains the working directory.

    Returns:
        The working directory before. Relative paths of the user start there.

    Raises:
        UserError: outside of a project, or if the path of its folder has characters that no name may have.
    """
    try:
        folder = Path.cwd()
    except FileNotFoundError:
        raise UserError(
            "the working directory was deleted", fix="run the command in the folder with dvc.yaml"
        ) from None
    found = root(folder)
    if found is None:
        raise UserError(
            f"neither this folder nor one above it contains {MARKER}",
            location=str(folder),
            fix="run the command inside the project",
        )
    for character in sorted(set(str(found))):
        if reason := names.problem(f"x{character}"):
            raise UserError(
                f"the folder's path {reason}, which DVC and MLflow cannot write into their files",
                location=ascii(str(found)),
                fix="rename the folder",
            )
    os.chdir(found)
    forget_foreign_root()
    return folder


def forget_foreign_root() -> None:
    """Remove `DVC_ROOT` from the environment unless the working directory is a temporary copy that DVC made of it.

    A value that was left in the shell, or belongs to another project, would move the board there.
    """
    original = os.environ.get("DVC_ROOT")
    if not original:
        return
    places = (
        Path(original, ".dvc", *parts).resolve() for parts in ((), ("tmp",), ("tmp", "exps"))
    )  # may be links
    if not any(Path.cwd().resolve().is_relative_to(place) for place in places):
        del os.environ["DVC_ROOT"]
