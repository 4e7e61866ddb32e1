"""Files that this user may not read or write: recognised from an error, and described in one line."""

from __future__ import annotations

import errno
from typing import TypeGuard

REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS)  # error numbers of a refused access


def is_denied(error: BaseException) -> TypeGuard[OSError]:
    """Whether `error` means that the system refuses access to a file that it names."""
    return isinstance(error, OSError) and error.errno in REFUSALS and error.filename is not None


def describe_denied(error: OSError) -> str:
    """One line about a refused access: the file, the reason, and what to do."""
    fix = (
        "mount its disk with `rw`"
        if error.errno == errno.EROFS
        else "check its owner, its permissions and those of its folder"
    )
    return f"{error.filename}: {error.strerror}; {fix}, then run again"
