"""Processes by number and start time: a number alone may belong to another program after a crash."""

from __future__ import annotations

from pathlib import Path

_TOLERANCE_MS = 2000


def started_ms(pid: int) -> int | None:
    """Start of a process in ms since 1970; None if it does not exist, or has ended and was not waited for."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else int(process.create_time() * 1000)
    except (psutil.Error, ValueError, OverflowError):
        return None


def is_running(pid: int, started: float) -> bool:
    """Whether the process `pid` that started at `started` (ms since 1970) still runs."""
    actual = started_ms(pid)
    return actual is not None and abs(actual - started) < _TOLERANCE_MS


def command(pid: int) -> str:
    """The command line of a process; empty if it cannot be known."""
    import psutil

    try:
        return " ".join(psutil.Process(pid).cmdline())
    except (psutil.Error, ValueError):
        return ""


def is_python(pid: int) -> bool:
    """Whether a process is a Python interpreter, as far as can be known."""
    import psutil

    try:
        return "py" in Path(psutil.Process(pid).exe()).name
    except (psutil.Error, ValueError):
        return True
