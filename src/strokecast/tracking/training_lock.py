"""Lock and record of an unfinished training: its training_id, its start, its checkpoints.

Each record lies in `.strokecast/trainings/<resume key>/`, see `TrainingJob.resume_key`.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from strokecast.common import files, paths

if TYPE_CHECKING:
    from filelock import BaseFileLock

SYSTEM_METRICS = "system.csv"
ACQUIRE_TIMEOUT = 5.0  # seconds; a training whose `dvc repro` was killed stops after its running step


@dataclass
class TrainingLock:
    """An unfinished training, locked by this process.

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
        """Lock the unfinished training with this `resume_key`, or a new one."""
        from filelock import FileLock, Timeout

        records_dir().mkdir(parents=True, exist_ok=True)
        file_lock = FileLock(str(records_dir() / f"{resume_key}.lock"))
        now = time.time_ns() // 1_000_000
        try:
            file_lock.acquire(timeout=ACQUIRE_TIMEOUT)
        except Timeout:
            return cls(str(uuid.uuid4()), now, None, None)
        record_dir = records_dir() / resume_key
        try:
            stored = files.read_json(record_dir / "run.json")
            return cls(str(stored["training_id"]), int(stored["started_ms"]), record_dir, file_lock)
        except (FileNotFoundError, json.JSONDecodeError, KeyError, TypeError, ValueError):
            training_id = str(uuid.uuid4())
            files.write_json(record_dir / "run.json", {"training_id": training_id, "started_ms": now})
            return cls(training_id, now, record_dir, file_lock)

    @property
    def has_checkpoint(self) -> bool:
        """Whether the record holds anything that the training can resume from."""
        own_files = ("run.json", SYSTEM_METRICS)
        return self.record_dir is not None and any(
            path.name not in own_files and not path.name.startswith(".") for path in self.record_dir.iterdir()
        )

    def finish(self) -> None:
        """Remove the record and release the lock. The same job is a new training from now on."""
        if self.record_dir is not None:
            shutil.rmtree(self.record_dir, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """Let other processes resume the training."""
        if self._file_lock is not None:
            self._file_lock.release()


def records_dir() -> Path:
    """Absolute folder of all records."""
    return paths.board_root() / ".strokecast" / "trainings"


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
