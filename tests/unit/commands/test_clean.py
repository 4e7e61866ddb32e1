"""`strokecast clean` removes abandoned records; it keeps those that are in use or would be resumed."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from filelock import FileLock

from strokecast.commands import clean
from strokecast.commands.cli import main
from strokecast.tracking import training_lock
from strokecast.tracking.training_lock import TrainingLock


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four records: `aa` of the present params; `bb` and `cc` abandoned for 10 days, `dd` for one."""
    folder = tmp_path / "trainings"
    monkeypatch.setattr(training_lock, "records_dir", lambda: folder)
    monkeypatch.setattr(clean, "resumable_keys", lambda settings: {"aa"})
    monkeypatch.setattr(clean.resolve, "load", lambda: None)
    for name, days in (("aa", 10), ("bb", 10), ("cc", 10), ("dd", 1)):
        (folder / name / "before").mkdir(parents=True)
        (folder / name / "checkpoint-1.npz").write_bytes(b"0" * 1000)
        modified = time.time() - days * 86_400
        for path in (folder / name / "checkpoint-1.npz", folder / name / "before", folder / name):
            os.utime(path, (modified, modified))
    return folder


def names(records: Path) -> list[str]:
    return sorted(path.name for path in records.iterdir() if path.is_dir())


def run_clean(*options: str) -> Any:
    result = CliRunner().invoke(main, ["clean", *options])
    assert result.exit_code == 0, result.output
    return result.output


def test_abandoned_records_are_removed_and_reported(records: Path) -> None:
    output = run_clean()
    assert names(records) == ["aa", "dd"]
    assert "bb: " in output
    assert "cc: " in output
    assert "2 abandoned record(s)" in output
    run_clean("--older-than", "0")
    assert names(records) == ["aa"]


def test_a_dry_run_removes_nothing(records: Path) -> None:
    assert "2 abandoned record(s), 0.0 MB, would be removed" in run_clean("--dry-run")
    assert names(records) == ["aa", "bb", "cc", "dd"]


def test_a_record_in_use_is_kept(records: Path) -> None:
    with FileLock(str(records / "bb.lock")):
        assert "bb: kept, a process is training on it" in run_clean()
    assert names(records) == ["aa", "bb", "dd"]


def test_a_write_into_a_subfolder_keeps_a_record(records: Path) -> None:
    os.utime(records / "bb/before")
    run_clean()
    assert names(records) == ["aa", "bb", "dd"]


def test_a_task_without_an_enabled_model_has_no_resumable_training_and_needs_no_data() -> None:
    from strokecast import params

    settings = params.parse({"models": {"watch": {"conv3d": {"enabled": False}}, "draw": {}}})
    assert clean.resumable_keys(settings) == set()


@pytest.mark.slow
def test_resumable_keys_are_those_that_the_train_stages_acquire(monkeypatch: pytest.MonkeyPatch) -> None:
    from strokecast import params
    from strokecast.features.records import spec as specs
    from strokecast.tracking.tracked_run import TrackedRun
    from strokecast.training.job import TrainingJob

    spec = {"task": "classify", "digest": "d", "source": "doodles"}
    monkeypatch.setattr(clean, "_processed_dir", lambda task: Path(task))
    monkeypatch.setattr(specs, "load", lambda folder, task: spec)
    acquired: list[str] = []

    def acquire(resume_key: str) -> TrainingLock:
        acquired.append(resume_key)
        return TrainingLock("id", 0, None, None)

    monkeypatch.setattr(TrainingLock, "acquire", acquire)
    monkeypatch.setattr("strokecast.tracking.tracked_run._git", lambda *arguments: None)
    settings = params.parse(
        {
            "runtime": {"precision": "mixed_bfloat16"},
            "models": {
                "forecast": {"gru": {"seeds": [1, 2]}, "ridge": {"enabled": False}},
                "classify": {"gru": {}},
            },
        }
    )
    for task, name, seed in (
        ("forecast", "gru", 1),
        ("forecast", "gru", 2),
        ("forecast", "ridge", 1),
        ("classify", "gru", 1),
    ):
        recipe = settings.recipe(task, name)
        job = TrainingJob.create(task, name, seed, {}, recipe, spec["digest"], settings.runtime)
        TrackedRun.start(job, spec)
    assert set(acquired) <= clean.resumable_keys(settings)
    assert len(set(acquired)) == 4
    recipe = settings.recipe("forecast", "gru")
    other = TrainingJob.create("forecast", "gru", 3, {}, recipe, spec["digest"], settings.runtime)
    TrackedRun.start(other, spec)
    assert acquired[-1] not in clean.resumable_keys(settings)
