"""Runs a stage's command as a task of a Ray cluster, on any node; `strokecast repro --executor ray` starts it for DVC.

    python -m strokecast.commands.ray_stage python stages/train.py classify gru

DVC sees an ordinary process: lines on its standard output, signals, an exit code. Ray runs the command on a node that has
the resources of the stage, in the same folder, which all nodes share, and with the same environment. Ray starts the
task again elsewhere if the node dies; a training then goes on from its last checkpoint, which lies in the folder. The
connection to the cluster is that of `ray_gateway`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from strokecast.commands.ray_task import POLL_SECONDS, OutputFile, output_file
from strokecast.common import environment, signals
from strokecast.common.errors import UserError

SOCKET = "STROKECAST_RAY_SOCKET"  # variables of stages that run on a cluster
RESOURCES = "STROKECAST_RAY_RESOURCES"


def main(arguments: Sequence[str]) -> int:
    """Run a command on the cluster; prints its output as it comes.

    Args:
        arguments: the command.

    Returns:
        Its exit code; 128 + n after signal n.

    Raises:
        UserError: if the cluster cannot be reached, or the task was lost more often than it may be retried.
    """
    stage = os.environ.get("DVC_STAGE", " ".join(arguments))
    with (
        signals.defer_signals() as received_signal,
        _printed_file() as output,
        _gateway(stage) as gateway,
    ):
        request = {
            "stage": stage,
            "command": list(arguments),
            "folder": str(Path.cwd()),
            "variables": dict(os.environ),
            "output": str(output),
            "resources": json.loads(os.environ[RESOURCES]),
        }
        gateway.sendall(json.dumps(request).encode() + b"\n")
        gateway.settimeout(POLL_SECONDS)
        received: int | None = None
        answer = b""
        while not answer.endswith(b"\n"):
            try:
                part = gateway.recv(4096)
            except TimeoutError:
                if received is None and (received := received_signal()) is not None:
                    gateway.sendall(b"cancel\n")
                continue
            if not part:
                raise ConnectionResetError
            answer += part
    code, lost = json.loads(answer)
    if lost and received is None:
        raise _lost(stage, lost)
    code = 128 + received if lost and received else code
    return code if code >= 0 else 128 - code


def _lost(stage: str, why: str) -> UserError:
    return UserError(
        f"the cluster lost this stage: {why}",
        location=stage,
        fix="check the nodes (`ray status`) and run again: finished work is kept",
    )


@contextlib.contextmanager
def _gateway(stage: str) -> Iterator[socket.socket]:
    """Connect to the gateway; an error of the connection inside the block is one of the cluster."""
    with socket.socket(socket.AF_UNIX) as gateway:
        try:
            gateway.connect(os.environ[SOCKET])
            yield gateway
        except OSError:
            raise _lost(stage, "the connection to it ended") from None


@contextlib.contextmanager
def _printed_file() -> Iterator[Path]:
    """Yield the path of an empty file; what is appended to it is printed to standard output."""
    ended = threading.Event()

    def follow(output: OutputFile) -> None:
        last = False
        while not last:
            last = ended.wait(POLL_SECONDS)
            if part := output.read():
                sys.stdout.buffer.write(part)
                sys.stdout.buffer.flush()

    with output_file() as output:
        printer = threading.Thread(target=follow, args=(output,))
        printer.start()
        try:
            yield output.path
        finally:
            ended.set()
            printer.join()


def run(arguments: Sequence[str]) -> int:
    """`main`, with a user's mistake as one line."""
    environment.prepare()
    signals.mark_as_stage()
    try:
        return main(arguments)
    except UserError as error:
        print(f"[{os.environ.get('DVC_STAGE', shlex.join(arguments))}] error: {error}", file=sys.stderr)
        return 1
    except signals.Interrupted as error:  # a second signal
        return 128 + error.number


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))
