"""The board has exactly one active run per training: after deletion, clone and pull, queue workers, kills."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

EPOCHS = 120  # so many that a kill at the first comes before the last


def test_a_deleted_board_is_rebuilt_with_equal_runs(project: Any) -> None:
    # One run is logged live by its training and evaluation; `sync` created the others.
    project.edit_params(lambda values: values["models"]["classify"]["gru"]["config"].update(units=10))
    project.repro()
    live = {k: v for k, v in project.board().items() if k in project.training_ids()}
    assert len(live) == len(project.models)
    shutil.rmtree(project.root / "mlruns")
    assert project.repro() == ["sync"]
    assert project.board() == live


def test_clone_and_pull_rerun_only_sync(project: Any, tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    project.run("dvc", "remote", "add", "--local", "-d", "storage", str(storage))
    project.run("dvc", "push", "-q")
    project.commit()
    board = project.board()
    root = tmp_path / "clone"
    project.run("git", "clone", "-q", str(project.root), str(root))
    clone = type(project)(root)
    clone.run("dvc", "remote", "add", "--local", "-d", "storage", str(storage))
    clone.run("dvc", "pull", "-q")
    assert clone.repro() == ["sync"]
    assert clone.board() == board
    assert clone.run("git", "status", "--porcelain").stdout == ""


def test_queue_workers_log_to_one_board_and_apply_reruns_only_sync(project: Any) -> None:
    project.commit()
    before = project.board()
    for units in (9, 10, 11):
        project.run("dvc", "exp", "run", "--queue", "-S", f"models.classify.gru.config.units={units}")
    project.run("dvc", "queue", "start", "--jobs", "3")
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        status = project.run("dvc", "queue", "status").stdout
        if "Queued" not in status and "Running" not in status:
            break
        time.sleep(2)
    assert status.count("Success") == 3, status
    board = project.board()
    assert {k: board[k] for k in before} == before
    new = {k: v for k, v in board.items() if k not in before}
    assert sorted(run["params"]["config.units"] for run in new.values()) == ["10", "11", "9"]
    assert {run["status"] for run in board.values()} == {"FINISHED"}

    name = next(line.split()[1] for line in status.splitlines() if "Success" in line)
    project.run("dvc", "exp", "apply", name)
    assert project.repro() == ["sync"]
    assert project.board() == board
    assert project.training_ids() <= set(board)


def test_a_killed_and_resumed_training_is_on_the_board_once(project: Any) -> None:
    before = project.board()

    def longer(values: Any) -> None:
        values["models"]["classify"]["gru"]["training"] = {"epochs": EPOCHS}

    project.edit_params(longer)
    running = project.popen(
        "dvc", "repro", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        [training_id] = project.wait_for_epochs(1, before)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert not (project.root / "models/classify/gru/seed-1/run.json").exists() or (
        json.loads((project.root / "models/classify/gru/seed-1/run.json").read_text())["training_id"]
        in before
    ), "no incomplete output"
    project.edit_params(lambda values: values["models"]["classify"]["gru"].update(training={"epochs": 3}))
    project.repro()
    board = project.board()
    assert project.training_ids() <= set(board)
    assert {k: board[k] for k in before} == before
    abandoned = set(board) - set(before) - project.training_ids()
    assert abandoned <= {training_id}
    assert all(board[k]["status"] == "KILLED" for k in abandoned), "an abandoned training is marked as KILLED"

    project.edit_params(longer)
    now = time.time() * 1000
    resumed = project.popen(
        "dvc", "repro", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert resumed.wait(timeout=600) == 0
    board = project.board()
    assert training_id in project.training_ids(), "the training resumes under its own id"
    assert board[training_id]["status"] == "FINISHED"
    points = board[training_id]["histories"]["train/loss"]
    assert len(points) == EPOCHS
    assert points[0][1] < now, "the first epoch was logged by the killed process"


def test_a_second_repro_reports_that_the_first_is_running(project: Any) -> None:
    project.edit_params(lambda values: values["models"]["classify"]["gru"].update(training={"epochs": 400}))
    before = set(project.board())
    first = project.popen(
        "dvc", "repro", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        project.wait_for_epochs(1, before)
        second = project.run("dvc", "repro", check=False)
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    assert second.returncode != 0
    assert "Traceback" not in second.stderr
    assert "busy" in second.stderr or "lock" in second.stderr
