"""Whether the board can be read and written, and every failure of it as one line. MLflow is not imported for that."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from strokecast.common import disks, permissions
from strokecast.common.errors import UserError

BUSY_TIMEOUT = 20.0  # seconds; MLflow waits as long for a locked database
_TABLES = (
    *("alembic_version", "experiments", "runs", "params", "tags", "metrics", "latest_metrics"),
    *("datasets", "inputs", "input_tags"),
    *("logged_models", "logged_model_params", "logged_model_tags", "logged_model_metrics"),
)
_DAMAGES = ("not a database", "malformed", "no such table", "no such column", "disk i/o error")
_SYNC = "run `strokecast sync`"


class BoardError(UserError):
    """The MLflow board cannot be read or written at this moment. Models and reports are not affected."""


class BoardDamagedError(BoardError):
    """What lies in the place of the board is no usable store; `strokecast sync --restore` makes it again."""

    def __init__(self, what: str, path: Path) -> None:
        super().__init__(
            f"the MLflow board is damaged: {what}",
            location=shown(path),
            fix="run `strokecast sync --restore`: it moves the damaged board aside and makes a new one from models/ and reports/",
        )


@contextmanager
def one_line(database: Path) -> Iterator[None]:
    """Turn errors of the file system, SQLite, MLflow and the board's lock into a `BoardError`."""
    try:
        yield
    except Exception as error:
        library = type(error).__module__.partition(".")[0]
        if isinstance(error, OSError | sqlite3.Error) or library in ("alembic", "mlflow", "sqlalchemy"):
            raise explain(error, database) from None
        raise


def explain(error: Exception, database: Path) -> BoardError:
    """The `BoardError` for an error that reading or writing the board raised."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = lines[0].removeprefix("(sqlite3.OperationalError) ").removeprefix("(sqlite3.DatabaseError) ")
    location = shown(database)
    if "database schema" in text or "Can't locate revision" in text:
        return other_version(text, database)
    if disks.is_full(error):
        folders = [path for path in (database.parent, *database.parent.glob("artifacts/*")) if path.is_dir()]
        return BoardError(
            f"the MLflow board cannot be written: {disks.describe_full(error, *folders)}, then {_SYNC}"
        )
    if isinstance(error, TimeoutError):  # the board's lock
        return BoardError(
            "another process of strokecast has been writing to the MLflow board for minutes",
            location=location,
            fix=f"when it has ended, {_SYNC}",
        )
    if "is locked" in text:
        return BoardError(
            f"another program has locked the MLflow board for more than {BUSY_TIMEOUT:.0f} s",
            location=location,
            fix=f"when it has ended, {_SYNC}",
        )
    if any(damage in text.lower() for damage in _DAMAGES):
        return BoardDamagedError(text, database)
    if (
        "readonly" in text
        or "unable to open" in text
        or getattr(error, "errno", None) in permissions.REFUSALS
    ):
        return BoardError(
            f"the MLflow board cannot be written: {text}",
            location=location,
            fix=f"make {shown(database.parent)}/ and its files writable, then {_SYNC}",
        )
    return BoardError(f"the MLflow board cannot be used: {text}", location=location, fix=f"then {_SYNC}")


def is_missing(database: Path) -> bool:
    """Whether there is no database yet. An empty file counts as none."""
    return not database.exists() or (database.is_file() and database.stat().st_size == 0)


def check(database: Path, thorough: bool = False) -> None:
    """Check that the board is missing or complete.

    Args:
        database: its SQLite file.
        thorough: let SQLite read the whole file.

    Raises:
        BoardDamagedError: if something else is in its place, or a table is missing.
        BoardError: if it cannot be read, or belongs to another version of MLflow.
    """
    folder = database.parent
    for path in (folder, database, folder / "artifacts"):
        expected = "file" if path == database else "folder"
        if path.is_symlink() and not path.exists():
            raise BoardError(
                "is a link to a place that does not exist",
                location=shown(path),
                fix="mount that disk or remove the link",
            )
        if path.exists() and not (path.is_file() if expected == "file" else path.is_dir()):
            raise BoardDamagedError(f"a {expected} is needed in this place", path)
    if is_missing(database):
        return
    with one_line(database), closing(connect(database)) as connection:
        tables = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        missing = [name for name in _TABLES if name not in tables]
        if missing:
            _raise_if_other_version(connection, database)
            raise BoardDamagedError(f"no table {missing[0]!r}", database)
        if thorough:
            [[result]] = connection.execute("PRAGMA quick_check(1)").fetchall()
            if result != "ok":
                raise BoardDamagedError(result, database)


def check_writable(database: Path) -> None:
    """Check that the database can be written, without a change.

    Raises:
        BoardError: if another program has locked it for `BUSY_TIMEOUT`, if it or its folder is read-only, or if
            the disk is full.
    """
    with one_line(database), closing(connect(database, "rw")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        [version] = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(
            f"PRAGMA user_version = {version}"
        )  # starts the journal, a file beside the database
        connection.execute("ROLLBACK")


def connect(database: Path, mode: str = "ro") -> sqlite3.Connection:
    """A connection without transactions of its own. A killed process's journal is rolled back, which needs to write."""
    if Path(f"{database}-journal").exists():
        mode = "rw"
    address = f"file:{quote(database.as_posix())}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)


def move_aside(database: Path) -> Path:
    """Move a damaged board to an unused `mlruns/damaged-<n>`, or `mlruns` itself if it is no folder; returns the new place."""
    folder = database.parent
    in_folder = folder.is_dir()
    stem = folder / "damaged-" if in_folder else folder.with_name(f"{folder.name}.damaged-")
    number = 1
    while Path(f"{stem}{number}").exists():
        number += 1
    target = Path(f"{stem}{number}")
    if not in_folder:
        return folder.rename(target)
    target.mkdir()
    for path in sorted(folder.iterdir()):
        if path.name.startswith(database.name) or path.name == "artifacts":
            path.rename(target / path.name)
    return target


def _raise_if_other_version(connection: sqlite3.Connection, database: Path) -> None:
    with suppress(sqlite3.Error):
        version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        from mlflow.store.db.utils import _get_latest_schema_revision

        if version and version[0] != _get_latest_schema_revision():
            raise other_version("its tables are of another version of MLflow", database)


def other_version(what: str, database: Path) -> BoardError:
    """The error for a database that another version of MLflow made."""
    address = shlex.quote(sqlite_uri(database))
    return BoardError(
        f"MLflow cannot open the board: {what}",
        location=shown(database),
        fix=f"run `mlflow db upgrade {address}`, or delete mlruns/ and {_SYNC}",
    )


def sqlite_uri(database: Path) -> str:
    """The address of a database file for MLflow; percent and question marks of the path stand for themselves."""
    path = database.as_posix()
    escaped = path.replace("%", "%25").replace("?", "%3F")
    # Of `sqlite:///`, MLflow takes the path without decoding it and makes its folder, beside the project.
    return f"{'sqlite' if escaped == path else 'sqlite+pysqlite'}:///{escaped}"


def shown(path: Path) -> str:
    """`path`, relative to the working folder if it lies in it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
