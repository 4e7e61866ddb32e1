"""Locks of DVC: entries of ended processes are removed, and the line of a second repro says who holds them."""

from __future__ import annotations

import datetime
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from strokecast.commands import dvc_locks
from strokecast.common import processes
from strokecast.common.errors import UserError

NOBODY = 2**31 - 2
HOUR = 3_600_000


@pytest.fixture
def rwlock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["/bin/strokecast", "repro", "--jobs", "2"])
    Path(".dvc/tmp").mkdir(parents=True)
    return Path(".dvc/tmp/rwlock")


def started(pid: int) -> int:
    milliseconds = processes.started_ms(pid)
    assert milliseconds is not None
    return milliseconds


def iso(milliseconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    return moment.isoformat(timespec="seconds")


def write(rwlock: Path, *entries: dict[str, Any], read: bool = False, modified_ms: float = 0) -> None:
    """`entries` as writers, or readers, of one path each."""
    paths = {f"/project/models/{number}": entry for number, entry in enumerate(entries)}
    readers = {path: [entry] for path, entry in paths.items()}
    rwlock.write_text(json.dumps({"read": readers} if read else {"write": paths}))
    if modified_ms:
        os.utime(rwlock, (modified_ms / 1000, modified_ms / 1000))


def pids(rwlock: Path) -> set[int]:
    locks = json.loads(rwlock.read_text())
    readers = [entry for entries in locks.get("read", {}).values() for entry in entries]
    return {entry["pid"] for entry in [*locks.get("write", {}).values(), *readers]}


@pytest.mark.parametrize("read", [False, True])
def test_entries_of_ended_processes_are_removed_and_others_kept(rwlock: Path, read: bool) -> None:
    own = os.getpid()
    signed = f"strokecast repro (stage a) since {iso(started(own))}"
    write(rwlock, {"pid": NOBODY, "cmd": "dvc repro"}, {"pid": own, "cmd": signed}, read=read)
    assert dvc_locks.remove_dead_entries(rwlock.parent) == 1
    assert pids(rwlock) == {own}
    assert dvc_locks.remove_dead_entries(rwlock.parent) == 0


def test_a_number_that_lives_again_is_recognised_by_its_start(rwlock: Path) -> None:
    own = os.getpid()  # stands for another program with the number of the crashed process
    write(rwlock, {"pid": own, "cmd": f"strokecast repro (stage a) since {iso(started(own) - HOUR)}"})
    assert dvc_locks.remove_dead_entries(rwlock.parent) == 1
    write(rwlock, {"pid": own, "cmd": "dvc repro"}, modified_ms=started(own) - HOUR)
    assert dvc_locks.remove_dead_entries(rwlock.parent) == 1, "the process started after DVC wrote the file"
    write(rwlock, {"pid": own, "cmd": "dvc repro"})
    assert dvc_locks.remove_dead_entries(rwlock.parent) == 0, "a Python process may be DVC"


def test_a_number_that_lives_again_as_another_program(rwlock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(rwlock, {"pid": os.getpid(), "cmd": "dvc repro"})
    monkeypatch.setattr(processes, "is_python", lambda pid: False)
    monkeypatch.setattr(processes, "command", lambda pid: "sleep 1000")
    assert dvc_locks.remove_dead_entries(rwlock.parent) == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"write": {"a": 1}}'])
def test_a_damaged_file_is_removed_if_nobody_else_works_here(
    rwlock: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rwlock.write_text(content)
    monkeypatch.setattr(dvc_locks, "_other_processes", lambda: [4242])
    with pytest.raises(UserError, match=r"^\.dvc/tmp/rwlock: .*damaged this file; wait until process 4242 "):
        dvc_locks.remove_dead_entries(rwlock.parent)
    assert rwlock.exists()
    monkeypatch.setattr(dvc_locks, "_other_processes", list)
    assert dvc_locks.remove_dead_entries(rwlock.parent) == 0
    assert not rwlock.exists()


def test_no_file_has_no_entries(rwlock: Path) -> None:
    assert dvc_locks.remove_dead_entries(rwlock.parent) == 0


def test_a_signed_command_says_stage_and_start_once(rwlock: Path) -> None:
    for stage in ("", "train-classify@gru", "sync"):
        dvc_locks.sign(stage)
    since = dvc_locks._time(started(os.getpid()))
    assert " ".join(sys.argv) == f"/bin/strokecast repro --jobs 2 (stage sync) since {since}"


def test_the_line_says_who_holds_the_lock(rwlock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getppid()
    since = dvc_locks._time(started(parent))
    write(rwlock, {"pid": parent, "cmd": f"/x/bin/strokecast repro --jobs 2 (stage a@b) since {since}"})
    line = str(dvc_locks.busy(rwlock.parent))
    assert line.startswith(
        f"this project is in use by process {parent} (`strokecast repro --jobs 2 (stage a@b)`, since {since}); "
    )
    assert line.endswith(
        "(Ctrl-C in its terminal), then run again; if it is another program, delete .dvc/tmp/rwlock"
    )
    rwlock.unlink()
    (rwlock.parent / "lock").write_text(f" {parent}\n")
    monkeypatch.setattr(processes, "is_python", lambda pid: True)
    monkeypatch.setattr(processes, "command", lambda pid: "/usr/bin/python /x/bin/dvc push")
    assert f"process {parent} (`python dvc push`, since {since})" in str(dvc_locks.busy(rwlock.parent))


def test_the_line_says_that_the_holder_cannot_be_known(rwlock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "is_python", lambda pid: False)
    monkeypatch.setattr(processes, "command", lambda pid: "sleep 1000")
    for content in (None, "", f" {NOBODY}\n", f" {os.getppid()}\n"):
        if content is not None:
            (rwlock.parent / "lock").write_text(content)
        line = str(dvc_locks.busy(rwlock.parent))
        assert line.startswith(
            ".dvc/tmp/lock: another process has locked this project, and which one cannot be known"
        )
