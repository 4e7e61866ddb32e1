"""The process that writes an unfinished run, as tags of the run."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from strokecast.common import processes
from strokecast.tracking import store

_NAMESPACE = Path("/proc/self/ns/pid")
_NAMESPACE_OF_BOOT = "pid:[4026531836]"  # outside of containers: PROC_PID_INIT_INO of Linux


def current() -> dict[str, str]:
    """The tags of this process: host with its container, process number, start in ms since 1970."""
    pid = os.getpid()
    values = (_host(), str(pid), str(processes.started_ms(pid)))
    return dict(zip(store.PROCESS, values, strict=True))


def other_host(tags: Mapping[str, str]) -> str:
    """The computer or container of an unfinished run if it is another one; otherwise ""."""
    host = tags.get(store.PROCESS[0], "")
    return "" if host == _host() else host or "unknown"


def is_alive(tags: Mapping[str, str]) -> bool:
    """Whether the process of an unfinished run may still exist. One on another host always may."""
    if other_host(tags):
        return True
    _, pid, started = (tags.get(key, "") for key in store.PROCESS)
    try:
        return processes.is_running(int(pid), float(started))
    except ValueError:
        return False


def _host() -> str:
    """The name of this computer, with its process namespace inside a container.

    Containers may share the name of their computer (`docker run --network host`), but not its process numbers.
    """
    namespace = ""
    with contextlib.suppress(OSError):  # no Linux
        namespace = str(_NAMESPACE.readlink())
    return socket.gethostname() + (f" {namespace}" if namespace not in ("", _NAMESPACE_OF_BOOT) else "")
