"""The board's storage: one SQLite database and one artifact folder under `mlruns/`, created once.

MLflow is imported by the functions that write. The read-only functions (`board_state`, `running_runs`)
query SQLite directly: a millisecond instead of the two seconds that importing MLflow takes.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from strokecast.common import environment, paths
from strokecast.params.base import TASKS
from strokecast.tracking import board_views, relocation, store_health

if TYPE_CHECKING:
    from filelock import BaseFileLock
    from mlflow import MlflowClient

ID = "strokecast.training_id"
DIGEST = "strokecast.digest"
SUPERSEDED = "strokecast.superseded"
FAILURE = "strokecast.failure"
PROCESS = ("strokecast.host", "strokecast.pid", "strokecast.pid_started")

_LOCK_TIMEOUT = 120  # seconds; longer than any upload takes


def folder() -> Path:
    """Absolute path of `mlruns/`, or of the folder that it is a link to: clones that share a board address it alike."""
    path = paths.board_root() / "mlruns"
    return path.resolve() if path.is_dir() else path


def database() -> Path:
    """Absolute path of the SQLite file."""
    return folder() / "mlflow.db"


def uri() -> str:
    """The absolute tracking URI; does not touch the disk."""
    return store_health.sqlite_uri(database())


def artifacts(experiment: str) -> Path:
    """Absolute folder of an experiment's artifacts."""
    return folder() / "artifacts" / experiment


def experiment_name(task: str) -> str:
    """The MLflow experiment of a task."""
    return f"strokecast-{task}"


def lock() -> BaseFileLock:
    """The board's lock, for `with`. Hold it from reading the board until the write that depends on it.

    It lies in `.strokecast/`, or in a board that several clones share by links.
    """
    from filelock import FileLock

    is_shared = (paths.board_root() / "mlruns").is_symlink()
    lock_dir = folder() if is_shared else paths.board_root() / ".strokecast"
    lock_dir.mkdir(parents=True, exist_ok=True)
    return FileLock(str(lock_dir / "board.lock"), timeout=_LOCK_TIMEOUT)


@contextmanager
def writing() -> Iterator[None]:
    """Hold the board's lock, with the database and its experiments in place and writable.

    Raises:
        BoardError: instead of any error of MLflow, SQLite or the file system inside the block.
    """
    with store_health.one_line(database()):
        initialise()
        with lock():
            store_health.check_writable(database())
            yield


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


@dataclass(frozen=True)
class RunState:
    """State of one run on the board."""

    run_id: str
    lifecycle: str
    status: str
    digest: str | None
    artifact_uri: str
    name: str

    @property
    def is_active(self) -> bool:
        """False: the run was deleted, which MLflow can undo."""
        return self.lifecycle == "active"

    @property
    def artifact_dir(self) -> Path:
        """Folder of the run's artifacts. A renamed experiment keeps its own."""
        return Path(unquote(urlparse(self.artifact_uri).path))


def board_state() -> dict[str, RunState]:
    """Every training on the board by training_id: its active run, or the one deleted last.

    Superseded runs are left out. Empty if there is no board yet. Plain SQL; MLflow is not imported.
    """
    return dict(training_runs())


def training_runs() -> list[tuple[str, RunState]]:
    """(training_id, run) of all runs that are not superseded: deleted ones first, in the order of their deletion."""
    query = """
        SELECT id.value, r.run_uuid, r.lifecycle_stage, r.status, digest.value, r.artifact_uri, r.name
        FROM tags AS id
        JOIN runs AS r ON r.run_uuid = id.run_uuid
        LEFT JOIN tags AS digest ON digest.run_uuid = r.run_uuid AND digest.key = :digest
        LEFT JOIN tags AS gone ON gone.run_uuid = r.run_uuid AND gone.key = :superseded
        WHERE id.key = :id AND gone.value IS NULL
        ORDER BY r.lifecycle_stage = 'active', r.deleted_time
    """
    with read_only_connection() as connection:
        if connection is None:
            return []
        rows = connection.execute(query, {"id": ID, "digest": DIGEST, "superseded": SUPERSEDED}).fetchall()
    return [(training, RunState(*rest)) for training, *rest in rows]


def running_runs() -> list[tuple[str, dict[str, str]]]:
    """(run_id, process tags) of all active runs with status RUNNING."""
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


def finished_runs() -> dict[str, tuple[str, list[str]]]:
    """Task → (id of its experiment, ids of its active finished runs, the oldest first). Plain SQL."""
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


def initialise() -> None:
    """Create the database and the experiments if they are missing; call it before any write.

    One process creates them under the board's lock, in a temporary file that is renamed at the end,
    because several processes would corrupt a new SQLite store. If the project's folder was moved,
    the artifact locations are updated.

    Raises:
        BoardError: if that fails.
    """
    environment.quiet()
    with store_health.one_line(database()):
        if _ready():
            return
        with lock():
            if _ready():
                return
            if store_health.is_missing(database()):
                _create()
            else:
                _create_experiments(client())
                _relocate()


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
        _create_experiments(client(store_health.sqlite_uri(temporary)))
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, database())
    finally:
        event.remove(Engine, "connect", disable_sync)
        temporary.unlink(missing_ok=True)


def _create_experiments(client: MlflowClient) -> None:
    """Create or restore the tasks' experiments, and set how the UI shows them. Kind and description of the user stay."""
    for task in TASKS:
        name, tags = experiment_name(task), board_views.VIEWS[task].tags()
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            client.create_experiment(name, artifact_location=artifacts(name).as_uri(), tags=tags)
            continue
        if experiment.lifecycle_stage != "active":
            _restore_experiment(client, experiment.experiment_id)
        for key, value in tags.items():
            if key not in experiment.tags or (
                key == board_views.SHARED_VIEW and experiment.tags[key] != value
            ):
                client.set_experiment_tag(experiment.experiment_id, key, value)


def _restore_experiment(client: MlflowClient, experiment_id: str) -> None:
    """Restore a deleted experiment without its runs: runs that the user deleted stay deleted."""
    client.restore_experiment(experiment_id)
    token = None
    runs = []
    while True:
        page = client.search_runs([experiment_id], page_token=token)
        runs += [run.info.run_id for run in page]
        token = page.token
        if not token:
            break
    for run in runs:
        client.delete_run(run)


def _relocate() -> None:
    """Update the addresses in the database after the project was moved."""
    ends = [f"artifacts/{experiment_name(task)}" for task in TASKS]
    relocation.relocate(database(), f"{folder().as_uri()}/", ends)


def client(address: str | None = None) -> MlflowClient:
    """A client of the board, or of the store at `address`, without MLflow's log messages.

    Raises:
        BoardError: if the database belongs to another MLflow version or is damaged.
    """
    environment.quiet()
    import logging

    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # it raises what it logs
    address = address or uri()
    with store_health.one_line(database()):
        return MlflowClient(tracking_uri=address, registry_uri=address)


def chunks(items: list[Any], size: int) -> Iterator[list[Any]]:
    """`items` in slices of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
