"""The one connection of `strokecast repro` to a Ray cluster, in a process of its own; stages ask it to run their commands.

`strokecast repro` is forked for each stage, which a connection to Ray does not survive. A connection per stage would take
seconds each, and Ray would start new workers for it. This one is served on a Unix socket: a stage (`ray_stage`) sends one
line with its command, perhaps another one to cancel it, and receives one line with the exit code.
"""

from __future__ import annotations

import contextlib
import json
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from strokecast.commands import ray_cluster
from strokecast.commands.ray_task import POLL_SECONDS, run_command
from strokecast.common.errors import UserError

_START_SECONDS = 60.0


@contextlib.contextmanager
def connected(address: str) -> Iterator[tuple[ray_cluster.Cluster, Path]]:
    """Start the process; yields the cluster and the socket.

    The process ends after its last stage, once the block or this process has ended.

    Raises:
        UserError: if the cluster does not answer, or a node does not see the working directory.
    """
    with tempfile.TemporaryDirectory(prefix="strokecast-ray-") as folder:
        path, errors = Path(folder) / "socket", Path(folder) / "errors"
        with (
            errors.open("wb") as stderr,
            subprocess.Popen(
                [sys.executable, "-m", __name__, address, str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,  # Ctrl-C in the terminal reaches the stages, which cancel their tasks
            ) as process,
        ):
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                if not select.select([process.stdout], [], [], _START_SECONDS)[0]:
                    raise UserError(
                        f"the Ray cluster at {address} did not answer within {_START_SECONDS:.0f} s",
                        location="--address",
                        fix="look at it with `ray status`",
                    )
                if not (line := process.stdout.readline()):
                    lines = errors.read_text(errors="replace").strip().splitlines()
                    raise UserError((lines or ["the Ray cluster cannot be used"])[-1])
                yield ray_cluster.Cluster(**json.loads(line)), path
            except UserError:
                process.kill()
                raise
            finally:
                process.stdin.close()


def serve(ray: Any, server: socket.socket) -> None:
    """Answer stages until standard input ends and no stage is left.

    Args:
        ray: connected.
        server: listens.
    """
    stages: list[threading.Thread] = []
    while True:
        ready = select.select([server, sys.stdin], [], [])[0]
        if server in ready:
            stages.append(threading.Thread(target=_answer, args=(ray, server.accept()[0])))
            stages[-1].start()
        elif ready:
            for stage in stages:
                stage.join()
            return


def _answer(ray: Any, stage: socket.socket) -> None:
    """Run the command of one stage; it is cancelled if the stage sends a second line or dies."""
    with stage, stage.makefile("rb", buffering=0) as lines:  # a buffer could hold the second line
        request = json.loads(lines.readline())
        task = ray.remote(run_command).options(
            name=request["stage"], max_retries=ray_cluster.MAX_RETRIES, **request["resources"]
        )
        result = task.remote(request["command"], request["folder"], request["variables"], request["output"])
        cancelled = False
        while not ray.wait([result], timeout=POLL_SECONDS)[0]:
            if not cancelled and select.select([stage], [], [], 0)[0]:
                ray.cancel(result)
                cancelled = True
        code, lost = 0, ""
        try:
            code = int(ray.get(result))
        except ray.exceptions.RayError as error:
            lost = ray_cluster.message(error)
        with contextlib.suppress(OSError):  # the stage has died
            stage.sendall(json.dumps([code, lost]).encode() + b"\n")


def main(address: str, path: Path) -> None:
    """Connect, print the cluster as one line of JSON, and serve.

    Raises:
        UserError: if the cluster does not answer, or a node does not see the working directory.
    """
    with contextlib.redirect_stdout(sys.stderr):  # the first line is the cluster, whatever libraries print
        ray = ray_cluster.connect(address)
        for number in (signal.SIGINT, signal.SIGTERM):  # after Ray has set its own handlers
            signal.signal(number, signal.SIG_IGN)  # `strokecast repro` passes them on to stages, which cancel
        cluster = ray_cluster.inspect(ray, address)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(128)
        print(json.dumps(cluster.__dict__), flush=True)
        serve(ray, server)
    ray.shutdown()


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except UserError as error:
        raise SystemExit(str(error)) from None
