"""SIGINT and SIGTERM: raised as `Interrupted`, or deferred until a checkpoint is written."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_REPEAT_AFTER = 2.0  # seconds; an earlier second signal counts as the same one
Handler = Callable[[int, Any], None]


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM was received.

    Args:
        number: the signal's number.
        after: the saved progress, such as "after epoch 3, step 12"; empty if nothing was saved.
    """

    def __init__(self, number: int, after: str = "") -> None:
        super().__init__(after or signal.Signals(number).name)
        self.number, self.after = number, after


class _Parent:
    """The process that started this stage. If that `dvc repro` has died, the stage's outputs are no longer needed."""

    pid = 0  # 0: this process is not a stage

    def died(self) -> bool:
        return bool(self.pid and os.environ.get("DVC_STAGE") and os.getppid() != self.pid)


_parent = _Parent()


def mark_as_stage() -> None:
    """Remember the parent process, for `in_stage` and `defer_signals`."""
    _parent.pid = os.getppid()


def in_stage() -> bool:
    """Whether this process runs a stage."""
    return bool(_parent.pid)


def raise_interrupted(number: int, _: Any) -> None:
    """Signal handler that raises `Interrupted`."""
    raise Interrupted(number)


@contextmanager
def handled_by(handler: Handler) -> Iterator[None]:
    """Handle SIGINT and SIGTERM by `handler` inside the block. Does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, previous_handler in previous.items():
            signal.signal(number, previous_handler)


@contextmanager
def defer_signals() -> Iterator[Callable[[], int | None]]:
    """Inside the block, SIGINT and SIGTERM are recorded instead of ending the process at once.

    A second signal after two seconds ends the process immediately.

    Yields:
        `received_signal()`: the number of the received signal, or None. It also returns SIGTERM if the
        `dvc repro` that started this stage has died.
    """
    received: list[tuple[int, float]] = []

    def record(number: int, frame: Any) -> None:
        if received and time.monotonic() - received[0][1] > _REPEAT_AFTER:
            raise_interrupted(number, frame)
        received.append((number, time.monotonic()))

    def received_signal() -> int | None:
        if received:
            return received[0][0]
        return signal.SIGTERM if _parent.died() else None

    with handled_by(record):
        yield received_signal
