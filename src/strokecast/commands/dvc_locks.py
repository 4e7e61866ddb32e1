"""Who holds DVC's locks; removes the entries that a crash left in them.

DVC notes in `.dvc/tmp/rwlock` which process reads and writes which output, by process number and command. After a crash the
number may belong to another program, which DVC would wait for. `strokecast repro` adds its start time to the command.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.common import files, processes
from strokecast.common.errors import UserError

_SINCE = " since "
_TOLERANCE_MS = 2000


@dataclass(frozen=True)
class Holder:
    """A process that holds a lock: its number, command and start, an ISO time."""

    pid: int
    command: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} (`{self.command}`, since {self.since})"


def sign(stage: str = "") -> None:
    """Add the stage and the start of this process to the command that DVC notes for its locks."""
    started = processes.started_ms(os.getpid())
    if started is not None:
        words = " ".join(sys.argv).partition(_SINCE)[0].split(" (stage ")[0]
        sys.argv = [f"{words} (stage {stage})" if stage else words, f"since {_time(started)}"]


def busy(tmp_dir: Path) -> UserError:
    """The error for a lock that another process holds: which process, or that it cannot be known.

    Args:
        tmp_dir: `.dvc/tmp`.
    """
    holders = sorted({holder.pid: holder for holder in _holders(tmp_dir)}.values(), key=lambda one: one.pid)
    if not holders:
        return UserError(
            "another process has locked this project, and which one cannot be known",
            location=str(tmp_dir / "lock"),
            fix="wait until other commands of DVC and strokecast in this project have ended; if there are none, delete "
            f"{tmp_dir / 'lock'} and {tmp_dir / 'rwlock'} and run again",
        )
    return UserError(
        f"this project is in use by {' and '.join(map(str, holders))}",
        fix=f"wait until that has ended, or stop it (Ctrl-C in its terminal), then run again; if it is another program, "
        f"delete {tmp_dir / 'rwlock'}",
    )


def remove_dead_entries(tmp_dir: Path) -> int:
    """Remove the entries of ended processes from `rwlock`; call it while the project's lock is held.

    An entry is removed if its process does not exist, if the number belongs to a process that started after the entry was
    written, or to a program that is neither Python nor DVC. A file that a kill or a full disk left without contents is
    removed if no other process works on the project.

    Args:
        tmp_dir: `.dvc/tmp`.

    Returns:
        The number of removed entries.

    Raises:
        UserError: if the file is damaged, and another process may work on the project.
    """
    path = tmp_dir / "rwlock"
    try:
        content, modified_ms = path.read_bytes(), path.stat().st_mtime * 1000
    except FileNotFoundError:
        return 0
    try:
        entries = json.loads(content)
        dead = [entry for entry in _entries(entries) if _is_dead(entry, modified_ms)]
    except (ValueError, TypeError, KeyError, AttributeError):
        if others := _other_processes():
            raise UserError(
                "a kill or a full disk has damaged this file",
                location=str(path),
                fix=f"wait until process {others[0]} has ended, delete the file and run again",
            ) from None
        path.unlink()
        return 0
    if dead:
        files.write_text(path, json.dumps(_without(entries, dead)))
    return len(dead)


def _entries(locks: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from locks.get("write", {}).values()
    for readers in locks.get("read", {}).values():
        yield from readers


def _without(locks: dict[str, Any], dead: list[dict[str, Any]]) -> dict[str, Any]:
    written = {path: entry for path, entry in locks.get("write", {}).items() if entry not in dead}
    read = {
        path: kept
        for path, readers in locks.get("read", {}).items()
        if (kept := [entry for entry in readers if entry not in dead])
    }
    return {"write": written, "read": read}


def _is_dead(entry: dict[str, Any], modified_ms: float) -> bool:
    """Whether the process of an entry has ended, in a file that was written at `modified_ms`."""
    pid, (_, _, since) = int(entry["pid"]), str(entry["cmd"]).rpartition(_SINCE)
    started = processes.started_ms(pid)
    if started is None or started > modified_ms + _TOLERANCE_MS:
        return True
    try:
        noted = datetime.datetime.fromisoformat(since).timestamp() * 1000
    except ValueError:  # DVC's own entry
        return not processes.is_python(pid) and "dvc" not in processes.command(pid)
    return abs(started - noted) > _TOLERANCE_MS


def _holders(tmp_dir: Path) -> Iterator[Holder]:
    try:
        noted = {
            int(entry["pid"]): str(entry["cmd"]) for entry in _entries(files.read_json(tmp_dir / "rwlock"))
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        noted = {}
    with contextlib.suppress(OSError, ValueError):
        last = int((tmp_dir / "lock").read_text())  # the process that had the lock last
        if processes.is_python(last) or "dvc" in processes.command(last):
            noted.setdefault(last, "")
    for pid, command in noted.items():
        started = processes.started_ms(pid)
        if started is not None and pid != os.getpid():
            words = (command.partition(_SINCE)[0] or processes.command(pid)).split()
            yield Holder(pid, " ".join(Path(word).name for word in words), _time(started))


def _other_processes() -> list[int]:
    """The numbers of other processes of DVC and strokecast in this folder."""
    import psutil

    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    folder = str(Path.cwd())
    return [
        process.pid
        for process in psutil.process_iter(["pid", "cwd", "cmdline"])
        if process.pid not in own
        and process.info["cwd"] == folder
        and any(name in " ".join(process.info["cmdline"] or ()) for name in ("dvc", "strokecast", "stages/"))
    ]


def _time(milliseconds: int) -> str:
    return datetime.datetime.fromtimestamp(milliseconds / 1000).astimezone().isoformat(timespec="seconds")
