"""A full DVC cache: DVC logs it and exits with 0; the stage says so, exits with 1, and nothing trains again afterwards."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

STAGE = "train-forecast@linear"
MODEL_DIR = Path("models/forecast/linear/seed-1")
SIZE = 64 * 2**20  # bytes of the file system of the cache
FREE = {  # bytes left for DVC
    "before": 60 * 2**10,  # less than a stage needs to begin
    "after": 320 * 2**10,  # enough to begin, but not for a model
}


@pytest.fixture
def full(project: Any) -> Iterator[Any]:
    """The project with a new training to run, and with its cache on a small file system."""
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
        yield project
    finally:
        subprocess.run(["umount", cache], check=True)


def fill(cache: Path, free: int) -> None:
    """Leave `free` bytes on the file system of the cache."""
    space = os.statvfs(cache)
    with (cache / "filler").open("wb") as file:
        file.write(bytes(space.f_bavail * space.f_frsize - free))


@pytest.mark.parametrize("free", FREE)
@pytest.mark.parametrize("command", ["strokecast repro", "dvc repro", f"dvc repro {STAGE}"])
def test_a_full_cache_is_one_line_and_loses_no_training(full: Any, command: str, free: str) -> None:
    before, cache = set(full.board()), full.root / ".dvc/cache"
    fill(cache, FREE[free])
    failed = full.run(*command.split(), check=False)
    assert failed.returncode != 0
    assert "Traceback" not in failed.stderr
    assert "failed to transfer" not in failed.stderr, "DVC's line per file"
    [line] = [line for line in failed.stderr.splitlines() if "DVC's cache" in line]
    assert line.startswith(f"[{STAGE}] error: DVC's cache {cache} needs ")
    assert f"file system {cache} " in line
    assert "free some space there" in line
    assert line.endswith("then run again: finished trainings are kept")
    records = list(full.root.glob(".strokecast/trainings/*/finished/run.json"))
    assert len(records) == (free == "after"), "nothing is trained for nothing"
    trained = [json.loads(record.read_text()) for record in records]

    (cache / "filler").unlink()
    again = full.run(*command.split())
    assert ("finished in an earlier run" in again.stdout) == (free == "after")
    stored = json.loads((full.root / MODEL_DIR / "run.json").read_text())
    assert trained in ([], [stored])
    full.run("dvc", "repro")
    assert set(full.board()) - before == {stored["training_id"]}, "one run, not two"
    assert not list(full.root.glob(".strokecast/trainings/*/finished")), "recorded"
    assert full.run("dvc", "status", STAGE).stdout.strip().endswith("up to date.")
