"""The pipeline run by DVC, with stages that do not wait for each other side by side.

`dvc repro` runs one stage after another, and a small network keeps no second core busy. DVC's own
locks allow several of its processes in one folder where they write different outputs, so each stage
that is out of date is run by a process of its own, as `dvc repro --single-item` runs it, once all that it
stands on is done. What comes out is what `dvc repro` makes.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from strokecast.common import pool
from strokecast.common.errors import UserError

_AGAIN = "its own line stands above; mend it and run again, what is finished stays"
_LEAVE = 60.0  # seconds that interrupted stages have to save and leave


@dataclass(frozen=True)
class Plan:
    """What DVC would run.

    Args:
        needs: by stage, in DVC's order: the stages that it stands on.
        stale: stages that are out of date, or stand on one that is.
        always: stages that run each time and are not out of date otherwise.
    """

    needs: Mapping[str, frozenset[str]]
    stale: frozenset[str]
    always: Sequence[str]


def repro(jobs: int | None = None, gpu: bool | None = None, tell: Callable[[str], None] = print) -> None:
    """Run all stages that are out of date, then those that always run.

    Args:
        jobs: stages at a time; None: two, or one where there is a GPU (a training takes it whole) or
            a single processor.
        gpu: whether there is a GPU; None: looked up.
        tell: takes lines for the user.

    Raises:
        UserError: if a stage failed, or another DVC process holds the folder. Stages that ran beside
            the failed one are waited for.
        SystemExit: 130 on SIGINT, 143 on SIGTERM, once the stages that ran have saved and left.
    """
    with _explained():
        plan = _plan(tell)
    if not plan.stale:
        return
    at_once = jobs or default_jobs(gpu)
    waiting = [name for name in plan.needs if name in plan.stale or name in plan.always]
    os.environ["STROKECAST_JOBS"] = str(at_once)
    with _interruptible() as running:
        while waiting or running:
            open_ = {*waiting, *running}
            ready = [name for name in waiting if not plan.needs[name] & open_]
            for name in ready[: at_once - len(running)]:
                waiting.remove(name)
                running[name] = _start(name)
            failed = [name for name in _ended(running) if running.pop(name).exitcode]
            if failed:
                for process in running.values():
                    process.join()
                raise UserError(f"failed to reproduce {', '.join(failed)}", fix=_AGAIN)


def default_jobs(gpu: bool | None = None) -> int:
    """Stages at a time where nobody says how many."""
    found = Path("/dev/nvidia0").exists() if gpu is None else gpu
    return 1 if found else min(2, pool.processors())


def _plan(tell: Callable[[str], None]) -> Plan:
    """Look at every stage once; if none is out of date, run those that always run, whose place in dvc.lock stays."""
    from dvc.repo import Repo
    from dvc.repo.reproduce import get_active_graph, plan_repro

    with Repo() as repo, repo.lock:
        graph = get_active_graph(repo.index.graph)
        needs: dict[str, frozenset[str]] = {}
        stale: set[str] = set()
        always: list[Any] = []
        for stage in plan_repro(graph):
            name = stage.addressing
            needs[name] = frozenset(other.addressing for other in graph.successors(stage))
            # That a stage always runs is no difference from dvc.lock.
            changed = any(stage.changed_entries()) if stage.always_changed else stage.changed()
            if changed or needs[name] & stale:
                stale.add(name)
            elif stage.always_changed:
                always.append(stage)
        if not stale:
            tell("Data and pipelines are up to date.")
            for stage in always:
                stage.run()
    return Plan(needs, frozenset(stale), [stage.addressing for stage in always])


def _start(name: str) -> BaseProcess:
    process = multiprocessing.get_context("fork").Process(target=_reproduce, args=(name,), name=name)
    process.start()
    return process


def _reproduce(name: str) -> None:
    """Run one stage in this process, which then ends: `dvc --wait-for-lock repro --single-item NAME`."""
    from dvc.repo import Repo

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    logging.getLogger("dvc").setLevel(logging.INFO)
    try:
        with _explained(), Repo(_wait_for_lock=True) as repo:
            repo.scm_context.quiet = True  # else how to add dvc.lock to git is told after each stage
            repo.reproduce([name], single_item=True)
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


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """DVC's errors told in one line, as its own command tells them."""
    from dvc.exceptions import DvcException

    try:
        yield
    except DvcException as error:
        causes, cause = [], error
        while cause is not None:
            causes.append(str(cause))
            cause = cause.__cause__
        raise UserError(": ".join(causes)) from None
