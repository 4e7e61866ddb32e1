"""Writes runs to the client. `ensure_run` finds a training's run or creates it from its folder."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.tracking import board_contents, run_comparison, run_record, store, store_health
from strokecast.tracking.run_record import RunRecord, RunSection

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

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
        restore: bring a run that the user deleted back, and compare every byte with files on a server, too.
        verify: compare the whole run with the files even if its digest matches.

    Returns:
        MLflow's id of the run; None if the user deleted it.

    Raises:
        BoardError: if the board cannot be written.
        UserError: if the folder does not hold a finished training.
    """
    record = run_record.read(folder, report)
    with store.writing():
        state = store.board_state(record.training_id).get(record.training_id)
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
        if not run_comparison.contradicts(client, run, record, thorough=restore):
            run_id = _write(client, run, record, record.evaluation if record.evaluation.digest else None)
            contents = store.current().contents([run_id])[run_id]
            if not board_contents.missing(contents, record, run.info.artifact_uri):
                return run_id
        user_tags = {k: v for k, v in run.data.tags.items() if not k.startswith(_OWN_TAGS)}
        supersede(client, run)
        return _write(client, _create(client, record, user_tags), record, record.evaluation)


def ensure_runs(folders: Iterable[Path], report: Path) -> None:
    """`ensure_run` for finished trainings. If the board cannot be written, one warning says so: `sync` adds the rest."""
    try:
        for folder in folders:
            ensure_run(folder, report)
    except store_health.BoardError as error:
        warn("the metrics are in the reports, but not on the board", error)


def warn(consequence: str, error: store_health.BoardError) -> None:
    """Print one warning line: the work goes on without the board."""
    print(f"warning: {consequence}: {error}", file=sys.stderr, flush=True)


def _is_complete(state: store.RunState, record: RunRecord) -> bool:
    digest_matches = run_record.digest_matches(state.digest, record.training, record.evaluation)
    return state.status == "FINISHED" and digest_matches


def supersede(client: MlflowClient, run: Run) -> None:
    """Delete a run and its model, with a tag that separates it from runs that the user deleted."""
    client.set_tag(run.info.run_id, store.SUPERSEDED, "true")
    for model in run_comparison.models_of(client, run):
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


def terminate(run_id: str, status: str, reason: str) -> None:
    """Set an unfinished run to FAILED or KILLED, with the reason as a tag.

    Raises:
        BoardError: if the board cannot be written.
    """
    with store.writing():
        client = store.client()
        client.set_tag(run_id, store.FAILURE, reason)
        run_tags = client.get_run(run_id).data.tags
        for key in store.PROCESS:
            if key in run_tags:
                client.delete_tag(run_id, key)
        client.set_terminated(run_id, status)


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
    client: MlflowClient,
    run_id: str,
    points: Mapping[str, Any],
    model_id: str | None = None,
    dataset: Mapping[str, str] | None = None,
) -> None:
    """Log points (step, timestamp, value) by metric name, in order of time.

    Args:
        client: of the board.
        run_id: of the run.
        points: by metric name.
        model_id: the model that they measure; they become metrics of that model too.
        dataset: `name` and `digest` of the data that they are of, as an input of the run has them.
    """
    from mlflow.entities import Metric

    link = (model_id, dataset["name"], dataset["digest"]) if model_id and dataset else (model_id, None, None)
    metrics = [
        Metric(key, value, time, step, *link)
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
    stored = store.current().file_sizes(run.info.artifact_uri)
    for section, linked_model in ((record.training, None), (evaluation or RunSection(), model_id)):
        logged = run_comparison.logged_points(client, run, section.metrics)
        missing = {key: points - logged[key] for key, points in section.metrics.items()}
        present = {key: points for key, points in missing.items() if points}
        log_points(client, run_id, present, linked_model, record.dataset)
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
    output_ids = run_comparison.output_model_ids(run)
    for earlier in run_comparison.models_of(client, run):
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
    try:
        client.log_model_artifacts(model.model_id, str(record.pyfunc_dir))
    except OSError:  # the disk is full: free what the part took
        store.current().remove_part(model.artifact_location)
        raise
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, 0)])
    return str(model.model_id)
