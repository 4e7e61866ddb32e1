"""`sync`: the board complete for what params.yaml names, and nothing done where nothing is missing."""

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
from strokecast.common.errors import UserError
from strokecast.tracking import board, store

Make = Callable[..., Path]

PARAMS = """
models:
  forecast:
    seasonal_naive_7: {enabled: true, seeds: [1, 7]}
    gru: {enabled: true}
    linear: {enabled: false}
"""


@pytest.fixture
def workspace(project: Path, make_training: Make) -> list[Path]:
    """Three trainings of two models, and one that is switched off."""
    Path("params.yaml").write_text(PARAMS)
    off = Path("models/forecast/linear")
    off.mkdir(parents=True)
    (off / "run.json").write_text(json.dumps({"status": "off", "task": "forecast", "name": "linear"}))
    return [
        make_training(training_id="one"),
        make_training(training_id="two", seed=7),
        make_training("forecast", "gru", training_id="three"),
    ]


def test_adds_what_is_missing_and_then_nothing(workspace: list[Path], active: Any) -> None:
    assert sync() == "board complete: 3 trainings, 3 added; open it with `make ui`"
    assert {run.data.tags[store.ID] for run in active()} == {"one", "two", "three"}
    assert sync() == "board complete: 3 trainings, 0 added; open it with `make ui`"
    assert len(active()) == 3


def test_a_failed_training_is_named_and_not_added(workspace: list[Path], active: Any) -> None:
    (workspace[1] / "run.json").write_text(
        json.dumps({"status": "failed", "reason": "nan", "name": "seasonal_naive_7", "seed": 7})
    )
    told: list[str] = []
    assert sync(tell=told.append) == "board complete: 2 trainings, 2 added; open it with `make ui`"
    assert told[0] == "passed over, as the training failed: seasonal_naive_7-seed7"
    assert len(active()) == 2


def test_a_model_that_params_no_longer_names_is_not_added(workspace: list[Path], active: Any) -> None:
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


def test_what_was_deleted_by_hand_is_told_and_comes_back_on_demand(
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


def test_a_run_whose_artifacts_were_deleted_is_made_whole(
    workspace: list[Path], active: Any, client: Any, describe_run: Any
) -> None:
    sync()
    before = {run.data.tags[store.ID]: describe_run(client, run.info.run_id) for run in active()}
    shutil.rmtree(store.folder() / "artifacts")
    sync()
    assert {run.data.tags[store.ID]: describe_run(client, run.info.run_id) for run in active()} == before


@pytest.mark.slow
def test_nothing_to_do_imports_nothing_heavy(workspace: list[Path]) -> None:
    sync()
    script = "import sys; from strokecast.commands.sync import sync; print(sync()); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    said, modules = done.stdout.splitlines()
    assert "0 added" in said
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


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("seasonal_naive_7: {seeds: [1], config: {season: 3}}", "season"),
        ("seasonal_naive_9: {seeds: [1]}", "seasonal_naive_7"),
        ("linear: {enabled: false, config: {depth: 3}}", "models.forecast.linear.config"),
    ],
)
def test_every_config_is_checked_before_anything_is_written(
    project: Path, active: Any, wrong: str, told: str
) -> None:
    Path("params.yaml").write_text(f"models:\n  forecast:\n    {wrong}\n")
    with pytest.raises(UserError, match=told):
        sync()
    assert active() == []


def test_a_run_left_running_is_completed_from_its_folder(
    workspace: list[Path], client: Any, active: Any, describe_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync()
    before = {run.data.tags[store.ID]: describe_run(client, run.info.run_id) for run in active()}
    for run in active():
        board.supersede(client, run)

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mlflow.MlflowClient.set_terminated", dies)
        with pytest.raises(KeyboardInterrupt):
            sync()
    assert [run.info.status for run in active()] == ["RUNNING"]
    sync()
    assert {run.data.tags[store.ID]: describe_run(client, run.info.run_id) for run in active()} == before
