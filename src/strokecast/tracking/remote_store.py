"""The board on an MLflow server, or in a database that `MLFLOW_TRACKING_URI` names, read through MLflow's client.

A server has no lock that several computers share. Within a project, `store_base.lock` orders the writers. Two computers that
log the same training at the same moment may leave two runs: `strokecast sync` keeps one.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from strokecast.common import environment, paths
from strokecast.common.files import new_folder, sha256
from strokecast.params.base import TASKS
from strokecast.tracking import board_views, server_errors
from strokecast.tracking.experiments import ensure_experiments
from strokecast.tracking.store_base import (
    DIGEST,
    ID,
    PROCESS,
    SUPERSEDED,
    RunContents,
    RunState,
    Store,
    VersionState,
    experiment_name,
    folder,
    lock,
)

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel, Run
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

SCHEMES = ("http", "https", "postgresql", "mysql", "mssql")
# A server that is gone costs a training seconds, not MLflow's minutes; and no lines or progress bars of MLflow. The user's
# values are kept.
VARIABLES = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_LISTINGS = 8  # folders of artifacts that are listed at a time

_initialised: set[str] = set()  # stores that this process has initialised


def is_remote(uri: str) -> bool:
    """Whether the board lies at this address, and not in `mlruns/`: `http(s)://`, or a database server."""
    return urlsplit(uri).scheme.partition("+")[0] in SCHEMES


class RemoteStore(Store):
    """The board of a tracking server.

    Args:
        uri: of a server or database.
    """

    is_local = False

    def __init__(self, uri: str) -> None:
        self._uri = _with_driver(uri)
        for name, value in VARIABLES.items():
            os.environ.setdefault(name, value)

    @property
    def uri(self) -> str:
        """The address from `MLFLOW_TRACKING_URI`."""
        return self._uri

    def one_line(self) -> AbstractContextManager[None]:
        """See `Store`."""
        return server_errors.one_line(self._uri)

    def initialise(self) -> None:
        """Create or restore the experiments, once per process. In a new database, MLflow creates its tables."""
        environment.quiet()
        if self._uri in _initialised:
            return
        with self.one_line(), lock():
            ensure_experiments(self.client(), self.artifact_location)
        _initialised.add(self._uri)

    def refresh(self) -> None:
        """A server is always up to date."""

    def check_writable(self) -> None:
        """Nothing to check: a server answers each write."""

    def training_runs(self, training_id: str = "") -> list[tuple[str, RunState]]:
        """See `Store`. The API does not tell when a run was deleted: deleted ones are in the order of their start."""
        condition = f"tags.`{ID}` = '{training_id}'" if training_id else ""
        with self.one_line():
            runs = [
                run
                for run in self._runs(condition, all_=True)
                if ID in run.data.tags and SUPERSEDED not in run.data.tags
            ]
        runs.sort(key=lambda run: (run.info.lifecycle_stage == "active", run.info.start_time or 0))
        return [(run.data.tags[ID], _state(run)) for run in runs]

    def running_runs(self) -> list[tuple[str, dict[str, str]]]:
        """See `Store`."""
        with self.one_line():
            runs = self._runs("attributes.status = 'RUNNING'")
        tags = {
            run.info.run_id: {key: run.data.tags[key] for key in PROCESS if key in run.data.tags}
            for run in runs
        }
        return [(run_id, process) for run_id, process in tags.items() if process]

    def finished_runs(self) -> dict[str, tuple[str, list[str]]]:
        """See `Store`."""
        found = {}
        with self.one_line():
            client = self.client()
            for task in TASKS:
                experiment = client.get_experiment_by_name(experiment_name(task))
                if experiment is not None and experiment.lifecycle_stage == "active":
                    own = [experiment.experiment_id]
                    runs = sorted(
                        _pages(client.search_runs, own, "attributes.status = 'FINISHED'"),
                        key=lambda run: run.info.start_time,
                    )
                    found[task] = (experiment.experiment_id, [run.info.run_id for run in runs])
        return found

    def contents(self, run_ids: Iterable[str]) -> dict[str, RunContents]:
        """See `Store`. Points are not counted: that takes a request per metric."""
        contents = {run_id: RunContents(points=None) for run_id in run_ids}
        with self.one_line():
            if not contents:
                return contents
            runs = {run.info.run_id: run for run in self._runs() if run.info.run_id in contents}
            models = {
                model.model_id: model for model in self._models({r.info.experiment_id for r in runs.values()})
            }
        for run_id, run in runs.items():
            contents[run_id] = _contents(run, models)
        return contents

    def has_model(self, name: str) -> bool:
        """See `Store`."""
        with self.one_line():
            return bool(self.client().search_registered_models(f"name = '{name}'"))

    def alias_version(self, name: str, alias: str) -> int | None:
        """See `Store`."""
        with self.one_line():
            models = self.client().search_registered_models(f"name = '{name}'")
        versions = [model.aliases[alias] for model in models if alias in model.aliases]
        return int(versions[0]) if versions else None

    def version(self, name: str, number: int) -> VersionState | None:
        """See `Store`."""
        with self.one_line():
            for found in _pages(self.client().search_model_versions, f"name = '{name}'"):
                if int(found.version) == number:
                    # Of a version with a model, MLflow's `source` is `models:/<model_id>` in some versions.
                    address = found.source
                    if address.startswith("models:/") and found.model_id:
                        address = self.client().get_logged_model(found.model_id).artifact_location
                    return VersionState(address, int(found.creation_timestamp), dict(found.tags))
        return None

    def file_sizes(self, address: str) -> dict[str, int]:
        """See `Store`."""
        with self.one_line(), ThreadPoolExecutor(_LISTINGS) as pool:
            repository = self._repository(address)
            sizes: dict[str, int] = {}
            folders: list[str | None] = [None]
            while folders:
                entries = [
                    entry for page in pool.map(repository.list_artifacts, folders) for entry in page or ()
                ]
                sizes |= {entry.path: int(entry.file_size or 0) for entry in entries if not entry.is_dir}
                folders = [entry.path for entry in entries if entry.is_dir]
        return sizes

    def differs(self, address: str, files: Mapping[str, Path], thorough: bool) -> bool:
        """See `Store`."""
        if not files:
            return False
        sizes = self.file_sizes(address)
        if any(sizes.get(name) != path.stat().st_size for name, path in files.items()):
            return True
        if not thorough:
            return False
        with self.one_line(), tempfile.TemporaryDirectory() as work_dir:
            copy = Path(self._repository(address).download_artifacts("", work_dir))
            return any(sha256(copy / name) != sha256(path) for name, path in files.items())

    def local_folder(self, address: str, key: str) -> Path:
        """See `Store`; the copy lies in `.strokecast/versions/`."""
        copy = paths.board_root() / ".strokecast" / "versions" / key
        if not copy.is_dir():
            with self.one_line(), new_folder(copy) as staging_dir, tempfile.TemporaryDirectory() as work_dir:
                downloaded = Path(self._repository(address).download_artifacts("", work_dir))
                shutil.copytree(downloaded, staging_dir, dirs_exist_ok=True)
        return copy

    def remove_part(self, address: str) -> None:
        """The server keeps what it has; the model is not ready, and `sync` deletes it."""

    def artifact_location(self, experiment: str) -> str | None:
        """See `Store`. A database has no place of its own for files: they lie in `mlruns/`."""
        if urlsplit(self._uri).scheme in ("http", "https"):
            return None
        return (folder() / "artifacts" / experiment).as_uri()

    def _experiment_ids(self) -> list[str]:
        """The experiments that strokecast made, renamed and deleted ones too."""
        from mlflow.entities import ViewType

        own = f"tags.`{board_views.SHARED_VIEW}` LIKE '%'"
        found = _pages(self.client().search_experiments, view_type=ViewType.ALL, filter_string=own)
        return [experiment.experiment_id for experiment in found]

    def _runs(self, condition: str = "", all_: bool = False) -> list[Run]:
        """The active runs, or all with the deleted ones."""
        from mlflow.entities import ViewType

        own = self._experiment_ids()
        view = ViewType.ALL if all_ else ViewType.ACTIVE_ONLY
        return list(_pages(self.client().search_runs, own, condition, run_view_type=view)) if own else []

    def _models(self, experiment_ids: set[str]) -> Iterator[LoggedModel]:
        if experiment_ids:
            yield from _pages(self.client().search_logged_models, sorted(experiment_ids))

    def _repository(self, address: str) -> ArtifactRepository:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        return get_artifact_repository(address, tracking_uri=self._uri, registry_uri=self._uri)


def _with_driver(uri: str) -> str:
    """The address with psycopg2, the driver of the extra `postgresql`, if SQLAlchemy's default psycopg is not installed."""
    if uri.startswith("postgresql://") and importlib.util.find_spec("psycopg") is None:
        return uri.replace("postgresql://", "postgresql+psycopg2://", 1)
    return uri


def _pages(search: Any, *arguments: Any, **options: Any) -> Iterator[Any]:
    """The results of one of MLflow's searches, page after page."""
    token = None
    while True:
        page = search(*arguments, **options, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _state(run: Run) -> RunState:
    tags = run.data.tags
    return RunState(
        run.info.run_id,
        run.info.lifecycle_stage,
        run.info.status,
        tags.get(DIGEST),
        run.info.artifact_uri,
        run.info.run_name,
        PROCESS[0] in tags,
    )


def _contents(run: Run, models: Mapping[str, LoggedModel]) -> RunContents:
    outputs = run.outputs.model_outputs if run.outputs else []
    linked = [models[output.model_id] for output in outputs if output.model_id in models]
    ready = [model for model in linked if model.status == "READY"]
    if len(ready) != len(outputs):  # another computer deleted a model while this one linked it
        ready = []
    inputs = run.inputs.dataset_inputs if run.inputs else []
    return RunContents(
        params=dict.fromkeys(run.data.params, 1),
        tags=dict.fromkeys(run.data.tags, 1),
        points=None,
        latest={metric.key: metric.step for metric in run.data.to_proto().metrics},
        datasets={f"{entry.dataset.name}\n{entry.dataset.digest}": 1 for entry in inputs},
        models={model.artifact_location: len(model.params or {}) for model in ready},
        model_metrics={model.artifact_location: len(model.metrics or []) for model in ready},
    )
