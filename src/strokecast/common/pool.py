"""A pool of processes that keeps the order of its work and holds little of it at once."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered(function: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
    """`function` of each item, in their order, at most two items a worker ahead.

    Args:
        function: of a module, so that another process can import it; pure.
        items: what it is applied to.
        workers: processes; with fewer than two the work is done here.
    """
    if workers < 2:
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


def _leave_with(parent: int) -> None:
    """End this worker soon after its parent ended, even if that was killed."""

    def watch() -> Any:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def in_its_own_process(function: Callable[..., R], arguments: tuple[Any, ...]) -> R:
    """`function` of a module called in a new process, whose memory and settings end with it.

    What it raises is raised here.
    """
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=_leave_with, initargs=(os.getpid(),)) as pool:
        return pool.submit(function, *arguments).result()
