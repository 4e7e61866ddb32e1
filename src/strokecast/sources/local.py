"""Local files named in `params.yaml`: how paths are resolved, and the size and digest of a file."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit
from urllib.request import url2pathname

from strokecast.common import files, paths
from strokecast.common.errors import UserError

_ADDRESS = "an http(s) address, file:///..., or a local folder"


class FileInfo(TypedDict):
    """Size and digest of one file."""

    bytes: int
    sha256: str


def resolve(path: str) -> Path:
    """Resolve a path of `params.yaml`: `~` is the home folder, relative paths start at the project's root.

    In a temporary copy of the project (`dvc exp run --temp`, queue workers), a path that is not in
    the copy is resolved against the project itself.
    """
    local_path = Path(path)
    with contextlib.suppress(RuntimeError):  # `~` of an unknown user
        local_path = local_path.expanduser()
    if local_path.is_absolute() or _exists(local_path):
        return local_path
    project_path = paths.board_root() / local_path
    return project_path if _exists(project_path) else local_path


def folder_of(base_url: str, location: str) -> Path | None:
    """The local folder that `base_url` names, or None if it is an http(s) address.

    Args:
        base_url: http(s) address, `file:///...` URL, or path of a folder.
        location: key path of `base_url`, for the error message.

    Raises:
        UserError: if the scheme is not http, https or file.
    """
    try:
        parts = urlsplit(base_url)
    except ValueError as error:  # e.g. an open bracket
        raise UserError(f"{base_url!r} is not valid ({error})", location=location, allowed=_ADDRESS) from None
    scheme = parts.scheme if "://" in base_url else ""
    if scheme in ("http", "https"):
        check_address(base_url, location)
        return None
    if scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(url2pathname(parts.path))
    if scheme:
        raise UserError(
            f"{base_url!r} is not valid",
            location=location,
            allowed=_ADDRESS,
        )
    return resolve(base_url)


def check_address(url: str, location: str) -> None:
    """Check that an http(s) address has a host and a valid port, and no spaces.

    Raises:
        UserError: if it does not.
    """
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or any(character.isspace() for character in url):
        raise UserError(
            f"{url!r} is not valid", location=location, allowed="an address such as https://example.org/path"
        )


def check_folder(folder: Path, path: str, location: str, allowed: str = "") -> None:
    """Check that a folder of params.yaml exists and can be listed.

    Args:
        folder: the resolved folder.
        path: as in params.yaml, for the error message.
        location: key path of `path`, for the error message.
        allowed: what the folder should contain, for the error message.

    Raises:
        UserError: if it is missing, is not a folder, or cannot be read.
    """
    try:
        next(folder.iterdir(), None)
    except ValueError:
        raise UserError(f"{path!r} contains a null byte", location=location, allowed=allowed) from None
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise UserError(f"no such folder {path!r}", location=location, allowed=allowed) from None
        reason = (
            "is not a folder" if isinstance(error, NotADirectoryError) else files.describe_os_error(error)
        )
        raise UserError(f"{path!r}: {reason}", location=location, allowed=allowed) from None


def _exists(path: Path) -> bool:
    """Whether `path` exists; False for one that the system cannot look up, such as a name that is too long."""
    try:
        return path.exists()
    except OSError:
        return False


def file_info(path: Path) -> FileInfo:
    """Size in bytes and hex sha256 of a file."""
    return {"bytes": path.stat().st_size, "sha256": files.sha256(path)}


def matches(path: Path, expected: FileInfo) -> bool:
    """Whether a file exists and has the expected size and sha256."""
    return (
        path.is_file()
        and path.stat().st_size == expected["bytes"]
        and files.sha256(path) == expected["sha256"]
    )
