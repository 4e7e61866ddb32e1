"""`strokecast sync` completes the board for the models in params.yaml, and does nothing if nothing is missing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strokecast.commands.sync import sync
from strokecast.tracking import board, store
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
