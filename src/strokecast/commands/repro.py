"""The pipeline run by DVC, with stages side by side if neither depends on the other.

`dvc repro` runs one stage after another, and a small network does not keep a second core busy. DVC's locks allow several
of its processes in one project if these write different outputs. So each stage that is out of date runs in a process of
its own, as `dvc repro --single-item` runs it, once the stages that it depends on are done. The outputs are those of `dvc repro`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from strokecast.commands import dvc_api, stage_forks
from strokecast.common import pool
from strokecast.common.errors import UserError

SETTINGS = "params"  # the stage that writes the settings of all others
_AGAIN = "the line above says why; correct it and run again, finished stages are kept"
_HEAVY = ("train-", "evaluate-")  # stages that import TensorFlow
_LEAVE = 60.0  # seconds that interrupted stages have to save and leave


def repro(jobs: int | None = None, gpu: bool | None = None, report: Callable[[str], None] = print) -> None:
    """Run all stages that are out of date, then those that always run.

    Args:
        jobs: stages at a time; None: two, or one where there is a GPU (a training takes it whole) or
            a single processor.
        gpu: whether there is a GPU; None: looked up.
        report: called with each line for the user.

    Raises:
        UserError: if a stage failed, or another DVC process holds the folder. Stages that ran beside
            the failed one are waited for.
        SystemExit: 130 on SIGINT, 143 on SIGTERM, once the stages that ran have saved and left.
    """
    has_gpu = Path("/dev/nvidia0").exists() if gpu is None else gpu
    at_once = jobs or default_jobs(has_gpu)
    os.environ["STROKECAST_JOBS"] = str(at_once)
    plan = dvc_api.plan(report)
    if SETTINGS in plan.stale:  # which stages its new settings touch is known once it has run
        _run({SETTINGS: frozenset()}, 1, plan.reproduce, fork=False)
        plan = dvc_api.plan(report)
    if plan.stale:
        chosen = plan.stale | {*plan.always}
        needs = {name: needed for name, needed in plan.needs.items() if name in chosen}
        heavy = sum(name.startswith(_HEAVY) for name in needs)
        _run(needs, at_once, plan.reproduce, fork=heavy > at_once and not has_gpu)


def _run(
    needs: Mapping[str, frozenset[str]], jobs: int, reproduce: Callable[[str], None], fork: bool
) -> None:
    """Run the stages `needs`, each once those of them that it depends on are done.

    Args:
        needs: by stage: the stages that it depends on.
        jobs: stages at a time.
        reproduce: runs one stage.
        fork: import TensorFlow here, once, for all stages. Not with a GPU, whose driver does not survive a fork.
    """
    waiting = list(needs)
    with _interruptible() as running:
        while waiting or running:
            unfinished = {*waiting, *running}
            ready = [name for name in waiting if not needs[name] & unfinished]
            if fork and (running or any(name.startswith(_HEAVY) for name in ready)):
                stage_forks.preload()  # while stages that need no TensorFlow run, if there are such
                fork = False
            for name in ready[: jobs - len(running)]:
                waiting.remove(name)
                running[name] = _start(name, reproduce)
            if fork:
                continue
            failed = [name for name in _ended(running) if running.pop(name).exitcode]
            if failed:
                for process in running.values():
                    process.join()
                raise UserError(f"failed to reproduce {', '.join(failed)}", fix=_AGAIN)


def default_jobs(gpu: bool) -> int:
    """Stages at a time if the user does not say how many: two, or one with a GPU or a single processor."""
    return 1 if gpu else min(2, pool.processors())


def _start(name: str, reproduce: Callable[[str], None]) -> BaseProcess:
    process = multiprocessing.get_context("fork").Process(
        target=_reproduce, args=(name, reproduce), name=name
    )
    process.start()
    return process


def _reproduce(name: str, reproduce: Callable[[str], None]) -> None:
    """Run one stage in this process, which then ends."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        reproduce(name)
    except UserError as error:
        print(f"[{name}] error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _ended(running: Mapping[str, BaseProcess]) -> list[str]:
    """The stages that ended, at least one; waits for it."""
    ended = connection.wait([process.sentinel for process in running.values()])
    names = [name for name, process in running.items() if process.sentinel in ended]
    for name in names:
        running[name].join()
    return names


@contextlib.contextmanager
def _interruptible() -> Iterator[dict[str, BaseProcess]]:
    """A place for the running stages, which on SIGINT and SIGTERM are told so and waited for."""
    running: dict[str, BaseProcess] = {}

    def leave(number: int, _: Any) -> None:
        import psutil

        # Ctrl-C reaches every process of the terminal; a signal to this one alone is handed on. What a
        # stage's command is called through ignores SIGINT and would die of SIGTERM before the stage has saved.
        for child in psutil.Process().children(recursive=True):
            if child.pid not in {process.pid for process in running.values()}:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.send_signal(number)
        for process in running.values():
            process.join(_LEAVE)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield running
    finally:
        for number, former in before.items():
            signal.signal(number, former)
