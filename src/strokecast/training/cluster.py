"""The machines that share a training: who they are, by TF_CONFIG, and how they meet before TensorFlow connects them.

TensorFlow's own servers wait for each other without a word, and give up with a page of C++ messages. So the machines meet
first, on the address that TF_CONFIG gives the first of them, the *chief*: it listens there, the other workers call, and
each hears which training comes next. The chief then frees the port for TensorFlow. A message is a line of JSON:

    worker → chief   {"index": 1}
    chief → worker   {"task": "classify", "name": "gru", ...}   what comes next
    worker → chief   {"refusal": null}                          or why this worker cannot take part
    chief → worker   {"go": true}                               all workers are there
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from strokecast.common.errors import UserError

_RETRY = 0.5  # seconds between two calls of a worker
_REPLY_TIMEOUT = 60.0  # seconds for one message; a worker reads its data's spec.json before it replies
_MAX_LINE = 1_000_000  # bytes of a message
_EXAMPLE = '{"cluster": {"worker": ["host-a:4000", "host-b:4000"]}, "task": {"type": "worker", "index": 0}}'

Message = dict[str, Any]


@dataclass(frozen=True)
class Cluster:
    """The machines of TF_CONFIG.

    Attributes:
        workers: `host:port` of each machine, the chief first.
        index: this machine's place among them.
    """

    workers: tuple[str, ...]
    index: int

    @classmethod
    def from_environment(cls) -> Self | None:
        """The cluster of the environment variable TF_CONFIG; None if it is not set or names a single machine.

        Raises:
            UserError: if it is not valid.
        """
        text = os.environ.get("TF_CONFIG", "").strip()
        if not text:
            return None
        try:
            config = json.loads(text)
            jobs, task = config["cluster"], config["task"]
            kind, number = task["type"], int(task["index"])
            if not set(jobs) <= {"chief", "worker"} or kind not in jobs or not 0 <= number < len(jobs[kind]):
                raise ValueError
            chiefs = tuple(map(str, jobs.get("chief", ())))
            workers = chiefs + tuple(map(str, jobs.get("worker", ())))
            for address in workers:
                _address(address)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UserError(
                "it does not describe chief and workers and this machine's task among them",
                location="environment variable TF_CONFIG",
                allowed=_EXAMPLE,
            ) from None
        index = number if kind == "chief" else len(chiefs) + number
        return cls(workers, index) if len(workers) > 1 else None

    @property
    def is_chief(self) -> bool:
        """Whether this machine writes checkpoints and results."""
        return self.index == 0

    def gather(self, announcement: Mapping[str, Any], timeout: float) -> None:
        """On the chief: wait until all other workers have called, and announce what comes next.

        Args:
            announcement: JSON values.
            timeout: seconds.

        Raises:
            UserError: if a worker does not come in time or refuses, or the port is taken.
        """
        expected, deadline = set(range(1, len(self.workers))), time.monotonic() + timeout
        with contextlib.ExitStack() as open_sockets:
            server = open_sockets.enter_context(self._listen())
            calls: dict[int, _Stream] = {}
            while missing := expected - set(calls):
                server.settimeout(max(0.01, deadline - time.monotonic()))
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    names = ", ".join(f"{index} ({self.workers[index]})" for index in sorted(missing))
                    raise UserError(
                        f"worker {names} did not come within {timeout:g} s",
                        location="environment variable TF_CONFIG",
                        fix="run `strokecast worker` there, or raise runtime.worker_timeout",
                    ) from None
                stream = open_sockets.enter_context(_lines(connection))
                with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                    index = int(stream.read()["index"])
                    if index in missing:
                        calls[index] = stream
            self._announce(calls, announcement)

    def _announce(self, calls: Mapping[int, _Stream], announcement: Mapping[str, Any]) -> None:
        for index, stream in calls.items():
            try:
                stream.write(announcement)
                refusal = None if announcement.get("done") else stream.read()["refusal"]
            except (OSError, ValueError, KeyError):
                refusal = "it hung up"
            if refusal:
                raise UserError(f"worker {index} ({self.workers[index]}) cannot take part: {refusal}")
        for stream in calls.values():
            with contextlib.suppress(OSError):  # TensorFlow reports a worker that has left since
                stream.write({"go": True})

    def dismiss(self, timeout: float = 10.0) -> None:
        """On the chief: tell the workers that no training follows. Those that do not call in time are left alone."""
        with contextlib.suppress(UserError):
            self.gather({"done": True}, timeout)

    def answer(self, refuse: Callable[[Message], str | None]) -> Message:
        """On a worker: call the chief until it answers, and return what it announces.

        Args:
            refuse: (announcement) → why this worker cannot take part, or None.

        Returns:
            An announcement that this worker has not refused, after all workers have come; {"done": true} at the end.
        """
        while True:
            announcement: Message = {}
            try:
                with _lines(
                    socket.create_connection(_address(self.workers[0]), timeout=_REPLY_TIMEOUT)
                ) as stream:
                    stream.connection.settimeout(None)
                    stream.write({"index": self.index})
                    announcement = stream.read()
                    if announcement.get("done"):
                        return announcement
                    refusal = refuse(announcement)
                    stream.write({"refusal": refusal})
                    if refusal is None and stream.read().get("go"):
                        return announcement
            except (OSError, ValueError):  # nobody listens yet, or TensorFlow does
                pass
            time.sleep(_RETRY)

    def _listen(self) -> socket.socket:
        port = _address(self.workers[0])[1]
        try:
            return socket.create_server(("", port), backlog=len(self.workers))
        except OSError as error:
            raise UserError(
                f"port {port} cannot be opened: {error.strerror}",
                location="environment variable TF_CONFIG",
                fix="end the process that uses it, or choose another port",
            ) from None


def _address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not host:
        raise ValueError(text)
    return host.strip("[]"), int(port)


@contextlib.contextmanager
def _lines(connection: socket.socket) -> Iterator[_Stream]:
    """Close the connection after the block."""
    connection.settimeout(_REPLY_TIMEOUT)
    with connection, connection.makefile("rwb") as file:
        yield _Stream(connection, file)


@dataclass(frozen=True)
class _Stream:
    """A connection that carries a JSON object per line."""

    connection: socket.socket
    file: Any

    def read(self) -> Message:
        """The next message.

        Raises:
            OSError: if the other side has hung up or says nothing.
            ValueError: if it does not speak JSON.
        """
        line = self.file.readline(_MAX_LINE)
        if not line:
            raise ConnectionError("hung up")
        message = json.loads(line)
        if not isinstance(message, dict):
            raise ValueError("not an object")
        return message

    def write(self, message: Mapping[str, Any]) -> None:
        """Send a message."""
        self.file.write(json.dumps(message).encode() + b"\n")
        self.file.flush()
