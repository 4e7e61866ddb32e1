"""Runs a stage's command as a task of a Ray cluster, on any node; `strokecast repro --executor ray` starts it for DVC.

    python -m strokecast.commands.ray_stage python stages/train.py classify gru

DVC sees an ordinary process: lines on its standard output, signals, an exit code. Ray runs the command on a node that has
the resources of the stage, in the same folder, which all nodes share, and with the same environment. Ray starts the
task again elsewhere if the node dies; a training then goes on from its last checkpoint, which lies in the folder. The
command's output goes through a file in that folder, because Ray may drop the last lines of a worker.

Source: Moritz et al., 2018, "Ray: a distributed framework for emerging AI applications", https://arxiv.org/abs/1712.05889
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from strokecast.commands import ray_cluster
from strokecast.common import environment, paths, signals
from strokecast.common.errors import UserError

_POLL_SECONDS = 0.2
_SAVE_SECONDS = 60.0  # in which an interrupted stage saves its progress and ends
_PR_SET_PDEATHSIG = 1  # of Linux's prctl.h
_FROM_RAY = "CUDA_VISIBLE_DEVICES"  # the GPUs that Ray gives the task


def run_command(command: Sequence[str], folder: str, variables: Mapping[str, str], output: str) -> int:
    """The Ray task: run a command on this node.

    Args:
        command: program and arguments.
        folder: working directory, the root of the project.
        variables: all environment variables, but for that in which Ray names the GPUs of this task.
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
                    return process.wait(_POLL_SECONDS)  # Ray's KeyboardInterrupt does not end a longer one
        except BaseException:  # Ray cancels a task by a KeyboardInterrupt, and again as long as the task runs
            process.send_signal(signal.SIGINT)
            deadline = time.monotonic() + _SAVE_SECONDS
            while process.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(KeyboardInterrupt):
                    time.sleep(_POLL_SECONDS)
            process.kill()
            raise


def _prepare_child() -> None:
    """Receive signals, which Ray's workers block; die with the worker, as the stage then runs on another node."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main(arguments: Sequence[str]) -> int:
    """Run a command on the cluster; prints its output as it comes.

    Args:
        arguments: the command.

    Returns:
        Its exit code; 128 + n after signal n.

    Raises:
        UserError: if the cluster cannot be reached, or the task was lost more often than it may be retried.
    """
    ray = ray_cluster.connect(os.environ[ray_cluster.ADDRESS])
    stage = os.environ.get("DVC_STAGE", " ".join(arguments))
    resources: dict[str, float] = json.loads(os.environ[ray_cluster.RESOURCES])
    folder = paths.board_root() / ".strokecast"
    folder.mkdir(exist_ok=True)
    with signals.defer_signals() as received_signal, _printed_file(folder) as output:
        task = ray.remote(run_command).options(name=stage, max_retries=ray_cluster.MAX_RETRIES, **resources)
        result = task.remote([*arguments], str(Path.cwd()), dict(os.environ), str(output))
        received: int | None = None
        while not ray.wait([result], timeout=_POLL_SECONDS)[0]:
            if received is None and (received := received_signal()) is not None:
                ray.cancel(result)
        try:
            code = int(ray.get(result))
        except ray.exceptions.RayError as error:
            if received is None:
                raise UserError(
                    f"the cluster lost this stage: {str(error).strip().splitlines()[0]}",
                    location=stage,
                    fix="check the nodes (`ray status`) and run again: finished work is kept",
                ) from None
            code = 128 + received
    ray.shutdown()
    return code if code >= 0 else 128 - code


@contextlib.contextmanager
def _printed_file(folder: Path) -> Iterator[Path]:
    """Yield an empty file in `folder`; what is appended to it is printed to standard output."""
    descriptor, name = tempfile.mkstemp(prefix="ray-", suffix=".log", dir=folder)
    os.close(descriptor)
    path, ended = Path(name).absolute(), threading.Event()

    def follow(file: BinaryIO) -> None:
        while True:
            last = ended.is_set()
            while part := file.read(65_536):
                sys.stdout.buffer.write(part)
                sys.stdout.buffer.flush()
            if last:
                return
            ended.wait(_POLL_SECONDS)

    with path.open("rb") as file:
        printer = threading.Thread(target=follow, args=(file,))
        printer.start()
        try:
            yield path
        finally:
            ended.set()
            printer.join()
            path.unlink()


def run(arguments: Sequence[str]) -> int:
    """`main`, with a user's mistake as one line."""
    environment.prepare()
    signals.mark_as_stage()
    try:
        return main(arguments)
    except UserError as error:
        print(f"[{os.environ.get('DVC_STAGE', shlex.join(arguments))}] error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))
