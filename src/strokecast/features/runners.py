"""Where the units of `preprocess@classify` are worked on: here, in a pool of processes, or on Beam.

Every runner gives the same bytes: the functions are pure, and what they give is put together in the
order of the units.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

from strokecast.features import shards
from strokecast.params import Preprocess
from strokecast.stage import progress

T = TypeVar("T")
R = TypeVar("R")
POOL_FROM = 16  # units; starting processes costs more than it saves below


class Runner(Protocol):
    """Looks at units, and writes TFRecord files."""

    def look(self, units: Sequence[shards.Unit]) -> list[shards.Look]:
        """What each unit holds, in their order."""

    def write(self, tasks: Sequence[shards.Task], names: Sequence[str], folder: Path) -> None:
        """Write the files `names` of a plan into `folder`, below folders that are there."""


def get(settings: Preprocess) -> Runner:
    """The runner of `preprocess` in params.yaml.

    Raises:
        UserError: if it is `beam` and Apache Beam is not installed.
    """
    if settings.runner == "beam":
        from strokecast.features.beam import Beam

        return Beam(settings.beam_options)
    return Local(settings.workers)


class Local:
    """This machine: this process for little work, else a pool of processes.

    Args:
        workers: processes; None: one a processor.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or _processors()

    def look(self, units: Sequence[shards.Unit]) -> list[shards.Look]:
        """See `Runner.look`."""
        return list(progress(self._map(shards.look, units), "looking", len(units), " units"))

    def write(self, tasks: Sequence[shards.Task], names: Sequence[str], folder: Path) -> None:
        """See `Runner.write`; memory holds a few units, whatever their number."""
        with ExitStack() as stack:
            files: dict[str, BinaryIO] = {
                name: stack.enter_context((folder / name).open("wb")) for name in names
            }
            for made in progress(self._map(shards.encode, tasks), "encoding", len(tasks), " units"):
                for name, data in made.items():
                    files[name].write(data)
                made.clear()  # or it would stay while the next unit is encoded

    def _map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """`function` of each item, in their order, at most two items a worker ahead."""
        workers = min(self.workers, len(items))
        if workers < 2 or len(items) < POOL_FROM:
            yield from map(function, items)
            return
        import multiprocessing
        from concurrent.futures import Future, ProcessPoolExecutor

        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, initializer=_leave_with, initargs=(os.getpid(),)) as pool:
            waiting: deque[Future[R]] = deque()
            try:
                for item in items:
                    waiting.append(pool.submit(function, item))
                    if len(waiting) > 2 * workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _leave_with(parent: int) -> None:
    """End this worker soon after its parent ended, even if that was killed."""

    def watch() -> Any:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
