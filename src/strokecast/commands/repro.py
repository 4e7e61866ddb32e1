"""`strokecast repro`: the stages of `dvc repro`, run in parallel if neither depends on the other.

`dvc repro` runs one stage at a time, and training a small network leaves the second core idle. DVC's locks allow several
DVC processes in one project if they write different outputs. So each stage that is out of date runs in a process of its
own, as `dvc repro --single-item` runs it, after the stages that it depends on. The outputs are those of `dvc repro`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from strokecast import params
from strokecast.commands import check, dvc_api, ray_executor, stage_forks, stage_order, workspace
from strokecast.common import pool
from strokecast.common.errors import UserError
from strokecast.training import workers

FIRST = frozenset({"params", "code"})  # these write what all others depend on: settings, digests of the code
_RERUN = "see the error above; fix it and run again, finished stages are kept"
_HEAVY = ("train-", "evaluate-")  # stages that import TensorFlow
_SAVE_SECONDS = 60.0  # in which interrupted stages save their progress and end


def repro(
    jobs: int | None = None,
    gpu: bool | None = None,
    report: Callable[[str], None] = print,
    ray_address: str | None = None,
) -> None:
    """Run all stages that are out of date, then those that always run.

    Args:
        jobs: stages at a time; None: 2, or 1 with a GPU (a training uses all of its memory) or a single
            processor; on a cluster as many as it has resources for.
        gpu: whether there is a GPU; None: detected.
        report: called with each line for the user.
        ray_address: run each stage as a task of this Ray cluster, see `ray_executor`; None: on this machine.

    If TF_CONFIG names several machines, this one has to be the first, and the others run `strokecast worker`. One stage
    runs at a time, because all trainings use the same ports. At the end, the workers end too.

    Raises:
        UserError: if params.yaml or TF_CONFIG is not valid, `workspace.check` finds a fault, another DVC process has locked the
            project, or a stage failed (after the stages that run in parallel have ended).
        SystemExit: 130 on SIGINT, 143 on SIGTERM, after the running stages have saved and ended.
    """
    has_gpu = Path("/dev/nvidia0").exists() if gpu is None else gpu
    settings = params.load()  # before DVC reads the file: DVC's messages do not say what to do
    machines = workers.cluster_of_chief(settings.runtime)
    workspace.check()
    if ray_address is not None and machines:
        raise UserError(
            "TF_CONFIG names machines that share each training, and Ray places each training on one",
            location="strokecast repro --executor ray",
            fix="remove TF_CONFIG, or leave out --executor ray",
        )
    runner: dvc_api.Runner = stage_forks.runner
    plan = dvc_api.plan(report)
    with contextlib.ExitStack() as until_end:
        if plan.stale and ray_address is not None:
            runner, jobs = until_end.enter_context(ray_executor.executor(ray_address, settings, jobs, report))
        jobs = 1 if machines else jobs or default_jobs(has_gpu)
        os.environ["STROKECAST_JOBS"] = str(jobs)
        # Which stages the results of the first ones affect is known after they have run.
        if first := sorted(FIRST & plan.stale):
            check.check()
            _run(dict.fromkeys(first, frozenset()), jobs, partial(plan.reproduce, runner), fork=False)
            plan = dvc_api.plan(report)
        if plan.stale:
            scheduled = plan.stale | {*plan.always}
            needs = {name: needed for name, needed in plan.needs.items() if name in scheduled}
            if ray_address is not None:
                needs = stage_order.longest_first(needs, settings)
            heavy = sum(name.startswith(_HEAVY) for name in needs)
            on_one_machine = ray_address is None and machines is None
            fork = heavy > jobs and not has_gpu and on_one_machine
            _run(needs, jobs, partial(plan.reproduce, runner), fork)
    if machines:
        machines.dismiss()


def _run(
    needs: Mapping[str, frozenset[str]], jobs: int, reproduce: Callable[[str], None], fork: bool
) -> None:
    """Run the stages in `needs`, each after those of them that it depends on.

    Args:
        needs: by stage: the stages that it depends on.
        jobs: stages at a time.
        reproduce: runs one stage.
        fork: import TensorFlow once, in this process, for all stages. Not with a GPU: its driver does not survive a
            fork.
    """
    pending = list(needs)
    with _interruptible() as running:
        while pending or running:
            unfinished = {*pending, *running}
            ready = [name for name in pending if not needs[name] & unfinished]
            if fork and (running or any(name.startswith(_HEAVY) for name in ready)):
                stage_forks.preload(needs)  # in parallel with stages that do not need TensorFlow
                fork = False
            for name in ready[: jobs - len(running)]:
                pending.remove(name)
                running[name] = _start(name, reproduce)
            if fork:
                continue
            failed = [name for name in _ended(running) if running.pop(name).exitcode]
            if failed:
                for process in running.values():
                    process.join()
                raise UserError(f"failed to reproduce {', '.join(failed)}", fix=_RERUN)


def default_jobs(gpu: bool) -> int:
    """The default number of stages at a time: 2, or 1 with a GPU or a single processor."""
    return 1 if gpu else min(2, pool.processors())


def _start(name: str, reproduce: Callable[[str], None]) -> BaseProcess:
    process = multiprocessing.get_context("fork").Process(
        target=_reproduce, args=(name, reproduce), name=name
    )
    process.start()
    return process


def _reproduce(name: str, reproduce: Callable[[str], None]) -> None:
    """Run one stage in this process, which ends afterwards."""
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
    """Wait until a stage ends; returns the names of all stages that have ended."""
    ended = connection.wait([process.sentinel for process in running.values()])
    names = [name for name, process in running.items() if process.sentinel in ended]
    for name in names:
        running[name].join()
    return names


@contextlib.contextmanager
def _interruptible() -> Iterator[dict[str, BaseProcess]]:
    """Yield a dict for the running stages. On SIGINT and SIGTERM they receive the signal and are waited for."""
    running: dict[str, BaseProcess] = {}

    def forward(number: int, _: Any) -> None:
        import psutil

        # Ctrl-C in a terminal reaches all processes; a signal to this process only is forwarded. Not to the direct
        # children: these DVC processes ignore SIGINT, and would die of SIGTERM before their stage has saved.
        for child in psutil.Process().children(recursive=True):
            if child.pid not in {process.pid for process in running.values()}:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.send_signal(number)
        for process in running.values():
            process.join(_SAVE_SECONDS)
        raise SystemExit(128 + number)

    previous = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield running
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
