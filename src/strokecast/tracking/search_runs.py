"""A search on the board: one parent run per study, and one run nested below it per trial.

They are in experiments of their own and have no training_id, so leaderboards do not count them and `strokecast sync` leaves
them alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from strokecast.tracking import board, run_record, store, store_health

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

SEARCH = "strokecast.search"  # tag of the parent and of its trials: the id of the study
_TRIAL = "strokecast.trial"
_STATE = "strokecast.trial_state"
_PARENT = "mlflow.parentRunId"
_STATUS = {"failed": "FAILED", "interrupted": "KILLED"}

T = TypeVar("T")


def experiment_name(task: str) -> str:
    """The MLflow experiment of a task's searches."""
    return f"strokecast-tune-{task}"


class SearchRuns:
    """The runs of one search. If the board cannot be written, one warning says so, and the search goes on without it.

    Several threads may call it.

    Args:
        task: of the model.
        name: of the study, which is shown.
        search_id: of the study, which is unique.
        settings: what all trials have in common, params of the parent.
    """

    def __init__(self, task: str, name: str, search_id: str, settings: Mapping[str, str]) -> None:
        self._task, self._name, self._search_id, self._settings = task, name, search_id, settings
        self._experiment = self._parent = ""
        self._is_on = True
        self._writing = threading.Lock()

    def start(self) -> None:
        """Find the parent of an earlier call, or create it, and set it to RUNNING."""

        def write(client: MlflowClient) -> None:
            self._experiment = self._ensure_experiment(client)
            self._parent = self._ensure_parent(client)
            client.update_run(self._parent, "RUNNING")

        self._write(write)

    def start_trial(self, number: int, values: Mapping[str, Any]) -> str:
        """Create the run of a trial; returns its id, "" if there is no board."""

        def write(client: MlflowClient) -> str:
            from mlflow.entities import Param

            tags = {
                _PARENT: self._parent,
                SEARCH: self._search_id,
                _TRIAL: str(number),
                "strokecast.task": self._task,
            }
            run = client.create_run(self._experiment, tags=tags, run_name=f"{self._name}-{number}")
            params = [Param(key, str(value)) for key, value in values.items()]
            client.log_batch(run.info.run_id, params=params)
            return str(run.info.run_id)

        return self._write(write) or ""

    def log_epoch(self, run_id: str, row: Mapping[str, float | int]) -> None:
        """Log one row of the history of a trial."""
        points = {
            key: {point}
            for key, point in run_record.curve_points({column: str(value) for column, value in row.items()})
        }
        if run_id:
            self._write(lambda client: board.log_points(client, run_id, points))

    def end_trial(
        self, run_id: str, number: int, state: str, score: float | None, best: float | None
    ) -> None:
        """End the run of a trial.

        Args:
            run_id: of the trial; "": it has none.
            number: of the trial.
            state: complete, pruned, failed or interrupted.
            score: of the trial.
            best: score of the best trial so far, a curve of the parent.
        """

        def write(client: MlflowClient) -> None:
            if score is not None:
                client.log_metric(run_id, "score", score)
            if best is not None:
                now = time.time_ns() // 1_000_000
                board.log_points(client, self._parent, {"best_score": {(number, now, best)}})
            client.set_tag(run_id, _STATE, state)
            client.set_terminated(run_id, _STATUS.get(state, "FINISHED"))

        if run_id:
            self._write(write)

    def end(self, status: str) -> None:
        """Set the parent to FINISHED, FAILED or KILLED."""
        if self._parent:
            self._write(lambda client: client.set_terminated(self._parent, status))

    def _write(self, action: Callable[[MlflowClient], T]) -> T | None:
        """Call `action` with a client while the board's lock is held; None, now and from then on, if that fails."""
        with self._writing:
            if not self._is_on:
                return None
            try:
                with store.writing():
                    return action(store.client())
            except store_health.BoardError as error:
                self._is_on = False
                board.warn("the search goes on without the board", error)
                return None

    def _ensure_experiment(self, client: MlflowClient) -> str:
        from mlflow.exceptions import MlflowException

        name = experiment_name(self._task)
        for attempt in range(2):  # another computer may create it at the same moment
            experiment = client.get_experiment_by_name(name)
            if experiment is not None:
                if experiment.lifecycle_stage != "active":
                    client.restore_experiment(experiment.experiment_id)
                return str(experiment.experiment_id)
            try:
                location = store.current().artifact_location(name)
                return str(client.create_experiment(name, artifact_location=location))
            except MlflowException:
                if attempt:
                    raise
        raise AssertionError("unreachable")

    def _ensure_parent(self, client: MlflowClient) -> str:
        """The oldest parent of the study. Computers that create one at the same moment agree on it."""
        if not self._parents(client):
            tags = {SEARCH: self._search_id, "strokecast.task": self._task}
            run = client.create_run(self._experiment, tags=tags, run_name=self._name)
            for key, value in self._settings.items():
                client.log_param(run.info.run_id, key, value)
        oldest, *others = self._parents(client)
        for other in others:
            client.delete_run(other.info.run_id)
        return str(oldest.info.run_id)

    def _parents(self, client: MlflowClient) -> list[Run]:
        condition = f"tags.`{SEARCH}` = '{self._search_id}'"
        runs = client.search_runs([self._experiment], condition, max_results=50_000)
        parents = [run for run in runs if _PARENT not in run.data.tags]
        return sorted(parents, key=lambda run: (run.info.start_time, run.info.run_id))
