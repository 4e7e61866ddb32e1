"""Opens the database of a study: SQLite below `.strokecast/tune/`, or the one at a URL, which many machines share."""

from __future__ import annotations

import importlib.util
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.tracking import store_health

if TYPE_CHECKING:
    import optuna

HEARTBEAT = 20  # seconds between two signs of life of a running trial
GRACE = 300  # seconds without one, after which another process runs the trial again
_ATTEMPTS = 10  # several processes may create the tables at the same moment
_CREATING = ("IntegrityError", "ProgrammingError")  # what they meet then
_DRIVERS = {"postgresql": "psycopg2", "mysql": "pymysql"}


def import_optuna() -> Any:
    """The module optuna, which logs errors only.

    Raises:
        UserError: if it is not installed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise UserError("optuna is not installed", fix="install the extra `tune` of strokecast")
    import optuna

    optuna.logging.set_verbosity(logging.CRITICAL)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return optuna


def default_url(study: str) -> str:
    """The address of a study's SQLite file, in the folder of the project."""
    return store_health.sqlite_uri(paths.board_root() / ".strokecast/tune" / f"{study}.db")


@contextmanager
def single_process(url: str) -> Iterator[None]:
    """Hold the lock of a SQLite database: several processes at once need a server.

    Raises:
        UserError: if another process holds it.
    """
    if not (path := _sqlite_file(url)):
        yield
        return
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{path}.lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise UserError(
            "another process is running this search",
            location=shown(url),
            fix="wait, or share it between processes by --storage postgresql://USER:PASSWORD@HOST/DATABASE",
        ) from None
    except OSError as error:
        raise UserError(f"cannot be written ({error.strerror})", location=shown(url)) from None
    try:
        yield
    finally:
        lock.release()


def _sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database; None if it is another one."""
    scheme, _, path = url.partition(":///")
    return Path(unquote(path)) if scheme in ("sqlite", "sqlite+pysqlite") and path else None


def shown(url: str) -> str:
    """The address without user, password and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def open_storage(
    url: str, requeue: Callable[[optuna.Study, optuna.trial.FrozenTrial], None]
) -> optuna.storages.RDBStorage:
    """The database at an address of SQLAlchemy; its tables are created if they are missing.

    Args:
        url: the address.
        requeue: called with each trial whose process gave no sign of life for `GRACE` seconds.

    Raises:
        UserError: if the address, its driver or the database cannot be used.
    """
    optuna = import_optuna()
    scheme, _, rest = url.partition("://")
    if scheme in _DRIVERS:
        url = f"{scheme}+{_DRIVERS[scheme]}://{rest}"
    for attempt in range(_ATTEMPTS):
        try:
            return optuna.storages.RDBStorage(
                url,
                engine_kwargs={"connect_args": {"timeout": 60}}
                if scheme == "sqlite"
                else {"pool_pre_ping": True},
                heartbeat_interval=HEARTBEAT,
                grace_period=GRACE,
                heartbeat_stale_trial_callback=requeue,
            )
        except Exception as error:
            if attempt + 1 < _ATTEMPTS and type(error).__name__ in _CREATING:
                time.sleep(0.5)
                continue
            raise _explain(error, url) from None
    raise AssertionError("unreachable")


@contextmanager
def one_line(url: str) -> Iterator[None]:
    """Turn an error of the database inside the block into a `UserError`.

    Args:
        url: of the database.
    """
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("optuna", "psycopg2", "sqlalchemy"):
            raise
        raise _explain(error, url) from None


def _explain(error: Exception, url: str) -> UserError:
    location, text = f"--storage {shown(url)}", str(error).strip()
    if isinstance(error, ImportError):
        return UserError(
            "the driver of this database is not installed",
            location=location,
            fix="install the extra `postgresql` of strokecast, or the driver that SQLAlchemy names for another database",
        )
    if "://" not in url or type(error).__name__ in ("ArgumentError", "NoSuchModuleError"):
        return UserError(
            "is not the address of a database",
            location=location,
            allowed="e.g. postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:///FILE",
        )
    if "table schema" in text:
        return UserError(
            "the database belongs to another program, such as MLflow, or to another version of optuna",
            location=location,
            fix="give a database of its own, e.g. by CREATE DATABASE tune",
        )
    lines = text.splitlines() or [type(error).__name__]
    return UserError(
        f"the database cannot be used: {lines[0][:200]}",
        location=location,
        fix="check the address, the user and that the server runs; the same command goes on with a search",
    )
