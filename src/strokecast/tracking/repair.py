"""Repairs of the board that need no training's files: a damaged store, several active runs of one training."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from operator import itemgetter

from strokecast.tracking import local_store, store, store_health


def move_damaged_board(report: Callable[[str], None]) -> None:
    """Move a damaged board in `mlruns/` aside. The next write makes a new one. A server repairs its own.

    Args:
        report: called with one line if the board was damaged.

    Raises:
        BoardError: if the board cannot be read, or the damaged one cannot be moved.
    """
    if not store.current().is_local:
        return
    database = local_store.database()
    try:
        store_health.check(database, thorough=True)
    except store_health.BoardDamagedError as damage:
        with store_health.one_line(database), store.lock():
            place = store_health.move_aside(database)
        report(
            f"{damage.location}: {damage.what}; it is now in {store_health.shown(place)}, with runs of earlier "
            "settings and of failed trainings, which the new board does not have"
        )


def remove_duplicates(report: Callable[[str], None]) -> None:
    """Delete all but one active run of each training, as MLflow deletes runs; its newest finished run stays.

    Runs of trainings that may still run do not count: RUNNING, with the tags of a process.

    Args:
        report: called with one line per training.

    Raises:
        BoardError: if the board cannot be written.
    """
    ended = [
        (id_, state)
        for id_, state in store.training_runs()
        if state.is_active and (state.status != "RUNNING" or not state.has_process)
    ]
    for _, group in groupby(sorted(ended, key=itemgetter(0)), itemgetter(0)):
        states = sorted(
            (state for _, state in group),
            key=lambda state: (state.status == "FINISHED", state.digest is not None, state.run_id),
        )
        if len(states) == 1:
            continue
        from strokecast.tracking import board

        with store.writing():
            client = store.client()
            for state in states[:-1]:
                board.supersede(client, client.get_run(state.run_id))
        report(
            f"{states[-1].name} had {len(states)} active runs: {states[-1].run_id} stays, "
            f"{', '.join(state.run_id for state in states[:-1])} went to MLflow's deleted runs"
        )
