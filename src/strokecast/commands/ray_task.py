"""What runs on a node of a Ray cluster: a command in the project's folder, which all nodes share.

The command's output goes through a file in that folder, because Ray may drop the last lines of a worker.

Source: Moritz et al., 2018, "Ray: a distributed framework for emerging AI applications", https://arxiv.org/abs/1712.05889
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from strokecast.common import paths

POLL_SECONDS = 0.2  # between two polls of a task
_SAVE_SECONDS = 60.0  # in which an interrupted command saves its progress and ends
_PR_SET_PDEATHSIG = 1  # of Linux's prctl.h
_FROM_RAY = "CUDA_VISIBLE_DEVICES"  # the GPUs that Ray gives the task


def run_command(command: Sequence[str], folder: str, variables: Mapping[str, str], output: str) -> int:
    """The Ray task: run a command on this node.

    Args:
        command: program and arguments.
        folder: working directory, the root of the project.
        variables: all environment variables, except `CUDA_VISIBLE_DEVICES`, which Ray sets.
        output: file that the command's standard output and error are appended to.

    Returns:
        Its exit code, negative for a signal. On cancellation the command gets SIGINT and time to save.
    """
    if not Path(folder).is_dir():  # the nodes were checked at the start: a mount was lost since
        print(f"{folder} is missing on this node", file=sys.stderr)
        return 1
    with Path(output).open("ab") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**variables, **({_FROM_RAY: os.environ[_FROM_RAY]} if _FROM_RAY in os.environ else {})},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            preexec_fn=_prepare_child,
        )
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(POLL_SECONDS)  # Ray's KeyboardInterrupt does not end a longer one
        except BaseException:  # Ray cancels a task by a KeyboardInterrupt, and again as long as the task runs
            process.send_signal(signal.SIGINT)
            deadline = time.monotonic() + _SAVE_SECONDS
            while process.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(KeyboardInterrupt):
                    time.sleep(POLL_SECONDS)
            process.kill()
            raise


def _prepare_child() -> None:
    """Receive signals, which Ray's workers block; die with the worker, because the command then runs on another node."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class OutputFile:
    """The file that a task's command appends its output to, perhaps on another machine.

    Args:
        path: absolute.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset, self._incomplete = 0, b""

    def read(self) -> bytes:
        """What is new. The file is opened each time: NFS promises no more than what was closed before it is opened."""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            part = file.read()
        self._offset += len(part)
        return part

    def new_lines(self) -> bytes:
        """What is new, up to the last end of a line."""
        lines, end, self._incomplete = (self._incomplete + self.read()).rpartition(b"\n")
        return lines + end


def shared_folder() -> Path:
    """The absolute path of a folder of the project for files that exist as long as a task; created if missing."""
    folder = (paths.board_root() / ".strokecast").absolute()
    folder.mkdir(exist_ok=True)
    return folder


@contextlib.contextmanager
def output_file() -> Iterator[OutputFile]:
    """Yield an empty file in the shared folder, which is removed at the end."""
    descriptor, name = tempfile.mkstemp(prefix="ray-", suffix=".log", dir=shared_folder())
    os.close(descriptor)
    path = Path(name)
    try:
        yield OutputFile(path)
    finally:
        path.unlink()
