"""The record of a begun training: who may go on with it, under which id, with which checkpoints.

It lies in `.strokecast/trainings/<key>/`; the key hashes what the training's numbers follow from.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from strokecast.common import files, paths

if TYPE_CHECKING:
    from filelock import BaseFileLock

SYSTEM = "system.csv"  # the system metrics so far
PATIENCE = 5.0  # seconds; a training whose `dvc repro` was killed leaves after its running step


@dataclass
class Claim:
    """A begun training, held by this process.

    Attributes:
        training_id: its own for good.
        started_ms: when it was begun first.
        folder: for its checkpoints and system metrics; None if another process trains the same
            thing at this moment: then nothing is kept of this one.
    """

    training_id: str
    started_ms: int
    folder: Path | None
    _guard: BaseFileLock | None

    @property
    def resumable(self) -> bool:
        """Whether anything lies there that the training can go on from."""
        ours = ("run.json", SYSTEM)
        return self.folder is not None and any(
            path.name not in ours and not path.name.startswith(".") for path in self.folder.iterdir()
        )

    def finished(self) -> None:
        """Remove the record: the same settings are a new training from now on."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """Let others go on with it."""
        if self._guard is not None:
            self._guard.release()


def records() -> Path:
    """Absolute folder of all records."""
    return paths.board_root() / ".strokecast" / "trainings"


def abandoned(wanted: set[str], older_than: float) -> list[Path]:
    """Folders of records that are not `wanted` and were last written to more than `older_than` days ago."""
    last = time.time() - older_than * 86_400
    found = []
    for folder in sorted(records().glob("*")):
        if folder.is_dir() and folder.name not in wanted:
            times = [path.stat().st_mtime for path in (folder, *folder.rglob("*")) if path.exists()]
            if max(times) <= last:
                found.append(folder)
    return found


def remove(folder: Path) -> bool:
    """Remove a record; False, and nothing is done, where a process trains on it at this moment."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(f"{folder}.lock", timeout=0):
            shutil.rmtree(folder)
    except Timeout:
        return False
    return True


def take(key: str) -> Claim:
    """The training with `key` that was begun and not finished, or a new one."""
    from filelock import FileLock, Timeout

    records().mkdir(parents=True, exist_ok=True)
    guard = FileLock(str(records() / f"{key}.lock"))
    now = time.time_ns() // 1_000_000
    try:
        guard.acquire(timeout=PATIENCE)
    except Timeout:
        return Claim(str(uuid.uuid4()), now, None, None)
    folder = records() / key
    try:
        told = files.read_json(folder / "run.json")
        return Claim(str(told["training_id"]), int(told["started_ms"]), folder, guard)
    except (FileNotFoundError, json.JSONDecodeError, KeyError, TypeError, ValueError):
        fresh = str(uuid.uuid4())
        files.write_json(folder / "run.json", {"training_id": fresh, "started_ms": now})
        return Claim(fresh, now, folder, guard)
