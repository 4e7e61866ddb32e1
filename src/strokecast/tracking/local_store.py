"""The board in `mlruns/`: one SQLite database and one artifact folder, created once.

MLflow is imported by the functions that write. Reads query SQLite directly: a millisecond instead of the two seconds that
importing MLflow takes.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from urllib.parse import unquote, urlparse

from strokecast.common import environment
from strokecast.common.files import scan_tree, sha256
from strokecast.params.base import TASKS
from strokecast.tracking import board_views, local_contents, relocation, store_health
from strokecast.tracking.experiments import ensure_experiments
from strokecast.tracking.store_base import (
    DIGEST,
    ID,
    PROCESS,
    SUPERSEDED,
    RunContents,
    RunState,
    Store,
    VersionState,
    experiment_name,
    folder,
    lock,
)


def database() -> Path:
    """Absolute path of the SQLite file."""
    return folder() / "mlflow.db"


def artifacts(experiment: str) -> Path:
    """Absolute folder of an experiment's artifacts."""
    return folder() / "artifacts" / experiment


@contextmanager
def read_only_connection() -> Iterator[sqlite3.Connection | None]:
    """A read-only connection to the database; None if there is no database yet.

    Raises:
        BoardError: if it cannot be read.
    """
    store_health.check(database())
    if store_health.is_missing(database()):
        yield None
        return
    with store_health.one_line(database()), closing(store_health.connect(database())) as connection:
        yield connection


class LocalStore(Store):
    """The board in `mlruns/` of this project."""

    is_local = True

    @property
    def uri(self) -> str:
        """Address of the SQLite file."""
        return store_health.sqlite_uri(database())

    def one_line(self) -> AbstractContextManager[None]:
        """See `Store`."""
        return store_health.one_line(database())

    def initialise(self) -> None:
        """Create the database and the experiments if they are missing; call it before any write.

        One process creates them under the board's lock, in a temporary file that is renamed at the end,
        because several processes would corrupt a new SQLite store. If the project's folder was moved,
        the artifact locations are updated.
        """
        environment.quiet()
        with self.one_line():
            if _ready():
                return
            with lock():
                if _ready():
                    return
                if store_health.is_missing(database()):
                    _create()
                else:
                    ensure_experiments(self.client(), self.artifact_location)
                    relocate()

    def refresh(self) -> None:
        """Update the addresses of artifacts if the project was moved."""
        if not store_health.is_missing(database()):
            self.initialise()

    def check_writable(self) -> None:
        """See `Store`."""
        store_health.check_writable(database())

    def training_runs(self, training_id: str = "") -> list[tuple[str, RunState]]:
        """See `Store`."""
        query = """
            SELECT id.value, r.run_uuid, r.lifecycle_stage, r.status, digest.value, r.artifact_uri, r.name,
                host.value IS NOT NULL
            FROM tags AS id
            JOIN runs AS r ON r.run_uuid = id.run_uuid
            LEFT JOIN tags AS digest ON digest.run_uuid = r.run_uuid AND digest.key = :digest
            LEFT JOIN tags AS gone ON gone.run_uuid = r.run_uuid AND gone.key = :superseded
            LEFT JOIN tags AS host ON host.run_uuid = r.run_uuid AND host.key = :host
            WHERE id.key = :id AND gone.value IS NULL AND (:training = '' OR id.value = :training)
            ORDER BY r.lifecycle_stage = 'active', r.deleted_time
        """
        keys = {
            "id": ID,
            "digest": DIGEST,
            "superseded": SUPERSEDED,
            "host": PROCESS[0],
            "training": training_id,
        }
        with read_only_connection() as connection:
            rows = connection.execute(query, keys).fetchall() if connection else []
        return [(training, RunState(*rest)) for training, *rest in rows]

    def running_runs(self) -> list[tuple[str, dict[str, str]]]:
        """See `Store`."""
        query = """
            SELECT r.run_uuid, t.key, t.value FROM runs AS r JOIN tags AS t ON t.run_uuid = r.run_uuid
            WHERE r.status = 'RUNNING' AND r.lifecycle_stage = 'active' AND t.key IN (?, ?, ?)
        """
        with read_only_connection() as connection:
            rows = connection.execute(query, PROCESS).fetchall() if connection else []
        tags: dict[str, dict[str, str]] = {}
        for run, key, value in rows:
            tags.setdefault(run, {})[key] = value
        return list(tags.items())

    def finished_runs(self) -> dict[str, tuple[str, list[str]]]:
        """See `Store`."""
        query = """
            SELECT e.name, e.experiment_id, r.run_uuid FROM experiments AS e LEFT JOIN runs AS r
            ON r.experiment_id = e.experiment_id AND r.lifecycle_stage = 'active' AND r.status = 'FINISHED'
            WHERE e.lifecycle_stage = 'active' ORDER BY r.start_time
        """
        tasks = {experiment_name(task): task for task in TASKS}
        with read_only_connection() as connection:
            rows = connection.execute(query).fetchall() if connection else []
        found: dict[str, tuple[str, list[str]]] = {}
        for name, experiment_id, run_id in rows:
            if name in tasks:
                runs = found.setdefault(tasks[name], (str(experiment_id), []))[1]
                runs += [run_id] if run_id else []
        return {task: found[task] for task in TASKS if task in found}

    def contents(self, run_ids: Iterable[str]) -> dict[str, RunContents]:
        """See `Store`."""
        with read_only_connection() as connection:
            return local_contents.read(connection, run_ids)

    def has_model(self, name: str) -> bool:
        """See `Store`."""
        query = "SELECT 1 FROM registered_models WHERE name = ?"
        with read_only_connection() as connection:
            return bool(connection and connection.execute(query, (name,)).fetchone())

    def alias_version(self, name: str, alias: str) -> int | None:
        """See `Store`."""
        query = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
        with read_only_connection() as connection:
            row = connection.execute(query, (name, alias)).fetchone() if connection else None
        return None if row is None else int(row[0])

    def version(self, name: str, number: int) -> VersionState | None:
        """See `Store`."""
        query = """
            SELECT storage_location, source, creation_time FROM model_versions
            WHERE name = ? AND version = ? AND current_stage != 'Deleted_Internal'
        """
        with read_only_connection() as connection:
            row = connection.execute(query, (name, number)).fetchone() if connection else None
            if connection is None or row is None:
                return None
            tags = connection.execute(
                "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?", (name, number)
            ).fetchall()
        return VersionState(row[0] or row[1], int(row[2]), dict(tags))

    def file_sizes(self, address: str) -> dict[str, int]:
        """See `Store`."""
        return {name: entry.stat().st_size for name, entry in scan_tree(_path(address))}

    def differs(self, address: str, files: Mapping[str, Path], thorough: bool) -> bool:
        """See `Store`; reads both files."""
        pairs = ((_path(address) / name, path) for name, path in files.items())
        return any(not stored.is_file() or sha256(stored) != sha256(path) for stored, path in pairs)

    def local_folder(self, address: str, key: str) -> Path:
        """See `Store`; not a copy."""
        return _path(address)

    def remove_part(self, address: str) -> None:
        """See `Store`."""
        shutil.rmtree(_path(address), ignore_errors=True)

    def artifact_location(self, experiment: str) -> str:
        """See `Store`."""
        return artifacts(experiment).as_uri()


def relocate() -> None:
    """Update the addresses in the database after the project was moved."""
    ends = [f"artifacts/{experiment_name(task)}" for task in TASKS]
    relocation.relocate(database(), f"{folder().as_uri()}/", ends)


def _path(address: str) -> Path:
    """The path of an address on the board: it keeps its artifacts in local files."""
    return Path(unquote(urlparse(address).path))


def _ready() -> bool:
    expected = {(name, artifacts(name).as_uri(), "active") for name in map(experiment_name, TASKS)}
    views = {
        (experiment_name(task), *tag) for task in TASKS for tag in board_views.VIEWS[task].tags().items()
    }
    with read_only_connection() as connection:
        if connection is None:
            return False
        rows = connection.execute(
            "SELECT name, artifact_location, lifecycle_stage FROM experiments"
        ).fetchall()
        tags = connection.execute(
            "SELECT e.name, t.key, t.value FROM experiment_tags AS t JOIN experiments AS e USING (experiment_id)"
        ).fetchall()
    own = {
        (name, key) for name, key, _ in tags if key != board_views.SHARED_VIEW
    }  # the user may have changed these
    return expected <= set(rows) and all(tag in tags or tag[:2] in own for tag in views)


def _create() -> None:
    """Create the database in a temporary file, without a disk sync after each of MLflow's 70 migrations."""
    import logging

    from mlflow import MlflowClient
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def disable_sync(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = MEMORY")

    folder().mkdir(parents=True, exist_ok=True)
    for stale in folder().glob(".mlflow.db.tmp-*"):
        stale.unlink()
    temporary = folder() / f".mlflow.db.tmp-{os.getpid()}"
    for logger in ("alembic", "mlflow"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    event.listen(Engine, "connect", disable_sync)
    try:
        # MLflow writes the folder of its default experiment into SQL as it is; quotes in it have to be escaped.
        SqlAlchemyStore(store_health.sqlite_uri(temporary), artifacts("").as_uri())._dispose_engine()
        client = MlflowClient(store_health.sqlite_uri(temporary), store_health.sqlite_uri(temporary))
        ensure_experiments(client, LocalStore().artifact_location)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, database())
    finally:
        event.remove(Engine, "connect", disable_sync)
        temporary.unlink(missing_ok=True)
