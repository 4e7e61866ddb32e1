"""A run on the board compared with a training's record, value by value, through MLflow's client."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from strokecast.common import files
from strokecast.tracking import run_record, store
from strokecast.tracking.run_record import Point, RunRecord, RunSection
from strokecast.tracking.store_base import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run


def contradicts(client: MlflowClient, run: Run, record: RunRecord, thorough: bool = False) -> bool:
    """Whether a value in the run that strokecast wrote differs from the record.

    Args:
        client: of the board.
        run: of the training.
        record: of the training.
        thorough: compare every byte of files that lie on a server; otherwise their sizes.
    """
    place = store.current()
    if run.info.start_time != record.start_ms or dict(run.data.params) != dict(record.params):
        return True
    inputs = run.inputs.dataset_inputs if run.inputs else []
    dataset = (record.dataset["name"], record.dataset["digest"])
    if [(i.dataset.name, i.dataset.digest) for i in inputs] != [dataset]:
        return True
    output_ids = output_model_ids(run)
    models = [m for m in models_of(client, run) if m.model_id in output_ids]
    if len(models) != len(output_ids):
        return True
    if any(_other_files(place, model.artifact_location, record.pyfunc_dir, thorough) for model in models):
        return True
    stored = place.file_sizes(run.info.artifact_uri)
    sections: list[tuple[RunSection, tuple[str, ...], tuple[str, ...]]] = [
        (record.training, run_record.TRAINING_METRICS, run_record.TRAINING_ARTIFACTS)
    ]
    if record.evaluation.digest:
        sections.append((record.evaluation, (run_record.TEST,), (run_record.TEST,)))
    for section, metric_prefixes, artifact_prefixes in sections:
        keys = {k for k in run.data.metrics if k in section.metrics or k.startswith(metric_prefixes)}
        for key, points in logged_points(client, run, keys).items():
            if not points <= section.metrics.get(key, section.former.get(key, frozenset())):
                return True
        if any(name not in section.artifacts and name.startswith(artifact_prefixes) for name in stored):
            return True
        common = {name: path for name, path in section.artifacts.items() if name in stored}
        if place.differs(run.info.artifact_uri, common, thorough):
            return True
    return False


def output_model_ids(run: Run) -> set[str]:
    """The ids of the models that are outputs of a run."""
    return {output.model_id for output in run.outputs.model_outputs} if run.outputs else set()


def logged_points(client: MlflowClient, run: Run, keys: Iterable[str]) -> dict[str, frozenset[Point]]:
    """The logged points of the metrics `keys`."""
    points: dict[str, frozenset[Point]] = {}
    for key in keys:
        history = client.get_metric_history(run.info.run_id, key) if key in run.data.metrics else []
        points[key] = frozenset((m.step, m.timestamp, run_record.stored_float(m.value)) for m in history)
    return points


def _other_files(place: Store, address: str, pyfunc_dir: Path | None, thorough: bool) -> bool:
    """Whether a file of `pyfunc_dir` is missing at the address or differs. MLflow adds a file when a model is loaded."""
    if pyfunc_dir is None:
        return True
    expected = {name: Path(entry.path) for name, entry in files.scan_tree(pyfunc_dir)}
    return place.differs(address, expected, thorough)


def models_of(client: MlflowClient, run: Run) -> list[LoggedModel]:
    """The models of a run that are not deleted, including partly uploaded ones."""
    models, token = [], None
    while True:
        page = client.search_logged_models(
            [run.info.experiment_id], f"source_run_id = '{run.info.run_id}'", page_token=token
        )
        models += list(page)
        token = page.token
        if not token:
            return models
