"""The file that a user names as `--output`: written completely or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strokecast.common import signals
from strokecast.common.errors import UserError
from strokecast.common.files import describe_os_error, new_file


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Yield a temporary file that becomes `path` at the end; after an error or SIGTERM, `path` is as before.

    Raises:
        UserError: if it cannot be written.
    """
    try:
        with signals.handled_by(signals.raise_interrupted), new_file(path) as temporary:
            yield temporary
    except OSError as error:
        raise UserError(
            f"cannot be written ({describe_os_error(error)})", location=str(path), fix="name another file"
        ) from None
