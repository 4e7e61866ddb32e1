"""`strokecast worker`: take part in the trainings of `strokecast repro` on another machine."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess

from strokecast.common import environment, signals
from strokecast.common.errors import UserError
from strokecast.training import workers
from strokecast.training.cluster import Cluster, Message

_END_SECONDS = 10.0


def work(report: Callable[[str], None] = print) -> None:
    """Wait for the chief of TF_CONFIG, take part in its trainings one after another, and end when it has no more.

    Each training runs in a process of its own. If it breaks off, because another machine has left, the worker waits for
    the chief again: it may be restarted.

    Args:
        report: called with each line for the user.

    Raises:
        UserError: if TF_CONFIG is missing or not valid, or names this machine first.
    """
    cluster = Cluster.from_environment()
    if cluster is None or cluster.is_chief:
        raise UserError(
            "it is not set, or has a single machine"
            if cluster is None
            else "this machine is the first of it",
            location="environment variable TF_CONFIG",
            fix="set it to all machines and this one's index"
            if cluster is None
            else "run `strokecast repro` here, and `strokecast worker` on the others",
        )
    name = f"[worker {cluster.index}]"
    report(f"{name} waiting for the chief at {cluster.workers[0]}")
    with signals.handled_by(signals.raise_interrupted):
        _serve(cluster, name, report)


def _serve(cluster: Cluster, name: str, report: Callable[[str], None]) -> None:
    """Take part in one training after another."""
    while True:
        announcement = cluster.answer(workers.refusal)
        if announcement.get("done"):
            report(f"{name} done")
            return
        report(f"{name} training {announcement['task']}/{announcement['name']}")
        process = multiprocessing.get_context("fork").Process(
            target=_follow, args=(announcement, name, report)
        )
        process.start()
        try:
            process.join()
        finally:
            _end(process)
        if process.exitcode:
            report(f"{name} the training broke off; waiting for the chief at {cluster.workers[0]}")


def _end(process: BaseProcess) -> None:
    """End a training that still runs: it may wait for another machine, deaf to signals."""
    if process.is_alive():
        process.terminate()
        process.join(_END_SECONDS)
        process.kill()


def _follow(announcement: Message, name: str, report: Callable[[str], None]) -> None:
    environment.prepare()
    try:
        workers.follow(announcement, lambda line: report(f"{name} {line}"))
    except UserError as error:
        print(f"{name} error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
