"""A board on a server: read and written like the one in `mlruns/`. Here the server's client works on a SQLite file."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import LoggedModelOutput

from strokecast.commands import sync
from strokecast.tracking import board, local_store, repair, store
from strokecast.tracking.local_store import LocalStore
from strokecast.tracking.remote_store import RemoteStore, is_remote

Make = Callable[..., Path]


@pytest.fixture
def remote(project: Path) -> RemoteStore:
    """The project's own board, read as if it were on a server."""
    return RemoteStore(LocalStore().uri)


@pytest.fixture
def on_server(remote: RemoteStore, monkeypatch: pytest.MonkeyPatch) -> RemoteStore:
    """The board is on a server for every module."""
    monkeypatch.setattr(store, "current", lambda: remote)
    return remote


def test_both_stores_read_the_same(
    make_training: Make, evaluate: Make, client: Any, remote: RemoteStore
) -> None:
    folders = [make_training(), make_training("forecast", "gru", training_id="other")]
    run_ids = [board.ensure_run(folder, evaluate(folder)) for folder in folders]
    experiment = client.get_experiment_by_name("strokecast-forecast").experiment_id
    deleted = client.create_run(experiment, tags={store.ID: "deleted"}, run_name="deleted")
    client.delete_run(deleted.info.run_id)
    superseded = client.create_run(experiment, tags={store.ID: "old"}, run_name="old")
    board.supersede(client, superseded)
    process = dict(zip(store.PROCESS, ("host", "1", "2"), strict=True))
    client.create_run(experiment, tags={store.ID: "running"} | process, run_name="running")
    local = LocalStore()
    assert dict(remote.training_runs()) == dict(local.training_runs())
    assert remote.training_runs()[0][0] == "deleted", "active runs come last"
    assert remote.training_runs("other") == local.training_runs("other") != []
    assert remote.running_runs() == local.running_runs() != []
    assert remote.finished_runs() == local.finished_runs()
    expected = local.contents([*run_ids, "none"])
    for run_id, contents in remote.contents([*run_ids, "none"]).items():
        assert contents == dataclasses.replace(expected[run_id], points=None)
    state = dict(local.training_runs())["other"]
    assert remote.file_sizes(state.artifact_uri) == local.file_sizes(state.artifact_uri) != {}
    files = {"training/config.json": folders[1] / "config.json"}
    for thorough in (False, True):
        assert not remote.differs(state.artifact_uri, files, thorough)
    other = Path("config.json")
    other.write_text((folders[1] / "config.json").read_text().replace("gru", "grv"))
    assert not remote.differs(state.artifact_uri, {"training/config.json": other}, thorough=False), (
        "of one size"
    )
    assert remote.differs(state.artifact_uri, {"training/config.json": other}, thorough=True)
    assert remote.differs(state.artifact_uri, {"training/no.json": other}, thorough=False)


def test_a_run_on_a_server_is_the_run_of_the_local_board(
    make_training: Make,
    evaluate: Make,
    client: Any,
    active: Any,
    describe_run: Any,
    on_server: RemoteStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("params.yaml").write_text("models: {forecast: {gru: {enabled: true}}}")
    folder = make_training("forecast", "gru")
    report = evaluate(folder)
    assert sync.sync() == "board complete: 1 trainings, 1 added; open it with `make ui`"
    [run] = active()
    written = describe_run(client, run.info.run_id)
    assert sync.sync().startswith("board complete: 1 trainings, 0 added")
    with monkeypatch.context() as patch:
        patch.setattr(store, "current", LocalStore)
        assert board.ensure_run(folder, report, verify=True) == run.info.run_id, (
            "complete for the local store"
        )
    place = on_server.file_sizes(run.info.artifact_uri)
    assert place
    for path in local_store.folder().rglob("days.csv"):
        path.unlink()
    with sqlite3.connect(local_store.database()) as connection:
        connection.execute("DELETE FROM latest_metrics WHERE key = 'train/loss'")
        connection.execute("DELETE FROM metrics WHERE key = 'train/loss'")
    connection.close()
    lines: list[str] = []
    sync.sync(report=lines.append)
    assert lines == ["gru-seed1: the run had lost 1 metric, 1 artifact; it is complete again"]
    assert describe_run(client, run.info.run_id) == written


def test_a_run_whose_model_another_computer_deleted_is_made_again(
    make_training: Make, client: Any, active: Any, describe_run: Any, on_server: RemoteStore
) -> None:
    Path("params.yaml").write_text("models: {forecast: {seasonal_naive_7: {enabled: true}}}")
    written = describe_run(client, board.ensure_run(make_training()))
    [run] = active()
    model = client.create_logged_model(run.info.experiment_id, "model", source_run_id=run.info.run_id)
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, 0)])
    client.delete_logged_model(model.model_id)
    lines: list[str] = []
    sync.sync(report=lines.append)
    assert lines == ["seasonal_naive_7-seed1: the run had lost the model; it is complete again"]
    [again] = active()
    assert again.info.run_id != run.info.run_id
    assert describe_run(client, again.info.run_id) == written


def test_of_two_runs_that_two_computers_added_one_stays(
    make_training: Make, client: Any, active: Any, on_server: RemoteStore
) -> None:
    folder = make_training()
    run_id = board.ensure_run(folder)
    [run] = active()
    copy = {key: value for key, value in run.data.tags.items() if key != store.DIGEST}
    client.create_run(run.info.experiment_id, tags=copy)
    lines: list[str] = []
    repair.remove_duplicates(lines.append)
    assert [run.info.run_id for run in active()] == [run_id]
    assert len(lines) == 1


def test_a_version_is_copied_once(remote: RemoteStore, project: Path) -> None:
    place = project / "far"
    (place / "data").mkdir(parents=True)
    (place / "MLmodel").write_text("flavors: {}\n")
    (place / "data" / "spec.json").write_text("{}")
    copy = remote.local_folder(place.as_uri(), "strokecast-draw-1-abc")
    assert sorted(path.name for path in copy.rglob("*")) == ["MLmodel", "data", "spec.json"]
    (place / "MLmodel").write_text("other")
    assert remote.local_folder(place.as_uri(), "strokecast-draw-1-abc") == copy
    assert (copy / "MLmodel").read_text() == "flavors: {}\n"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://127.0.0.1:5000", True),
        ("https://user:secret@mlflow.example.org/path", True),
        ("postgresql://host/db", True),
        ("postgresql+psycopg2://host/db", True),
        ("sqlite:///mlruns/mlflow.db", False),
        ("mlruns", False),
        ("httpfolder/mlruns", False),
        ("", False),
    ],
)
def test_a_server_in_the_environment_holds_the_board(
    uri: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert is_remote(uri) is expected
    assert store.current().is_local is not expected
