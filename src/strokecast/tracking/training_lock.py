"""Lock and record of a training that dvc.lock does not name yet: its training_id, its start, its checkpoints or result.

Each record lies in `.strokecast/trainings/<resume key>/`, see `TrainingJob.resume_key`. DVC deletes the output of a stage
that it has not recorded, so a finished training stays in its record until dvc.lock names it and DVC's cache holds it.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from strokecast.common import dvc_lock, files, paths

if TYPE_CHECKING:
    from filelock import BaseFileLock

SYSTEM_METRICS = "system.csv"
FINISHED = "finished"  # folder of a record with a copy of the training's folder in models/
ACQUIRE_TIMEOUT = 5.0  # seconds; a training whose `dvc repro` was killed stops after its running step


@dataclass
class TrainingLock:
    """A training that is not recorded in dvc.lock, locked by this process.

    Attributes:
        training_id: permanent id of the training.
        started_ms: its first start, ms since 1970.
        record_dir: folder for its checkpoints and system metrics. None if another process runs the same
            training at this moment; then nothing is stored for this one.
    """

    training_id: str
    started_ms: int
    record_dir: Path | None
    _file_lock: BaseFileLock | None

    @classmethod
    def acquire(cls, resume_key: str) -> Self:
        """Lock the training with this `resume_key` that is not recorded in dvc.lock, or a new one."""
        from filelock import FileLock, Timeout

        records_dir().mkdir(parents=True, exist_ok=True)
        file_lock = FileLock(str(records_dir() / f"{resume_key}.lock"))
        now = time.time_ns() // 1_000_000
        try:
            file_lock.acquire(timeout=ACQUIRE_TIMEOUT)
        except Timeout:
            return cls(str(uuid.uuid4()), now, None, None)
        record_dir = records_dir() / resume_key
        if is_recorded(record_dir):  # and runs again nevertheless: `dvc repro --force`, an edit of other code
            shutil.rmtree(record_dir)
        try:
            stored = files.read_json(record_dir / "run.json")
            return cls(str(stored["training_id"]), int(stored["started_ms"]), record_dir, file_lock)
        except (FileNotFoundError, json.JSONDecodeError, KeyError, TypeError, ValueError):
            lock = cls(str(uuid.uuid4()), now, record_dir, file_lock)
            lock._write({})
            return lock

    @property
    def has_checkpoint(self) -> bool:
        """Whether the record holds anything that the training can resume from."""
        own_files = ("run.json", SYSTEM_METRICS, FINISHED)
        return self.record_dir is not None and any(
            path.name not in own_files and not path.name.startswith(".") for path in self.record_dir.iterdir()
        )

    def keep(self, folder: Path, code: str) -> Path | None:
        """Keep a copy of the finished training in place of its checkpoints.

        Prints a warning if the copy cannot be written; the training itself is not affected.

        Args:
            folder: the training's folder.
            code: digest of the code that made it, see `finished`.

        Returns:
            The copy; None if there is none.
        """
        if self.record_dir is None:
            return None
        try:
            with files.new_folder(self.record_dir / FINISHED) as staging_dir:
                shutil.copytree(folder, staging_dir, dirs_exist_ok=True, copy_function=files.link_or_copy)
                # Before the copy gets its name: without its digest, `finished` would not trust it after a kill.
                self._write({"finished": {"digest": files.digest_tree(staging_dir), "code": code}})
        except OSError as error:
            line = f"a kill before DVC has recorded this training would lose it: {error}"
            print(line, file=sys.stderr, flush=True)
            return None
        self._remove_all_but("run.json", FINISHED)
        return self.record_dir / FINISHED

    def finished(self, code: str) -> Path | None:
        """The copy of the finished training, if the same code made it; None if the training has to run.

        A damaged copy, or one that other code made, is removed.
        """
        if self.record_dir is None or not (self.record_dir / FINISHED).is_dir():
            return None
        folder = self.record_dir / FINISHED
        stored = files.read_json(self.record_dir / "run.json").get("finished")
        if stored == {"digest": files.digest_tree(folder), "code": code}:
            return folder
        shutil.rmtree(folder)
        self._write({})
        return None

    def _write(self, values: dict[str, object]) -> None:
        assert self.record_dir is not None
        record = {"training_id": self.training_id, "started_ms": self.started_ms, **values}
        files.write_json(self.record_dir / "run.json", record)

    def _remove_all_but(self, *names: str) -> None:
        assert self.record_dir is not None
        for path in self.record_dir.iterdir():
            if path.is_dir() and path.name not in names:
                shutil.rmtree(path, ignore_errors=True)
            elif path.name not in names:
                path.unlink(missing_ok=True)

    def release(self) -> None:
        """Let other processes resume the training."""
        if self._file_lock is not None:
            self._file_lock.release()


def records_dir() -> Path:
    """Absolute folder of all records."""
    return paths.board_root() / ".strokecast" / "trainings"


def code_digest(task: str) -> str:
    """Digest of the code that trainings of a task share, from the stage `code`; empty outside a pipeline."""
    try:
        return str(
            files.read_json(paths.CODE / f"{'series' if task == 'forecast' else 'drawings'}.json")["digest"]
        )
    except FileNotFoundError:
        return ""


def is_recorded(record_dir: Path) -> bool:
    """Whether dvc.lock names the finished training of a record, and DVC's cache holds all files of it."""
    try:
        run = files.read_json(record_dir / FINISHED / "run.json")
        folder = paths.model_dir(run["task"], run["name"], run["seed"])
        cached = dvc_lock.cached_file(folder.parent.as_posix(), f"{folder.name}/run.json")
        return cached is not None and files.read_json(cached)["training_id"] == run["training_id"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def remove_recorded() -> int:
    """Remove the records of all finished trainings that dvc.lock names; returns their number."""
    folders = (path.parent for path in sorted(records_dir().glob(f"*/{FINISHED}")))
    return sum(remove_record(folder) for folder in folders if is_recorded(folder))


def abandoned_records(resume_keys: set[str], older_than: float) -> list[Path]:
    """Records that do not belong to `resume_keys` and were last changed more than `older_than` days ago."""
    latest = time.time() - older_than * 86_400
    abandoned = []
    for folder in sorted(records_dir().glob("*")):
        if folder.is_dir() and folder.name not in resume_keys:
            times = [path.stat().st_mtime for path in (folder, *folder.rglob("*")) if path.exists()]
            if max(times) <= latest:
                abandoned.append(folder)
    return abandoned


def remove_record(folder: Path) -> bool:
    """Remove a record. Returns False, and changes nothing, if a process has locked it."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(f"{folder}.lock", timeout=0):
            shutil.rmtree(folder)
    except Timeout:
        return False
    return True
