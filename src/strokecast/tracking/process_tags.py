"""The process that writes an unfinished run, as tags of the run."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from strokecast.common import processes
from strokecast.tracking import store


def current() -> dict[str, str]:
    """The tags of this process: host, process number, start in ms since 1970."""
    pid = os.getpid()
    values = (socket.gethostname(), str(pid), str(processes.started_ms(pid)))
    return dict(zip(store.PROCESS, values, strict=True))


def is_alive(tags: Mapping[str, str]) -> bool:
    """Whether the process of an unfinished run may still exist. One on another host always may."""
    host, pid, started = (tags.get(key, "") for key in store.PROCESS)
    if host != socket.gethostname():
        return True
    try:
        return processes.is_running(int(pid), float(started))
    except ValueError:
        return False
