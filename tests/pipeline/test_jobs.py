"""`strokecast repro` (what `make repro` calls): DVC's stages side by side, with the outcome of `dvc repro`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def _touch(values: Any) -> None:
    """Two trainings of different tasks, so that nothing of one waits for the other."""
    values["models"]["classify"]["gru"]["config"].update(units=9)
    values["models"]["forecast"]["linear"]["training"] = {"epochs": 2}


def test_stages_run_side_by_side_and_end_as_dvc_repro_does(project: Any) -> None:
    project.params(_touch)
    done = project.run("strokecast", "repro", "--jobs", "2")
    stages = project.ran(done.stdout)
    assert sorted(stages) == [
        "compare",
        "evaluate-classify",
        "evaluate-forecast",
        "judge",
        "params",
        "sync",
        "train-classify@gru",
        "train-forecast@linear",
    ]
    assert stages[0] == "params"
    assert set(stages[1:3]) == {"train-classify@gru", "train-forecast@linear"}
    assert stages[-2:] == ["compare", "sync"], "what stands on others waits for them"
    runs = [
        project.root / "models" / place / "run.json"
        for place in ("classify/gru/seed-1", "forecast/linear/seed-1")
    ]
    starts, ends, jobs = zip(*(_times(path) for path in runs), strict=True)
    assert max(starts) < min(ends), "both trained at the same time"
    assert jobs == (2, 2), "the board tells that each ran beside another"
    assert all(project.board()[_id(path)]["tags"]["strokecast.jobs"] == "2" for path in runs)
    lock = (project.root / "dvc.lock").read_bytes()
    assert project.repro() == ["sync"], "for dvc repro nothing is left to do"
    assert (project.root / "dvc.lock").read_bytes() == lock

    again = project.run("strokecast", "repro")
    assert project.ran(again.stdout) == ["sync"]
    assert "up to date" in again.stdout
    assert "board complete" in again.stdout
    assert (project.root / "dvc.lock").read_bytes() == lock


def test_forked_stages_give_the_bits_of_stages_in_processes_of_their_own(
    project: Any, tmp_path: Path
) -> None:
    def deterministic(values: Any) -> None:
        for task in ("classify", "watch", "forecast"):
            values["training"][task]["deterministic"] = True

    other = project.copy(tmp_path / "other")
    for place in (project, other):
        place.params(deterministic)
    forked = project.run("strokecast", "repro", "--jobs", "2")
    assert sum(name.startswith("train-") for name in project.ran(forked.stdout)) > 2, "enough to fork for"
    other.run("dvc", "repro")
    for path in sorted((project.root / "models").rglob("model.keras")):
        twin = other.root / path.relative_to(project.root)
        assert _weights(path) == _weights(twin), path.relative_to(project.root)


def _weights(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read("model.weights.h5")


def test_a_stage_that_fails_ends_it_in_one_line_and_loses_nothing(project: Any) -> None:
    broken = {
        "enabled": True,
        "seeds": [1],
        "config": {},
        "training": {},
    }  # its strides do not fit the frames

    def spoil(values: Any) -> None:
        values["models"]["classify"]["gru"]["config"].update(units=9)
        values["models"]["watch"]["cnn_rnn_strokes"] = broken

    project.params(spoil)
    done = project.run("strokecast", "repro", "--jobs", "2", check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: failed to reproduce train-watch@cnn_rnn_strokes; ")
    assert set(project.ran(done.stdout)[1:3]) == {"train-classify@gru", "train-watch@cnn_rnn_strokes"}
    assert "evaluate-watch" not in project.ran(done.stdout), "nothing that stands on it was begun"

    mended = {"track_filters": [4], "track_kernels": [2], "track_strides": [2]}
    project.params(lambda values: values["models"]["watch"]["cnn_rnn_strokes"].update(config=mended))
    after = project.ran(project.run("strokecast", "repro").stdout)
    assert "train-watch@cnn_rnn_strokes" in after
    assert "train-classify@gru" not in after, "what ran beside it was waited for and stays"


def test_an_unknown_key_is_told_before_anything_runs(project: Any) -> None:
    project.params(lambda values: values["training"].update(speed=3))
    done = project.run("strokecast", "repro", check=False)
    assert done.returncode == 1
    assert project.ran(done.stdout) == []
    assert "training.speed" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_sigterm_lets_the_stages_save_and_the_next_run_goes_on(project: Any) -> None:
    before = {_id(path) for path in project.root.glob("models/*/*/seed-*/run.json")}

    def longer(values: Any) -> None:
        values["models"]["classify"]["gru"]["training"] = {"epochs": 250}
        values["models"]["forecast"]["linear"]["training"] = {"epochs": 250}

    project.params(longer)
    running = project.popen(
        "strokecast",
        "repro",
        "--jobs",
        "2",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _wait_for_two_epochs(project, before)
        running.send_signal(signal.SIGTERM)  # to this process alone: it tells the stages
        _, told = running.communicate(timeout=120)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode == 143
    assert "Traceback" not in told
    interrupted = {
        key for key, run in project.board().items() if key not in before and run["status"] != "FINISHED"
    }
    assert len(interrupted) == 2, "both had begun, neither was done"
    assert project.repro()[-1] == "sync"
    assert interrupted <= project.training_ids(), "both went on under their own ids"


def _wait_for_two_epochs(project: Any, known: set[str]) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        new = [run for key, run in project.board().items() if key not in known]
        if sum(bool(run["histories"].get("train/loss")) for run in new) == 2:
            return
        time.sleep(0.5)
    raise AssertionError("two trainings did not log an epoch each")


def _id(path: Path) -> str:
    return str(json.loads(path.read_text())["training_id"])


def _times(path: Path) -> tuple[int, int, int]:
    run = json.loads(path.read_text())
    return run["started_ms"], run["ended_ms"], run["jobs"]
