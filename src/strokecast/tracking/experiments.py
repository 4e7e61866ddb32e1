"""The experiments of the tasks, created and restored through MLflow's client."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from strokecast.params.base import TASKS
from strokecast.tracking import board_views
from strokecast.tracking.store_base import experiment_name

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment


def ensure_experiments(client: MlflowClient, artifact_location: Callable[[str], str | None]) -> None:
    """Create or restore the tasks' experiments, and set how the UI shows them. Kind and description of the user stay.

    Args:
        client: of the store.
        artifact_location: name of an experiment → address of its artifacts.
    """
    for task in TASKS:
        name, tags = experiment_name(task), board_views.VIEWS[task].tags()
        experiment = client.get_experiment_by_name(name) or _create(
            client, name, tags, artifact_location(name)
        )
        if experiment is None:
            continue
        if experiment.lifecycle_stage != "active":
            _restore(client, experiment.experiment_id)
        for key, value in tags.items():
            if key not in experiment.tags or (
                key == board_views.SHARED_VIEW and experiment.tags[key] != value
            ):
                client.set_experiment_tag(experiment.experiment_id, key, value)


def _create(
    client: MlflowClient, name: str, tags: dict[str, str], artifact_location: str | None
) -> Experiment | None:
    """Create an experiment; the existing one if another process did that at the same moment."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_experiment(name, artifact_location=artifact_location, tags=tags)
        return None
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return client.get_experiment_by_name(name)


def _restore(client: MlflowClient, experiment_id: str) -> None:
    """Restore a deleted experiment without its runs: runs that the user deleted stay deleted."""
    client.restore_experiment(experiment_id)
    token = None
    runs = []
    while True:
        page = client.search_runs([experiment_id], page_token=token)
        runs += [run.info.run_id for run in page]
        token = page.token
        if not token:
            break
    for run in runs:
        client.delete_run(run)
