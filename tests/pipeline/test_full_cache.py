"""A full DVC cache: DVC logs it and exits with 0; the pipeline says so, exits with 1 and trains nothing again afterwards."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

MODEL_DIR = Path("models/forecast/linear/seed-1")
SIZE = 64 * 2**20  # bytes of the file system of the cache
FREE = 60 * 2**10  # bytes left for DVC: enough for its note of the run, not for a model


@pytest.fixture
def full(project: Any) -> Iterator[Any]:
    """The project with a new training to run, and with its cache on a small file system that a file `filler` fills."""
    cache = project.root / ".dvc" / "cache"
    cache.rename(cache.with_name("previous"))
    cache.mkdir()
    options = f"size={SIZE}"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", cache], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a file system is not allowed")
    try:
        subprocess.run(["cp", "-r", f"{cache.with_name('previous')}/.", cache], check=True)
        project.edit_params(
            lambda values: values["models"]["forecast"]["linear"].update(training={"epochs": 2})
        )
        project.repro("params")
        space = os.statvfs(cache)
        with (cache / "filler").open("wb") as file:
            file.write(bytes(space.f_bavail * space.f_frsize - FREE))
        yield project
    finally:
        subprocess.run(["umount", cache], check=True)


@pytest.mark.parametrize("command", ["strokecast", "dvc"])
def test_a_full_cache_is_one_line_and_loses_no_training(full: Any, command: str) -> None:
    before = set(full.board())
    failed = full.run(command, "repro", check=False)
    assert failed.returncode != 0
    assert "Traceback" not in failed.stderr
    cache = full.root / ".dvc/cache"
    lines = [line for line in failed.stderr.splitlines() if line.startswith("[")]
    if command == "strokecast":
        assert len(lines) == 1, failed.stderr
        assert lines[0].startswith("[train-forecast@linear] error: DVC")
        assert "failed to transfer" not in failed.stderr, "DVC's line per file"
    else:  # DVC fails itself if not a byte is left
        assert lines or "No space left on device" in failed.stderr
    for line in lines:
        assert f"file system {cache} " in line
        assert "free some space there" in line
        assert line.endswith("then run again: finished trainings are kept")
    [record] = full.root.glob(".strokecast/trainings/*/finished/run.json")
    trained = json.loads(record.read_text())

    (cache / "filler").unlink()
    again = full.run(command, "repro")
    assert "finished in an earlier run" in again.stdout
    assert json.loads((full.root / MODEL_DIR / "run.json").read_text()) == trained
    assert set(full.board()) - before == {trained["training_id"]}, "one run, not two"
    assert not record.exists(), "recorded"
    assert full.run("dvc", "status", "train-forecast@linear").stdout.strip().endswith("up to date.")
