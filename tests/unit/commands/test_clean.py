"""`strokecast clean` removes abandoned records, and nothing that is used or would be gone on with."""

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
    """Four records: `aa` of the present params, `bb` and `cc` abandoned for 10 days, `dd` for one."""
    home = tmp_path / "trainings"
    monkeypatch.setattr(training_lock, "records_dir", lambda: home)
    monkeypatch.setattr(clean, "wanted", lambda settings: {"aa"})
    monkeypatch.setattr(clean.resolve, "load", lambda: None)
    for name, days in (("aa", 10), ("bb", 10), ("cc", 10), ("dd", 1)):
        (home / name / "before").mkdir(parents=True)
        (home / name / "checkpoint-1.npz").write_bytes(b"0" * 1000)
        at = time.time() - days * 86_400
        for path in (home / name / "checkpoint-1.npz", home / name / "before", home / name):
            os.utime(path, (at, at))
    return home


def left(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir() if path.is_dir())


def ask(*options: str) -> Any:
    done = CliRunner().invoke(main, ["clean", *options])
    assert done.exit_code == 0, done.output
    return done.output


def test_abandoned_records_go_and_are_named(records: Path) -> None:
    said = ask()
    assert left(records) == ["aa", "dd"]
    assert "bb: " in said
    assert "cc: " in said
    assert "2 abandoned record(s)" in said
    ask("--older-than", "0")
    assert left(records) == ["aa"]


def test_a_dry_run_removes_nothing(records: Path) -> None:
    assert "2 abandoned record(s), 0.0 MB, would be removed" in ask("--dry-run")
    assert left(records) == ["aa", "bb", "cc", "dd"]


def test_what_a_process_holds_stays(records: Path) -> None:
    with FileLock(str(records / "bb.lock")):
        assert "bb: a process trains on it, kept" in ask()
    assert left(records) == ["aa", "bb", "dd"]


def test_a_write_into_a_folder_below_keeps_a_record(records: Path) -> None:
    os.utime(records / "bb/before")
    ask()
    assert left(records) == ["aa", "bb", "dd"]


def test_what_the_stage_of_the_present_params_goes_on_from_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    from strokecast import params
    from strokecast.features.records import spec as specs
    from strokecast.tracking.tracked_run import TrackedRun
    from strokecast.training.job import TrainingJob

    spec = {"task": "classify", "digest": "d", "source": "doodles"}
    monkeypatch.setattr(clean, "_processed", lambda task: Path(task))
    monkeypatch.setattr(specs, "load", lambda folder, task: spec)
    taken: list[str] = []

    def acquire(resume_key: str) -> TrainingLock:
        taken.append(resume_key)
        return TrainingLock("id", 0, None, None)

    monkeypatch.setattr(TrainingLock, "acquire", acquire)
    monkeypatch.setattr("strokecast.tracking.tracked_run._git", lambda *arguments: None)
    settings = params.parse(
        {
            "models": {
                "forecast": {"gru": {"seeds": [1, 2]}, "ridge": {"enabled": False}},
                "classify": {"gru": {}},
            }
        }
    )
    for task, name, seed in (
        ("forecast", "gru", 1),
        ("forecast", "gru", 2),
        ("forecast", "ridge", 1),
        ("classify", "gru", 1),
    ):
        job = TrainingJob.create(task, name, seed, {}, settings.recipe(task, name), spec["digest"])
        TrackedRun.start(job, spec)
    assert set(taken) <= clean.wanted(settings)
    assert len(set(taken)) == 4
    other = TrainingJob.create("forecast", "gru", 3, {}, settings.recipe("forecast", "gru"), spec["digest"])
    TrackedRun.start(other, spec)
    assert taken[-1] not in clean.wanted(settings)
