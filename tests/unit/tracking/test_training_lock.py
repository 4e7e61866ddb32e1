"""The record of a training: kept until dvc.lock names the training and DVC's cache holds it."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strokecast.common import files
from strokecast.tracking import training_lock
from strokecast.tracking.training_lock import TrainingLock

KEY = "a" * 32
MODEL_DIR = Path("models/classify/gru/seed-1")


@pytest.fixture
def finished(empty_project: Path) -> TrainingLock:
    """The lock of a training that has just finished, with its folder in models/."""
    lock = TrainingLock.acquire(KEY)
    assert lock.record_dir is not None
    (lock.record_dir / "checkpoint-1.npz").write_text("x")
    (lock.record_dir / "pretraining").mkdir()
    (MODEL_DIR / "pyfunc").mkdir(parents=True)
    (MODEL_DIR / "pyfunc/MLmodel").write_text("model")
    run = {"training_id": lock.training_id, "task": "classify", "name": "gru", "seed": 1}
    (MODEL_DIR / "run.json").write_text(json.dumps(run))
    lock.keep(MODEL_DIR, "code")
    lock.release()
    return lock


def acquire() -> TrainingLock:
    lock = TrainingLock.acquire(KEY)
    lock.release()
    return lock


def test_the_copy_replaces_the_checkpoints(finished: TrainingLock) -> None:
    assert finished.record_dir is not None
    assert {path.name for path in finished.record_dir.iterdir()} == {"run.json", "finished"}
    assert not finished.has_checkpoint
    shutil.rmtree("models")
    copy = acquire().finished("code")
    assert copy is not None
    assert (copy / "pyfunc/MLmodel").read_text() == "model"
    assert acquire().training_id == finished.training_id


def test_a_copy_is_never_there_without_its_digest(
    finished: TrainingLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill between the two would leave a finished training that the next run does not trust and trains again."""
    assert finished.record_dir is not None
    copy = finished.record_dir / "finished"
    shutil.rmtree(copy)
    write, seen = TrainingLock._write, []

    def note_and_write(lock: TrainingLock, values: dict[str, object]) -> None:
        seen.append(copy.exists())
        write(lock, values)

    monkeypatch.setattr(TrainingLock, "_write", note_and_write)
    assert finished.keep(MODEL_DIR, "code") == copy
    assert seen == [False]
    assert acquire().finished("code") == copy


def test_a_copy_of_other_code_or_with_other_contents_is_removed(finished: TrainingLock) -> None:
    assert acquire().finished("edited") is None
    assert acquire().finished("code") is None, "removed"
    finished.keep(MODEL_DIR, "code")
    assert finished.record_dir is not None
    (finished.record_dir / "finished/pyfunc/MLmodel").unlink()
    assert acquire().finished("code") is None
    assert acquire().training_id == finished.training_id, "it starts over under its id"


def test_the_record_stays_until_dvc_lock_names_the_training_and_the_cache_holds_it(
    finished: TrainingLock, record_outputs: Callable[..., Path]
) -> None:
    assert training_lock.remove_recorded() == 0, "no dvc.lock"
    record_outputs("models/classify")
    assert training_lock.remove_recorded() == 0, "the output of another stage"
    cache = record_outputs("models/classify/gru")
    [model] = [path for path in cache.rglob("*") if path.is_file() and path.read_bytes() == b"model"]
    model.unlink()
    assert training_lock.remove_recorded() == 0, "the cache was full"
    assert acquire().training_id == finished.training_id
    model.write_text("model")
    assert training_lock.remove_recorded() == 1
    assert acquire().training_id != finished.training_id


def test_another_training_of_the_model_in_dvc_lock_is_not_this_one(
    finished: TrainingLock, record_outputs: Callable[..., Path]
) -> None:
    run = json.loads((MODEL_DIR / "run.json").read_text())
    (MODEL_DIR / "run.json").unlink()  # a hard link to the record's file
    (MODEL_DIR / "run.json").write_text(json.dumps(run | {"training_id": "the one before"}))
    record_outputs("models/classify/gru")
    assert training_lock.remove_recorded() == 0


def test_a_recorded_training_that_runs_again_is_a_new_one(
    finished: TrainingLock, record_outputs: Callable[..., Path]
) -> None:
    record_outputs("models/classify/gru")
    again = acquire()  # before `sync`: `dvc repro --force` of this stage
    assert again.training_id != finished.training_id
    assert again.finished("code") is None


def test_a_full_disk_loses_only_the_copy(
    finished: TrainingLock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "link_or_copy", full)
    assert finished.record_dir is not None
    shutil.rmtree(finished.record_dir / "finished")
    (finished.record_dir / "checkpoint-1.npz").write_text("x")
    finished.keep(MODEL_DIR, "code")
    assert {path.name for path in finished.record_dir.iterdir()} == {"run.json", "checkpoint-1.npz"}
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("a kill before DVC has recorded this training would lose it: ")
    assert "No space left on device" in line


def test_a_copy_is_made_where_links_are_not_possible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    (tmp_path / "source").write_text("x")
    files.link_or_copy(str(tmp_path / "source"), str(tmp_path / "linked"))
    monkeypatch.setattr(os, "link", refuse)
    files.link_or_copy(str(tmp_path / "source"), str(tmp_path / "copied"))
    assert (tmp_path / "linked").samefile(tmp_path / "source")
    assert (tmp_path / "copied").read_text() == "x"
    assert not (tmp_path / "copied").samefile(tmp_path / "source")
