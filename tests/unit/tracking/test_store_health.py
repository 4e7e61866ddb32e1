"""A board that cannot be read or written is reported in one line; what a killed process left is undone."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from filelock import Timeout

from strokecast.common import disks
from strokecast.tracking import local_store, store, store_health
from strokecast.tracking.store_health import BoardDamagedError, BoardError

RESTORE = "run `strokecast sync --restore`: it moves the damaged board aside and makes a new one from models/ and reports/"


@pytest.fixture
def database(empty_project: Path, fresh_board: Path) -> Path:
    """A database without a run, to which this process has no open connection."""
    store.folder().mkdir()
    shutil.copyfile(fresh_board, local_store.database())
    return local_store.database()


def halve(database: Path) -> None:
    os.truncate(database, database.stat().st_size // 2)


def overwrite(database: Path) -> None:
    database.write_text("runs: none\n" * 1000)


def drop_table(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DROP TABLE tags")


def make_folder(database: Path) -> None:
    database.unlink()
    database.mkdir()


def make_pipe(database: Path) -> None:
    database.unlink()
    os.mkfifo(database)


def overwrite_artifacts(database: Path) -> None:
    (database.parent / "artifacts").write_text("a file")


def replace_board(database: Path) -> None:
    shutil.rmtree(database.parent)
    database.parent.write_text("a file")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (halve, "mlruns/mlflow.db: the MLflow board is damaged: database disk image is malformed"),
        (overwrite, "mlruns/mlflow.db: the MLflow board is damaged: file is not a database"),
        (drop_table, "mlruns/mlflow.db: the MLflow board is damaged: no table 'tags'"),
        (make_folder, "mlruns/mlflow.db: the MLflow board is damaged: a file is needed in this place"),
        (make_pipe, "mlruns/mlflow.db: the MLflow board is damaged: a file is needed in this place"),
        (
            overwrite_artifacts,
            "mlruns/artifacts: the MLflow board is damaged: a folder is needed in this place",
        ),
        (replace_board, "mlruns: the MLflow board is damaged: a folder is needed in this place"),
    ],
)
def test_a_damaged_board_is_one_line_and_can_be_moved_aside(
    database: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(database)
    for read in (store.board_state, store.running_runs, store.initialise):
        with pytest.raises(BoardDamagedError) as ended:
            read()
        assert str(ended.value) == f"{message}; {RESTORE}"
    place = store_health.move_aside(database)
    assert place.exists()
    assert not os.path.lexists(database)
    assert store.board_state() == {}


def test_damaged_boards_are_kept_apart(database: Path) -> None:
    (database.parent / "README.md").write_text("stays")
    (database.parent / "mlflow.db-journal").write_text("moves")
    (database.parent / "artifacts").mkdir()
    assert store_health.move_aside(database).name == "damaged-1"
    database.write_text("another one")
    assert store_health.move_aside(database).name == "damaged-2"
    assert {path.name for path in (database.parent / "damaged-1").iterdir()} == {
        "mlflow.db",
        "mlflow.db-journal",
        "artifacts",
    }
    assert {path.name for path in database.parent.iterdir()} == {"README.md", "damaged-1", "damaged-2"}


def test_a_thorough_check_finds_a_page_that_no_query_has_read(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        [page] = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'index_metrics_run_uuid'"
        ).fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    store_health.check(database)
    with pytest.raises(BoardDamagedError):
        store_health.check(database, thorough=True)


def test_a_database_of_another_mlflow_version_is_upgraded_not_made_again(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DROP TABLE logged_models")
        connection.execute("UPDATE alembic_version SET version_num = '0584bdc529eb'")
    with pytest.raises(
        BoardError, match=r"of another version of MLflow; run `mlflow db upgrade '?sqlite:///"
    ) as ended:
        store_health.check(database)
    assert not isinstance(ended.value, BoardDamagedError)


def test_a_link_to_a_disk_that_is_not_mounted_is_not_replaced(database: Path, tmp_path: Path) -> None:
    shutil.rmtree(database.parent)
    database.parent.symlink_to(tmp_path / "gone")
    with pytest.raises(BoardError) as ended:
        store.board_state()
    assert str(ended.value) == (
        "mlruns: is a link to a place that does not exist; mount that disk or remove the link"
    )
    assert not isinstance(ended.value, BoardDamagedError)


def test_an_empty_database_is_a_missing_one(empty_project: Path) -> None:
    store.folder().mkdir()
    local_store.database().touch()
    assert store.board_state() == {}
    assert store_health.is_missing(local_store.database())


def test_what_a_killed_process_had_not_committed_is_rolled_back(database: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")  # so that pages reach the file before the commit
        connection.execute("BEGIN")
        for number in range(2000):
            connection.execute(
                "INSERT INTO experiments (name, lifecycle_stage) VALUES (?, 'active')", (f"{number:0200}",)
            )
        files = [path for path in database.parent.iterdir() if path.is_file()]
        assert {path.name for path in files} == {"mlflow.db", "mlflow.db-journal"}
        for path in files:
            shutil.copyfile(path, tmp_path / path.name)
    for path in files:
        shutil.copyfile(tmp_path / path.name, path)
    assert store.board_state() == {}
    with local_store.read_only_connection() as connection_after:
        assert connection_after is not None
        [count] = connection_after.execute("SELECT count(*) FROM experiments").fetchone()
    assert count < 2000


def test_a_locked_database_is_waited_for_and_then_reported(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_health, "BUSY_TIMEOUT", 0.05)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        store_health.check(database)
        with pytest.raises(
            BoardError, match=r"another program has locked the MLflow board for more than 0 s"
        ):
            store_health.check_writable(database)
    store_health.check_writable(database)
    assert [path.name for path in database.parent.iterdir()] == ["mlflow.db"], "nothing is left behind"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            sqlite3.OperationalError("attempt to write a readonly database"),
            "mlruns/mlflow.db: the MLflow board cannot be written: attempt to write a readonly database; make mlruns/ and "
            "its files writable, then run `strokecast sync`",
        ),
        (
            OSError(errno.EROFS, "Read-only file system", "/x/board.lock"),
            "mlruns/mlflow.db: the MLflow board cannot be written: [Errno 30] Read-only file system: '/x/board.lock'; make "
            "mlruns/ and its files writable, then run `strokecast sync`",
        ),
        (
            Timeout("/x/board.lock"),
            "mlruns/mlflow.db: another process of strokecast has been writing to the MLflow board for minutes; when it has "
            "ended, run `strokecast sync`",
        ),
        (
            OSError(errno.EIO, "Input/output error"),
            "mlruns/mlflow.db: the MLflow board cannot be used: [Errno 5] Input/output error; then run `strokecast sync`",
        ),
    ],
)
def test_other_failures_are_one_line(database: Path, error: Exception, message: str) -> None:
    with pytest.raises(BoardError) as ended, store_health.one_line(database):
        raise error
    assert str(ended.value) == message


def test_a_full_disk_names_its_file_system(database: Path) -> None:
    with pytest.raises(BoardError) as ended, store_health.one_line(database):
        raise sqlite3.OperationalError("database or disk is full")
    mount = disks.mount_point(database)
    assert str(ended.value).startswith(
        f"the MLflow board cannot be written: the disk is full: file system {mount} ("
    )
    assert str(ended.value).endswith("then run `strokecast sync`")


def test_errors_of_the_program_keep_their_traceback(database: Path) -> None:
    with pytest.raises(ZeroDivisionError), store_health.one_line(database):
        raise ZeroDivisionError
