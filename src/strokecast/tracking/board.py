"""Writes runs to the client. `ensure_run` finds a training's run or creates it from its folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.common import files
from strokecast.tracking import run_record, store
from strokecast.tracking.run_record import Point, RunRecord, RunSection

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

MODEL = "model"  # the name of a run's model: `runs:/<run_id>/model`
_OWN_TAGS = ("strokecast.", "mlflow.runName", "mlflow.source.", "mlflow.user")


def ensure_run(
    folder: Path, report: Path | None = None, *, restore: bool = False, verify: bool = False
) -> str | None:
    """Make sure that the board shows the training in `folder` once, and completely.

    An active run with the training's id and the same digest is left unchanged. Missing parts are
    added (the evaluation came after the training; a process was killed). A run that contradicts the
    files (metrics of another evaluation) is marked as superseded, deleted, and created again. A run
    that the user deleted stays deleted.

    Args:
        folder: `models/<task>/<name>/seed-<n>`.
        report: `reports/<task>` if it exists; None leaves the evaluation's part of the run unchanged.
        restore: bring a run that the user deleted back.
        verify: compare the whole run with the files even if its digest matches.

    Returns:
        MLflow's id of the run; None if the user deleted it.

    Raises:
        UserError: if the folder does not hold a finished training.
    """
    record = run_record.read(folder, report)
    store.initialise()
    with store.lock():
        state = store.board_state().get(record.training_id)
        if state is not None and state.lifecycle != "active":
            if not restore:
                return None
            store.client().restore_run(state.run_id)
        elif state is not None and not verify and _is_complete(state, record):
            return state.run_id
        client = store.client()
        if state is None:
            return _write(client, _create(client, record), record, record.evaluation)
        run = client.get_run(state.run_id)
        if _contradicts(client, run, record):
            user_tags = {k: v for k, v in run.data.tags.items() if not k.startswith(_OWN_TAGS)}
            supersede(client, run)
            return _write(client, _create(client, record, user_tags), record, record.evaluation)
        return _write(client, run, record, record.evaluation if record.evaluation.digest else None)


def _is_complete(state: store.RunState, record: RunRecord) -> bool:
    digest_matches = run_record.digest_matches(state.digest, record.training, record.evaluation)
    return state.status == "FINISHED" and digest_matches


def supersede(client: MlflowClient, run: Run) -> None:
    """Delete a run and its model, with a tag that separates it from runs that the user deleted."""
    client.set_tag(run.info.run_id, store.SUPERSEDED, "true")
    for model in models_of(client, run):
        client.delete_logged_model(model.model_id)
    client.delete_run(run.info.run_id)


def active_runs(client: MlflowClient, task: str, training_id: str) -> list[Run]:
    """All active runs of a training; more than one only after an error."""
    experiment = client.get_experiment_by_name(store.experiment_name(task))
    if experiment is None:
        return []
    return list(client.search_runs([experiment.experiment_id], f"tags.`{store.ID}` = '{training_id}'"))


def can_resume(run: Run, started_ms: int, has_checkpoint: bool) -> bool:
    """Whether a training can resume this run. Without a checkpoint, the run must not hold an epoch yet."""
    no_epochs = not any(key.startswith("train/") for key in run.data.metrics)
    unfinished = run.info.status != "FINISHED" and run.info.start_time == started_ms
    return bool(unfinished and (has_checkpoint or no_epochs))


def resume(client: MlflowClient, run: Run, process_tags: Mapping[str, str]) -> None:
    """Set an unfinished run to RUNNING again, in the process that these tags describe."""
    for key, value in process_tags.items():
        client.set_tag(run.info.run_id, key, value)
    if store.FAILURE in run.data.tags:
        client.delete_tag(run.info.run_id, store.FAILURE)
    client.update_run(run.info.run_id, "RUNNING")


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


def create(
    client: MlflowClient,
    task: str,
    name: str,
    start_ms: int,
    tags: Mapping[str, str],
    params: Mapping[str, str],
    dataset: Mapping[str, str],
) -> Run:
    """Create a run with status RUNNING, and log what is known at the start of a training."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Param

    experiment = client.get_experiment_by_name(store.experiment_name(task))
    assert experiment is not None  # created by store.initialise
    run = client.create_run(experiment.experiment_id, start_time=start_ms, tags=dict(tags), run_name=name)
    for batch in store.chunks([Param(key, value) for key, value in params.items()], 100):
        client.log_batch(run.info.run_id, params=batch)
    dataset_entity = Dataset(
        dataset["name"],
        dataset["digest"],
        dataset["source_type"],
        dataset["source"],
        profile=dataset["profile"],
    )
    client.log_inputs(
        run.info.run_id, [DatasetInput(dataset_entity, [InputTag("mlflow.data.context", "training")])]
    )
    return client.get_run(run.info.run_id)


def log_points(
    client: MlflowClient, run_id: str, points: Mapping[str, Any], model_id: str | None = None
) -> None:
    """Log points (step, timestamp, value) by metric name, in order of time."""
    from mlflow.entities import Metric

    metrics = [
        Metric(key, value, time, step, model_id)
        for key, key_points in points.items()
        for step, time, value in key_points
    ]
    metrics.sort(key=lambda metric: (metric.timestamp, metric.step, metric.key))
    for batch in store.chunks(metrics, 1000):
        client.log_batch(run_id, metrics=batch)


def _create(client: MlflowClient, record: RunRecord, user_tags: Mapping[str, str] | None = None) -> Run:
    tags = {**(user_tags or {}), **record.tags}
    return create(client, record.task, record.name, record.start_ms, tags, record.params, record.dataset)


def _write(client: MlflowClient, run: Run, record: RunRecord, evaluation: RunSection | None) -> str:
    """Add the missing parts of `record` to a run. The digest comes last, so a killed write is detected."""
    from mlflow.entities import RunTag

    run_id = run.info.run_id
    earlier_evaluation = (run.data.tags.get(store.DIGEST) or "").partition(":")[2]
    for key in (store.DIGEST, store.FAILURE, *store.PROCESS):
        if key in run.data.tags:
            client.delete_tag(run_id, key)
    model_id = _model_id(client, run, record)
    for section, linked_model in ((record.training, None), (evaluation or RunSection(), model_id)):
        logged = _points(client, run, section.metrics)
        missing = {key: points - logged[key] for key, points in section.metrics.items()}
        log_points(client, run_id, {key: points for key, points in missing.items() if points}, linked_model)
        stored = _stored_artifacts(run)
        for name, path in section.artifacts.items():
            if name not in stored:
                client.log_artifact(run_id, str(path), str(Path(name).parent))
    tags = [RunTag(key, value) for key, value in record.tags.items() if run.data.tags.get(key) != value]
    if tags:
        client.log_batch(run_id, tags=tags)
    if run.info.status != "FINISHED" or run.info.end_time != record.end_ms:
        client.set_terminated(run_id, "FINISHED", record.end_ms)
    digest = f"{record.training.digest}:{earlier_evaluation}"
    if evaluation:
        digest = run_record.digest_tag(record.training, evaluation)
    client.set_tag(run_id, store.DIGEST, digest)
    return run_id


def _model_id(client: MlflowClient, run: Run, record: RunRecord) -> str | None:
    """The id of the run's model; uploads the training's `pyfunc/` if the run has none yet."""
    from mlflow.entities import LoggedModelOutput

    if record.pyfunc_dir is None:
        return None
    output_ids = _output_model_ids(run)
    for earlier in models_of(client, run):
        if earlier.model_id in output_ids:
            return str(earlier.model_id)
        client.delete_logged_model(earlier.model_id)  # partly uploaded when its process was killed
    model = client.create_logged_model(
        run.info.experiment_id,
        MODEL,
        source_run_id=run.info.run_id,
        tags={store.ID: record.training_id},
        params=dict(record.params),
        model_type=record.tags["strokecast.kind"],
    )
    client.log_model_artifacts(model.model_id, str(record.pyfunc_dir))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, 0)])
    return str(model.model_id)


def _contradicts(client: MlflowClient, run: Run, record: RunRecord) -> bool:
    """Whether a value in the run that strokecast wrote differs from the record."""
    if run.info.start_time != record.start_ms or dict(run.data.params) != dict(record.params):
        return True
    inputs = run.inputs.dataset_inputs if run.inputs else []
    dataset = (record.dataset["name"], record.dataset["digest"])
    if [(i.dataset.name, i.dataset.digest) for i in inputs] != [dataset]:
        return True
    output_ids = _output_model_ids(run)
    models = [m for m in models_of(client, run) if m.model_id in output_ids]
    same = (_same_files(_local_path(m.artifact_location), record.pyfunc_dir) for m in models)
    if len(models) != len(output_ids) or not all(same):
        return True
    stored = _stored_artifacts(run)
    sections: list[tuple[RunSection, tuple[str, ...], tuple[str, ...]]] = [
        (record.training, run_record.TRAINING_METRICS, run_record.TRAINING_ARTIFACTS)
    ]
    if record.evaluation.digest:
        sections.append((record.evaluation, (run_record.TEST,), (run_record.TEST,)))
    for section, metric_prefixes, artifact_prefixes in sections:
        keys = {k for k in run.data.metrics if k in section.metrics or k.startswith(metric_prefixes)}
        for key, points in _points(client, run, keys).items():
            if not points <= section.metrics.get(key, frozenset()):
                return True
        for name, path in stored.items():
            expected = section.artifacts.get(name)
            if expected is None and name.startswith(artifact_prefixes):
                return True
            if expected is not None and files.sha256(path) != files.sha256(expected):
                return True
    return False


def _output_model_ids(run: Run) -> set[str]:
    """The ids of the models that are outputs of a run."""
    return {output.model_id for output in run.outputs.model_outputs} if run.outputs else set()


def _points(client: MlflowClient, run: Run, keys: Iterable[str]) -> dict[str, frozenset[Point]]:
    """The logged points of the metrics `keys`."""
    points: dict[str, frozenset[Point]] = {}
    for key in keys:
        history = client.get_metric_history(run.info.run_id, key) if key in run.data.metrics else []
        points[key] = frozenset((m.step, m.timestamp, run_record.stored_float(m.value)) for m in history)
    return points


def _local_path(location: str) -> Path:
    from mlflow.utils.file_utils import local_file_uri_to_path

    return Path(local_file_uri_to_path(location))


def _stored_artifacts(run: Run) -> dict[str, Path]:
    """The artifacts of a run by their path inside it; they are local files."""
    root = _local_path(run.info.artifact_uri)
    return {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}


def _same_files(stored: Path, pyfunc_dir: Path | None) -> bool:
    """Whether `stored` holds every file of `pyfunc_dir`. MLflow adds a file when a model is loaded."""
    if pyfunc_dir is None:
        return False
    pairs = (
        (path, stored / path.relative_to(pyfunc_dir)) for path in pyfunc_dir.rglob("*") if path.is_file()
    )
    return all(copy.is_file() and files.sha256(path) == files.sha256(copy) for path, copy in pairs)
