"""Every failure of a board on a server as one line, without credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from strokecast.common import disks
from strokecast.common.errors import UserError
from strokecast.tracking.store_health import BoardError

_LIBRARIES = ("alembic", "mlflow", "psycopg2", "requests", "sqlalchemy", "urllib3")
_LENGTH = 300  # characters of an unknown failure
_FIX = "when it answers, run `strokecast sync`"
_CREDENTIALS = re.compile(r"://[^/@\s]+@")
_REASONS = (  # what a failure's text contains, and what it means
    (("refused",), "refuses connections"),
    (("timed out", "timeout", "Timeout"), "does not answer in time"),
    (("NameResolution", "Name or service", "could not translate host"), "has a name that is not known here"),
    (("Connection aborted", "RemoteDisconnected", "reset by peer"), "closed the connection"),
    (("error code 401", "error code 403", "password authentication"), "refuses this user"),
    (("error code 404",), "is no MLflow server"),
    (("too many 5", "error code 5"), "cannot answer at this moment"),
)


@contextmanager
def one_line(uri: str) -> Iterator[None]:
    """Turn errors of MLflow, the network, the database driver and the file system into a `BoardError`.

    Args:
        uri: of the server.
    """
    try:
        yield
    except UserError:
        raise
    except ModuleNotFoundError as error:
        if urlsplit(uri).scheme.startswith("http"):
            raise
        raise BoardError(
            f"the driver {error.name} of this database is not installed",
            location="MLFLOW_TRACKING_URI",
            fix="install the extra `postgresql` of strokecast, or the driver that SQLAlchemy names for another database",
        ) from None
    except Exception as error:
        library = type(error).__module__.partition(".")[0]
        if isinstance(error, OSError) or library in _LIBRARIES:
            raise explain(error, uri) from None
        raise


def explain(error: Exception, uri: str) -> BoardError:
    """The `BoardError` for an error that a request to the server raised."""
    if disks.is_full(error):
        return BoardError(f"a file of the board cannot be written: {error}; then run `strokecast sync`")
    text = str(error).strip() or type(error).__name__
    for needles, reason in _REASONS:
        if any(needle in text for needle in needles):
            return BoardError(f"the MLflow server {reason}", location=shown(uri), fix=_FIX)
    if isinstance(error, TimeoutError):  # the board's lock
        return BoardError(
            "another process of strokecast has been writing to the MLflow board for minutes",
            location=shown(uri),
            fix="when it has ended, run `strokecast sync`",
        )
    line = _CREDENTIALS.sub("://", text.splitlines()[0])[:_LENGTH]
    return BoardError(f"the MLflow server cannot be used: {line}", location=shown(uri), fix=_FIX)


def shown(uri: str) -> str:
    """The address without user, password and query."""
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
