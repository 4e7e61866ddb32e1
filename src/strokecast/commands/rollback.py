"""`strokecast rollback` and `strokecast champions`: goes back to the former champion, and lists the present ones."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from strokecast.common.errors import UserError
from strokecast.evaluation.common.tables import to_markdown
from strokecast.tracking import champion_records, registry

_FIX = "promote a model with `strokecast promote`"


def rollback(task: str, reason: str = "", report: Callable[[str], None] = print) -> str:
    """Make the version that the champion replaced the champion again.

    Args:
        task: one of `strokecast.params.TASKS`.
        reason: recorded with the version that is left.
        report: receives a line if another promotion runs.

    Returns:
        The outcome in one line.

    Raises:
        UserError: if there is no champion, or it replaced none, or that one was deleted. Nothing has changed then.
        BoardError: if the board cannot be read or written.
    """
    reason = registry.check_reason(reason)
    with registry.exclusive(task, report):
        current = registry.champion(task)
        if current is None:
            raise UserError(f"{task} has no champion", location=registry.name(task), fix=_FIX)
        replaced = current.tag("replaced")
        if not replaced:
            raise UserError(
                f"{current.label} is the first champion of {task}", location=registry.name(task), fix=_FIX
            )
        former = registry.version(task, int(replaced))
        if former is None:
            raise UserError(
                f"version {replaced}, which {current.label} replaced, was deleted",
                location=registry.name(task),
                fix=_FIX,
            )
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        registry.set_tags(current, {"rolled_back": now, "rollback_reason": reason})
        champion_records.set_champion(former)
    return f"{former.label} of {registry.name(task)} is the champion of {task} again; before: {current.label}"


def list_champions() -> str:
    """The champions of all tasks as a table, or one line if there are none.

    Raises:
        UserError: if the files of a champion are gone.
        BoardError: if the board cannot be read.
    """
    champions = registry.champions()
    if not champions:
        return f"no task has a champion; {_FIX}"
    header = ("task", "model", "version", "promoted", "test score", "replaced", "reason")
    rows = [
        (
            task,
            one.training,
            str(one.version),
            one.tag("promoted").partition("T")[0],
            f"{one.tag('metric')} {one.tag('value')}",
            one.tag("replaced") or "-",
            one.tag("reason") or "-",
        )
        for task, one in champions.items()
    ]
    return to_markdown(header, rows).rstrip()
