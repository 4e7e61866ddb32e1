"""Locks of DVC that a crash left, and two runs at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_a_lock_of_a_crashed_process_whose_number_lives_again_does_not_block(project: Any) -> None:
    other = subprocess.Popen(["sleep", "600"])
    try:
        entry = {"pid": other.pid, "cmd": "/bin/dvc repro"}
        locks = {"write": {str(project.root / "models/classify/gru"): entry}, "read": {}}
        (project.root / ".dvc/tmp/rwlock").write_text(json.dumps(locks))
        blocked = project.run("dvc", "repro", check=False)
        assert blocked.returncode != 0
        assert ".dvc/tmp/rwlock" in blocked.stderr, "DVC names the file"
        assert "up to date" in project.run("strokecast", "repro").stdout
    finally:
        other.kill()
        other.wait()
    (project.root / ".dvc/tmp/rwlock").write_text("")  # killed while DVC wrote it
    assert "up to date" in project.run("strokecast", "repro").stdout


def test_a_second_run_says_who_works_on_the_project(project: Any) -> None:
    project.edit_params(lambda values: values["models"]["classify"]["gru"].update(training={"epochs": 400}))
    first = project.popen(
        *("strokecast", "repro"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 300
        while not list(project.root.glob(".strokecast/trainings/*/checkpoint-*")):
            assert first.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        second = project.run("strokecast", "repro", check=False)
        third = project.run("dvc", "repro", check=False)
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    assert second.returncode == 1
    [line] = second.stderr.splitlines()
    assert line.startswith("error: this project is in use by process ")
    assert "(`strokecast repro (stage train-classify@gru)`, since 20" in line
    assert third.returncode != 0
    assert "strokecast repro (stage train-classify@gru) since 20" in third.stderr, "DVC's own message"
