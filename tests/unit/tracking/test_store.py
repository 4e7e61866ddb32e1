"""The store: created once, read without MLflow, relocated with its project."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from strokecast.common import names
from strokecast.tracking import board, local_store, store, store_health

Make = Callable[..., Path]

WORKER = """
import sys
from pathlib import Path
from strokecast.tracking import board
for folder in sys.argv[1:]:
    assert board.ensure_run(Path(folder)) is not None
"""


@pytest.mark.slow
def test_four_processes_on_a_fresh_store_write_every_training_once(
    empty_project: Path, make_without_board: Make
) -> None:
    folders = [make_without_board(training_id=f"id-{n}", seed=n) for n in (1, 2, 3)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, *(str(folders[(start + n) % 3]) for n in range(3))],
            stderr=subprocess.PIPE,
            text=True,
        )
        for start in range(4)
    ]
    for worker in workers:
        _, errors = worker.communicate(timeout=300)
        assert worker.returncode == 0, errors
    assert {key: state.status for key, state in store.board_state().items()} == dict.fromkeys(
        ("id-1", "id-2", "id-3"), "FINISHED"
    )
    with local_store.read_only_connection() as connection:
        assert connection is not None
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (3,)
    assert not list(store.folder().glob(".mlflow.db.tmp-*"))
    assert not Path("mlflow.db").exists()


@settings(deadline=None)
@given(st.text(min_size=1, max_size=40).filter(lambda name: not names.problem(name) and "/" not in name))
@example("a?b=1&c#d")
@example("100%25 %41")
def test_a_project_folder_may_have_any_name(name: str) -> None:
    database = Path("/projects") / name / "mlruns" / "mlflow.db"
    address = make_url(store_health.sqlite_uri(database))
    assert (address.database, dict(address.query)) == (str(database), {})


def test_board_is_addressed_absolutely_from_the_parent_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "parent"))
    assert store.uri() == f"sqlite:///{tmp_path / 'parent' / 'mlruns' / 'mlflow.db'}"
    monkeypatch.delenv("DVC_ROOT")
    monkeypatch.chdir(tmp_path)
    assert store.uri() == f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}"
    assert list(tmp_path.iterdir()) == [], "reading creates nothing"


def test_reading_a_missing_board_is_empty_and_creates_none(empty_project: Path) -> None:
    assert store.board_state() == {}
    assert store.running_runs() == []
    assert not (empty_project / "mlruns").exists()


def test_the_state_prefers_the_active_run_and_skips_superseded_ones(make_training: Make, client: Any) -> None:
    folder = make_training()
    first = board.ensure_run(folder)
    state = store.board_state()
    [(training, state_of_run)] = state.items()
    assert training == json.loads((folder / "run.json").read_text())["training_id"]
    assert (state_of_run.run_id, state_of_run.lifecycle, state_of_run.status) == (first, "active", "FINISHED")
    assert store.current().file_sizes(state_of_run.artifact_uri)
    board.supersede(client, client.get_run(first))
    assert store.board_state() == {}
    second = board.ensure_run(folder)
    client.delete_run(second)
    assert store.board_state()[training].lifecycle == "deleted"


@pytest.mark.slow
def test_reading_imports_neither_mlflow_nor_pandas(project: Path) -> None:
    script = "import sys; from strokecast.tracking import store; store.board_state(); store.running_runs(); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = set(done.stdout.replace("'", "").strip("[]\n").split(", "))
    assert "strokecast.tracking.store" in modules
    assert not modules & {"mlflow", "pandas", "numpy", "tensorflow", "sqlalchemy"}


def test_a_moved_project_finds_its_artifacts(
    make_training: Make, client: Any, project: Path, describe_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_training()
    run_id = board.ensure_run(folder)
    before = describe_run(client, run_id)
    moved = project.rename(project.with_name("moved"))
    monkeypatch.chdir(moved)
    store.initialise()
    assert describe_run(store.client(), run_id) == before
    assert board.ensure_run(folder, verify=True) == run_id


def test_a_deleted_experiment_is_restored_without_its_runs(
    make_training: Make, client: Any, active: Any
) -> None:
    first = make_training()
    board.ensure_run(first)
    client.delete_experiment(client.get_experiment_by_name("strokecast-forecast").experiment_id)
    second = make_training("forecast", "gru", training_id="other")
    run_id = board.ensure_run(second)
    assert [run.info.run_id for run in active()] == [run_id]
    assert board.ensure_run(first) is None, "deleted with its experiment by the user"


@pytest.mark.slow
def test_a_board_is_made_in_a_folder_whose_name_is_markup_in_addresses_and_sql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pro%20je%ct #1 'q' \"$HOME\" ? :x"
    folder.mkdir()
    monkeypatch.chdir(folder)
    store.initialise()
    assert capfd.readouterr().err == "", "lines that MLflow logs"
    names = {experiment.name for experiment in store.client().search_experiments()}
    assert {store.experiment_name("classify"), store.experiment_name("forecast")} <= names
    assert sorted(path.name for path in folder.iterdir()) == [".strokecast", "mlruns"]
    assert list(tmp_path.iterdir()) == [folder]


def test_renamed_and_other_experiments_move_with_the_project(
    make_training: Make, client: Any, project: Path, describe_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_training()
    run_id = board.ensure_run(folder)
    before = describe_run(client, run_id)
    own = client.get_experiment_by_name("strokecast-forecast").experiment_id
    client.rename_experiment(own, "births, first try")
    inside = client.create_experiment("other", (store.folder() / "other").as_uri())
    elsewhere = client.create_experiment("strokecast-mine", "s3://bucket/mine")
    moved = project.rename(project.with_name("moved"))
    monkeypatch.chdir(moved)
    store.initialise()
    client = store.client()
    locations = [client.get_experiment(key).artifact_location for key in (own, inside, elsewhere)]
    assert locations == [
        local_store.artifacts("strokecast-forecast").as_uri(),
        (store.folder() / "other").as_uri(),
        "s3://bucket/mine",
    ]
    assert describe_run(client, run_id) == before
    assert board.ensure_run(folder, verify=True) == run_id


def test_clones_that_share_a_board_by_links_address_it_alike_and_share_its_lock(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = (project / "mlruns").rename(tmp_path / "shared")
    addresses, locks = set(), set()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mlruns").symlink_to(shared)
        monkeypatch.chdir(tmp_path / name)
        store.initialise()
        with local_store.read_only_connection() as connection:
            assert connection is not None
            addresses.update(connection.execute("SELECT name, artifact_location FROM experiments"))
        locks.add(store.lock().lock_file)
    assert len(addresses) == len({name for name, _ in addresses})
    assert ("strokecast-draw", (shared / "artifacts/strokecast-draw").as_uri()) in addresses
    assert locks == {str(shared / "board.lock")}
