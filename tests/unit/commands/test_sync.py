"""`strokecast sync` completes the board for the models in params.yaml, and does nothing if nothing is missing."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from strokecast.commands.sync import check_inputs, sync
from strokecast.common.errors import UserError
from strokecast.models.statistical import pretrained
from strokecast.params import Params
from strokecast.tracking import board, local_store, store, store_health
from strokecast.tracking.training_lock import TrainingLock

MakeTraining = Callable[..., Path]

PARAMS = """
models:
  forecast:
    seasonal_naive_7: {enabled: true, seeds: [1, 7]}
    gru: {enabled: true}
    linear: {enabled: false}
"""


@pytest.fixture
def workspace(project: Path, make_training: MakeTraining) -> list[Path]:
    """Three trainings of two models, and a model that is switched off."""
    Path("params.yaml").write_text(PARAMS)
    off = Path("models/forecast/linear")
    off.mkdir(parents=True)
    (off / "run.json").write_text(json.dumps({"status": "off", "task": "forecast", "name": "linear"}))
    return [
        make_training(training_id="one"),
        make_training(training_id="two", seed=7),
        make_training("forecast", "gru", training_id="three"),
    ]


def test_missing_runs_are_added_once(workspace: list[Path], active: Any) -> None:
    assert sync() == "board complete: 3 trainings, 3 added; open it with `make ui`"
    assert {run.data.tags[store.ID] for run in active()} == {"one", "two", "three"}
    assert sync() == "board complete: 3 trainings, 0 added; open it with `make ui`"
    assert len(active()) == 3


def test_a_failed_training_is_reported_and_not_added(workspace: list[Path], active: Any) -> None:
    (workspace[1] / "run.json").write_text(
        json.dumps({"status": "failed", "reason": "nan", "name": "seasonal_naive_7", "seed": 7})
    )
    lines: list[str] = []
    assert sync(report=lines.append) == "board complete: 2 trainings, 2 added; open it with `make ui`"
    assert lines[0] == "skipped, because the training failed: seasonal_naive_7-seed7"
    assert len(active()) == 2


def test_other_weights_of_a_pretrained_model_are_reported(
    project: Path, make_without_board: MakeTraining
) -> None:
    folder = make_without_board("forecast", "foundation")
    Path("pretrained").mkdir()
    Path("pretrained/config.json").write_text("{}")
    lines: list[str] = []
    for trained_on in (pretrained.digest(Path("pretrained")), "other"):
        specification = {"folder": str(Path("pretrained").resolve()), "digest": trained_on}
        model = {"task": "forecast", "name": "foundation", "config": {}, "specification": specification}
        (folder / "model.json").write_text(json.dumps(model))
        check_inputs(Params(), lines.append)
    (line,) = lines
    assert line.startswith("warning: params.yaml: models.forecast.foundation.config.path: ")
    assert line.endswith("run `dvc repro --single-item --force train-forecast@foundation`")


def test_a_model_that_is_switched_off_is_not_added(workspace: list[Path], active: Any) -> None:
    Path("params.yaml").write_text(PARAMS.replace("gru: {enabled: true}", "gru: {enabled: false}"))
    assert sync().startswith("board complete: 2 trainings, 2 added")
    assert {run.data.tags[store.ID] for run in active()} == {"one", "two"}


def test_evaluations_and_re_evaluations_reach_the_board(
    workspace: list[Path], active: Any, evaluate: Callable[..., Path]
) -> None:
    sync()
    for folder in workspace:
        evaluate(folder, 5.0)
    assert "0 added" in sync()
    assert [run.data.metrics["test/mae"] for run in active()] == [5.0] * 3
    evaluate(workspace[1], 6.0)
    sync()
    assert {run.data.tags[store.ID]: run.data.metrics["test/mae"] for run in active()} == {
        "one": 5.0,
        "two": 6.0,
        "three": 5.0,
    }


def test_a_run_that_was_deleted_by_hand_is_reported_and_restored_on_demand(
    workspace: list[Path], active: Any, client: Any
) -> None:
    sync()
    [run] = [run for run in active() if run.data.tags[store.ID] == "two"]
    client.delete_run(run.info.run_id)
    assert sync() == (
        "board complete: 3 trainings, 0 added (1 deleted by hand; `strokecast sync --restore` brings them "
        "back); open it with `make ui`"
    )
    assert len(active()) == 2
    assert "3 trainings, 1 added;" in sync(restore=True)
    assert run.info.run_id in {run.info.run_id for run in active()}


@pytest.mark.slow
def test_deleted_artifacts_are_logged_again(
    workspace: list[Path], active: Any, client: Any, describe_run: Any
) -> None:
    sync()
    before = {run.data.tags[store.ID]: describe_run(client, run.info.run_id) for run in active()}
    shutil.rmtree(store.folder() / "artifacts")
    sync()
    assert {run.data.tags[store.ID]: describe_run(client, run.info.run_id) for run in active()} == before


def test_the_record_of_a_training_is_removed_once_dvc_lock_names_it(
    workspace: list[Path], record_outputs: Callable[..., Path]
) -> None:
    lock = TrainingLock.acquire("a" * 32)
    run = json.loads((workspace[2] / "run.json").read_text()) | {"training_id": lock.training_id}
    (workspace[2] / "run.json").write_text(json.dumps(run))
    lock.keep(workspace[2], "code")
    lock.release()
    sync()
    assert lock.record_dir is not None
    assert lock.record_dir.exists(), "DVC has not recorded it"
    record_outputs("models/forecast/gru")
    sync()
    assert not lock.record_dir.exists()


def test_a_run_on_another_computer_is_ended_on_demand_only(
    workspace: list[Path], active: Any, client: Any
) -> None:
    host, pid, started = store.PROCESS
    experiment = client.get_experiment_by_name("strokecast-forecast")
    for name in ("elsewhere", "the other"):
        tags = {store.ID: name, host: name, pid: "1", started: "1"}
        client.create_run(experiment.experiment_id, tags=tags)
    lines: list[str] = []
    sync(report=lines.append)
    assert [line for line in lines if "RUNNING" in line] == [
        f"1 training(s) RUNNING on {name!r}; if that computer has stopped or was renamed: "
        f"`strokecast sync --ended-host {quoted}`"
        for name, quoted in (("elsewhere", "elsewhere"), ("the other", "'the other'"))
    ]
    lines.clear()
    sync(report=lines.append, ended_host="elsewhere")
    assert lines[0] == "1 training(s) marked as KILLED: their process has ended"
    assert {run.data.tags[host]: run.info.status for run in active() if host in run.data.tags} == {
        "the other": "RUNNING"
    }


@pytest.mark.slow
def test_a_sync_without_changes_imports_no_heavy_library(workspace: list[Path]) -> None:
    sync()
    script = "import sys; from strokecast.commands.sync import sync; print(sync()); print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    line, modules = result.stdout.splitlines()
    assert "0 added" in line
    heavy = {
        "mlflow",
        "pandas",
        "tensorflow",
        "keras",
        "great_expectations",
        "matplotlib",
        "sklearn",
        "pyarrow",
    }
    assert not heavy & set(modules.split())


def test_a_run_left_running_is_completed_from_its_folder(
    workspace: list[Path], client: Any, active: Any, describe_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync()
    before = {run.data.tags[store.ID]: describe_run(client, run.info.run_id) for run in active()}
    for run in active():
        board.supersede(client, run)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mlflow.MlflowClient.set_terminated", interrupt)
        with pytest.raises(KeyboardInterrupt):
            sync()
    assert [run.info.status for run in active()] == ["RUNNING"]
    sync()
    assert {run.data.tags[store.ID]: describe_run(client, run.info.run_id) for run in active()} == before


def execute(*statements: str) -> None:
    with closing(sqlite3.connect(local_store.database())) as connection, connection:
        for statement in statements:
            connection.execute(statement)


LOSSES: dict[str, tuple[str, Callable[[], object]]] = {
    "the history of a metric": ("1 metric", lambda: execute("DELETE FROM metrics WHERE key = 'train/loss'")),
    "one point": ("1 metric", lambda: execute("DELETE FROM metrics WHERE key = 'train/loss' AND step = 40")),
    "the shown values": ("11 metrics", lambda: execute("DELETE FROM latest_metrics")),
    "a param": ("1 param", lambda: execute("DELETE FROM params WHERE key = 'seed'")),
    "a tag": ("1 tag", lambda: execute("DELETE FROM tags WHERE key = 'strokecast.kind'")),
    "the dataset": ("the dataset", lambda: execute("DELETE FROM inputs WHERE source_type = 'DATASET'")),
    "the model": ("the model", lambda: execute("UPDATE logged_models SET lifecycle_stage = 'deleted'")),
    "the link to the model": (
        "the model",
        lambda: execute("DELETE FROM inputs WHERE source_type = 'RUN_OUTPUT'"),
    ),
    "the model's params": (
        "the model",
        lambda: execute("DELETE FROM logged_model_params WHERE param_key = 'seed'"),
    ),
    "the model's metrics": ("the model", lambda: execute("DELETE FROM logged_model_metrics")),
    "artifacts": (
        "2 artifacts",
        lambda: [path.unlink() for path in stored("*/artifacts/training/[cs]*.json")],
    ),
    "half of an artifact": ("1 artifact", lambda: [path.write_text("day") for path in stored("days.csv")]),
    "a file of the model": ("the model", lambda: [path.unlink() for path in stored("MLmodel")]),
}


def stored(pattern: str) -> list[Path]:
    return [
        path
        for path in local_store.artifacts("strokecast-forecast").rglob(pattern)
        if path.name != "calibration.json"
    ]


@pytest.mark.slow  # twice as many writes by MLflow as there are losses
def test_what_a_run_lost_is_added_by_a_plain_sync(
    project: Path, make_training: MakeTraining, evaluate: Any, active: Any, client: Any, describe_run: Any
) -> None:
    Path("params.yaml").write_text("models: {forecast: {gru: {enabled: true}}}")
    evaluate(make_training("forecast", "gru"))
    sync()
    [run] = active()
    before = describe_run(client, run.info.run_id)
    for lost, (words, lose) in LOSSES.items():
        lose()
        lines: list[str] = []
        sync(report=lines.append)
        assert lines == [f"gru-seed1: the run had lost {words}; it is complete again"], lost
        [run] = active()
        assert describe_run(client, run.info.run_id) == before, lost
        sync(report=lines.append)
        assert len(lines) == 1, "nothing is left to do"


@pytest.mark.slow
def test_a_lost_param_is_added_by_a_plain_sync_and_a_changed_one_by_restore(
    project: Path, make_training: MakeTraining, active: Any
) -> None:
    Path("params.yaml").write_text("models: {forecast: {gru: {enabled: true}}}")
    folder = make_training("forecast", "gru")
    sync()
    for statement, restore, words in (
        ("DELETE FROM params WHERE key = 'seed'", False, "the run had lost 1 param; it is complete again"),
        (
            "UPDATE params SET value = '9' WHERE key = 'seed'",
            True,
            f"the run differed from {folder}; it was made again",
        ),
    ):
        execute(statement)
        lines: list[str] = []
        sync(restore=restore, report=lines.append)
        assert lines == [f"gru-seed1: {words}"]
        [run] = active()
        assert run.data.params["seed"] == "1"


def test_a_moved_project_has_lost_nothing(
    workspace: list[Path], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync()
    monkeypatch.chdir(project.rename(project.with_name("moved")))
    lines: list[str] = []
    assert sync(report=lines.append).startswith("board complete: 3 trainings, 0 added")
    assert lines == []


@pytest.mark.slow
def test_of_two_active_runs_of_a_training_one_stays(workspace: list[Path], active: Any, client: Any) -> None:
    sync()
    [run] = [run for run in active() if run.data.tags[store.ID] == "two"]
    copy = client.create_run(run.info.experiment_id, tags={store.ID: "two"}, run_name="a copy")
    client.set_terminated(copy.info.run_id, "FINISHED")
    lines: list[str] = []
    sync(report=lines.append)
    assert lines == [
        f"seasonal_naive_7-seed7 had 2 active runs: {run.info.run_id} stays, {copy.info.run_id} went to MLflow's deleted runs"
    ]
    assert len(active()) == 3
    assert client.get_run(copy.info.run_id).info.lifecycle_stage == "deleted"
    assert "3 trainings, 0 added" in sync()


def test_a_damaged_board_is_one_line_and_restore_makes_it_again(
    project: Path,
    make_training: MakeTraining,
    active: Any,
    fresh_board: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("params.yaml").write_text("models: {forecast: {seasonal_naive_7: {enabled: true}}}")
    make_training()
    sync()
    [artifacts] = Path("mlruns/artifacts/strokecast-forecast").glob("*/artifacts")
    _close_connections()
    local_store.database().write_bytes(b"not a database" * 1000)
    with pytest.raises(UserError) as ended:
        sync()
    assert str(ended.value) == (
        "mlruns/mlflow.db: the MLflow board is damaged: file is not a database; run `strokecast sync --restore`: it moves "
        "the damaged board aside and makes a new one from models/ and reports/"
    )

    def create() -> None:  # MLflow's migrations take seconds
        shutil.copyfile(fresh_board, local_store.database())
        local_store.relocate()

    monkeypatch.setattr(local_store, "_create", create)
    lines: list[str] = []
    assert sync(restore=True, report=lines.append).startswith("board complete: 1 trainings, 1 added")
    assert lines == [
        "mlruns/mlflow.db: the MLflow board is damaged: file is not a database; it is now in mlruns/damaged-1, with runs of "
        "earlier settings and of failed trainings, which the new board does not have"
    ]
    assert (Path("mlruns/damaged-1") / artifacts.relative_to("mlruns")).is_dir()
    assert len(active()) == 1
    assert sync().startswith("board complete: 1 trainings, 0 added")


def _close_connections() -> None:
    """As the end of the process does: MLflow keeps connections to the database open."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    for engine in SqlAlchemyStore._engine_map.values():
        engine.dispose()


def test_a_locked_board_ends_sync_with_one_line_in_bounded_time(
    workspace: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_health, "BUSY_TIMEOUT", 0.1)
    with closing(sqlite3.connect(local_store.database(), isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UserError) as ended:
            sync()
    assert str(ended.value) == (
        "mlruns/mlflow.db: another program has locked the MLflow board for more than 0 s; when it has ended, run "
        "`strokecast sync`"
    )
    assert sync().startswith("board complete: 3 trainings, 3 added")


def test_a_model_folder_that_lost_a_file_is_one_line(workspace: list[Path]) -> None:
    (workspace[0] / "spec.json").unlink()
    with pytest.raises(
        UserError, match=r"^models/forecast/seasonal_naive_7/seed-1: the files of this training are damaged"
    ):
        sync()


@pytest.mark.slow
def test_a_full_disk_ends_sync_with_one_line_and_the_next_sync_completes_the_board(
    workspace: list[Path], active: Any, tmp_path: Path
) -> None:
    _close_connections()
    place = local_store.artifacts("strokecast-forecast")
    place.mkdir(parents=True)
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(place)], check=False, capture_output=True
    )
    if mount.returncode:
        pytest.skip("a tmpfs cannot be mounted here: it needs root")
    try:
        with pytest.raises(UserError) as ended:
            sync()
        assert str(ended.value) == (
            f"the MLflow board cannot be written: the disk is full: file system {place} (16.4 kB, 0.0 kB free); free some "
            "space there, then run `strokecast sync`"
        )
        subprocess.run(["mount", "-o", "remount,size=50m", str(place)], check=True)
        assert sync().startswith("board complete: 3 trainings")
        assert {run.info.status for run in active()} == {"FINISHED"}
        assert len(active()) == 3
        assert sync().startswith("board complete: 3 trainings, 0 added")
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_runs_in_a_renamed_experiment_have_lost_nothing(
    workspace: list[Path], active: Any, client: Any
) -> None:
    sync()
    before = {run.info.run_id for run in active()}
    client.rename_experiment(client.get_experiment_by_name("strokecast-forecast").experiment_id, "mine")
    lines: list[str] = []
    assert sync(report=lines.append).startswith("board complete: 3 trainings, 0 added")
    assert lines == []
    assert {run.info.run_id for run in active()} == before
