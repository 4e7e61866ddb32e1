"""The board's store: in `mlruns/`, or at the address in `MLFLOW_TRACKING_URI` if that is a server.

MLflow is imported by the functions that write, and by those that read a server.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from strokecast.tracking.local_store import LocalStore
from strokecast.tracking.store_base import (
    DIGEST,
    FAILURE,
    ID,
    PROCESS,
    SUPERSEDED,
    RunState,
    Store,
    chunks,
    experiment_name,
    folder,
    lock,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = [
    "DIGEST",
    "FAILURE",
    "ID",
    "PROCESS",
    "SUPERSEDED",
    "RunState",
    "Store",
    "board_state",
    "chunks",
    "client",
    "current",
    "experiment_name",
    "finished_runs",
    "folder",
    "initialise",
    "lock",
    "running_runs",
    "training_runs",
    "uri",
    "writing",
]


def current() -> Store:
    """The store of the board."""
    address = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not address.startswith(("http", "postgresql", "mysql", "mssql")):
        return LocalStore()
    from strokecast.tracking.remote_store import RemoteStore, is_remote

    return RemoteStore(address) if is_remote(address) else LocalStore()


def uri() -> str:
    """MLflow's tracking URI of the board; does not touch disk or network."""
    return current().uri


def initialise() -> None:
    """See `Store.initialise`; call it before any write."""
    current().initialise()


def writing() -> AbstractContextManager[None]:
    """See `Store.writing`."""
    return current().writing()


def client() -> MlflowClient:
    """See `Store.client`."""
    return current().client()


def board_state(training_id: str = "") -> dict[str, RunState]:
    """Every training on the board, or a certain one, by training_id: its active run, or the one deleted last.

    Superseded runs are left out. Empty if there is no board yet.
    """
    return dict(training_runs(training_id))


def training_runs(training_id: str = "") -> list[tuple[str, RunState]]:
    """See `Store.training_runs`."""
    return current().training_runs(training_id)


def running_runs() -> list[tuple[str, dict[str, str]]]:
    """See `Store.running_runs`."""
    return current().running_runs()


def finished_runs() -> dict[str, tuple[str, list[str]]]:
    """See `Store.finished_runs`."""
    return current().finished_runs()
