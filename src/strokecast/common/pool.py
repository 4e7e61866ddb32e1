"""Process pools: a parallel `map` in order and with bounded memory, and a call in a process of its own."""

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
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(function: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
    """Yield `function(item)` for each item, in order, computed at most two items per worker ahead.

    Args:
        function: defined at module level, so that another process can import it; without side effects.
        items: the arguments.
        workers: processes; with fewer than 2, everything runs in this process.
    """
    if workers < 2:
        yield from map(function, items)
        return
    import multiprocessing
    from concurrent.futures import Future, ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        workers, context, initializer=_exit_with_parent, initargs=(os.getpid(),)
    ) as pool:
        pending: deque[Future[R]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) > 2 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _exit_with_parent(parent: int) -> None:
    """End this worker soon after its parent has ended, even if the parent was killed."""

    def watch() -> Any:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run_in_new_process(function: Callable[..., R], arguments: tuple[Any, ...]) -> R:
    """Call a module-level function in a new process, whose memory and settings end with it.

    Exceptions of the function are raised here.
    """
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=_exit_with_parent, initargs=(os.getpid(),)) as pool:
        return pool.submit(function, *arguments).result()
