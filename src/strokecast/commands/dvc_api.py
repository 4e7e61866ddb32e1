"""All that strokecast uses of DVC beyond its command line, in one place.

DVC's command line starts a Python process per call, 1.5 s of processor time each; a fresh run has about 65 stages, a run
with nothing to do has to end within 4 s. Its public API (`dvc.api`) reads data and cannot run stages. So DVC is imported once and forked
for each stage, through the internals below; `tests/unit/commands/test_dvc_api.py` fails if DVC changes one of them.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strokecast.common.errors import UserError


@dataclass(frozen=True)
class Plan:
    """What DVC would run.

    Attributes:
        needs: by stage, in DVC's order: the stages whose outputs it depends on.
        stale: stages that are out of date, or depend on one that is.
        always: stages that run each time and are not out of date otherwise.
    """

    needs: Mapping[str, frozenset[str]]
    stale: frozenset[str]
    always: Sequence[str]


def plan(report: Callable[[str], None]) -> Plan:
    """Look at every stage once; if none is out of date, run those that always run, whose entry in dvc.lock stays.

    Args:
        report: called with a line if nothing is out of date.

    Raises:
        UserError: if dvc.yaml is not valid, or another DVC process holds the project.
    """
    from dvc.repo import Repo
    from dvc.repo.reproduce import get_active_graph, plan_repro

    with one_line_errors(), Repo() as repo, repo.lock:
        graph = get_active_graph(repo.index.graph)
        needs: dict[str, frozenset[str]] = {}
        stale: set[str] = set()
        always: list[Any] = []
        for stage in plan_repro(graph):
            name = stage.addressing
            needs[name] = frozenset(other.addressing for other in graph.successors(stage))
            # That a stage always runs is not a difference from dvc.lock.
            changed = any(stage.changed_entries()) if stage.always_changed else stage.changed()
            if changed or needs[name] & stale:
                stale.add(name)
            elif stage.always_changed:
                always.append(stage)
        if not stale:
            report("Data and pipelines are up to date.")
            for stage in always:
                stage.run()
    return Plan(needs, frozenset(stale), [stage.addressing for stage in always])


def reproduce(stage: str) -> None:
    """Run one stage in this process, as `dvc --wait-for-lock repro --single-item STAGE` does.

    Raises:
        UserError: if the stage failed.
    """
    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.INFO)
    with one_line_errors(), Repo(_wait_for_lock=True) as repo:
        repo.scm_context.quiet = True  # else DVC prints after each stage how to add dvc.lock to git
        repo.reproduce([stage], single_item=True)


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn DVC's errors into one line each, as its own command prints them."""
    from dvc.exceptions import DvcException

    try:
        yield
    except DvcException as error:
        causes, cause = [], error
        while cause is not None:
            causes.append(str(cause))
            cause = cause.__cause__
        raise UserError(": ".join(causes)) from None
