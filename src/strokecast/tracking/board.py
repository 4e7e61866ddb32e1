"""The one door to the board: `ensure_run` finds a training's run or makes it from its folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.common import files
from strokecast.tracking import row as rows
from strokecast.tracking import store
from strokecast.tracking.row import Half, Point, Row

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

MODEL = "model"  # the name of a run's model: `runs:/<run_id>/model`
_OURS = ("strokecast.", "mlflow.runName", "mlflow.source.", "mlflow.user")


def ensure_run(
    folder: Path, report: Path | None = None, *, restore: bool = False, verify: bool = False
) -> str | None:
    """Make sure that the board shows the training in `folder` once, and completely.

    An active run with the training's id and the same digest is left as it is. If something is
    missing from it (its evaluation came after the training; a process was killed), that is
    added. If something in it contradicts the files (metrics of another evaluation), the run is
    marked superseded, deleted, and made anew. A run that the user deleted stays deleted.

    Args:
        folder: `models/<task>/<name>/seed-<n>`.
        report: `reports/<task>`, where it exists; None leaves what was evaluated as it is.
        restore: bring a run that the user deleted back.
        verify: look at all that the run holds even if its digest fits.

    Returns:
        MLflow's id of the run; None if the user deleted it.

    Raises:
        UserError: if the folder does not hold a finished training.
    """
    row = rows.read(folder, report)
    store.initialise()
    with store.lock():
        known = store.board_state().get(row.training_id)
        if known is not None and known.lifecycle != "active":
            if not restore:
                return None
            store.client().restore_run(known.run_id)
        elif known is not None and not verify and _fits(known, row):
            return known.run_id
        board = store.client()
        if known is None:
            return _write(board, _create(board, row), row, tested=row.tested)
        run = board.get_run(known.run_id)
        tested = row.tested if row.tested.digest else None
        if _contradicts(board, run, row):
            kept = {k: v for k, v in run.data.tags.items() if not k.startswith(_OURS)}
            supersede(board, run)
            return _write(board, _create(board, row, kept), row, tested=row.tested)
        return _write(board, run, row, tested=tested)


def _fits(known: store.RunState, row: Row) -> bool:
    return known.status == "FINISHED" and rows.matches(known.digest, row.trained, row.tested)


def supersede(board: MlflowClient, run: Run) -> None:
    """Delete a run and its model so that nobody takes it for one that the user deleted."""
    board.set_tag(run.info.run_id, store.SUPERSEDED, "true")
    for model in models_of(board, run):
        board.delete_logged_model(model.model_id)
    board.delete_run(run.info.run_id)


def active_runs(board: MlflowClient, task: str, training_id: str) -> list[Run]:
    """All active runs of a training: one, but for a fault."""
    experiment = board.get_experiment_by_name(store.experiment_name(task))
    if experiment is None:
        return []
    return list(board.search_runs([experiment.experiment_id], f"tags.`{store.ID}` = '{training_id}'"))


def goes_on(run: Run, started_ms: int, resumable: bool) -> bool:
    """Whether an unfinished run can go on: one whose training starts over may hold no epoch yet."""
    fresh = not any(key.startswith("train/") for key in run.data.metrics)
    unfinished = run.info.status != "FINISHED" and run.info.start_time == started_ms
    return bool(unfinished and (resumable or fresh))


def go_on(board: MlflowClient, run: Run, process: Mapping[str, str]) -> None:
    """Mark an unfinished run RUNNING again, in the process that these tags tell of."""
    for key, value in process.items():
        board.set_tag(run.info.run_id, key, value)
    if store.FAILURE in run.data.tags:
        board.delete_tag(run.info.run_id, store.FAILURE)
    board.update_run(run.info.run_id, "RUNNING")


def models_of(board: MlflowClient, run: Run) -> list[LoggedModel]:
    """The models made from a run that are not deleted, whole or half uploaded."""
    found, token = [], None
    while True:
        page = board.search_logged_models(
            [run.info.experiment_id], f"source_run_id = '{run.info.run_id}'", page_token=token
        )
        found += list(page)
        token = page.token
        if not token:
            return found


def create(
    board: MlflowClient,
    task: str,
    name: str,
    start_ms: int,
    tags: Mapping[str, str],
    params: Mapping[str, str],
    dataset: Mapping[str, str],
) -> Run:
    """A new run, RUNNING, with what is known of a training from its start."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Param

    experiment = board.get_experiment_by_name(store.experiment_name(task))
    assert experiment is not None  # made by store.initialise
    run = board.create_run(experiment.experiment_id, start_time=start_ms, tags=dict(tags), run_name=name)
    for batch in store.chunks([Param(key, value) for key, value in params.items()], 100):
        board.log_batch(run.info.run_id, params=batch)
    given = Dataset(
        dataset["name"],
        dataset["digest"],
        dataset["source_type"],
        dataset["source"],
        profile=dataset["profile"],
    )
    board.log_inputs(run.info.run_id, [DatasetInput(given, [InputTag("mlflow.data.context", "training")])])
    return board.get_run(run.info.run_id)


def log_points(
    board: MlflowClient, run_id: str, points: Mapping[str, Any], model_id: str | None = None
) -> None:
    """Log points (step, timestamp, value) by metric name, in the order of their time."""
    from mlflow.entities import Metric

    flat = [
        Metric(key, value, time, step, model_id)
        for key, found in points.items()
        for step, time, value in found
    ]
    flat.sort(key=lambda metric: (metric.timestamp, metric.step, metric.key))
    for batch in store.chunks(flat, 1000):
        board.log_batch(run_id, metrics=batch)


def _create(board: MlflowClient, row: Row, kept: Mapping[str, str] | None = None) -> Run:
    tags = {**(kept or {}), **row.tags}
    return create(board, row.task, row.name, row.start_ms, tags, row.params, row.dataset)


def _write(board: MlflowClient, run: Run, row: Row, tested: Half | None) -> str:
    """Add to a run what it does not hold yet of `row`; its digest comes last, so that a kill shows."""
    from mlflow.entities import RunTag

    run_id = run.info.run_id
    earlier = (run.data.tags.get(store.DIGEST) or "").partition(":")[2]
    for key in (store.DIGEST, store.FAILURE, *store.PROCESS):
        if key in run.data.tags:
            board.delete_tag(run_id, key)
    model = _model(board, run, row)
    for half, linked in ((row.trained, None), (tested or Half(), model)):
        there = _points(board, run, half.metrics)
        missing = {key: points - there[key] for key, points in half.metrics.items()}
        log_points(board, run_id, {key: points for key, points in missing.items() if points}, linked)
        stored = _stored(run)
        for name, path in half.artifacts.items():
            if name not in stored:
                board.log_artifact(run_id, str(path), str(Path(name).parent))
    tags = [RunTag(key, value) for key, value in row.tags.items() if run.data.tags.get(key) != value]
    if tags:
        board.log_batch(run_id, tags=tags)
    if run.info.status != "FINISHED" or run.info.end_time != row.end_ms:
        board.set_terminated(run_id, "FINISHED", row.end_ms)
    digest = rows.digest_tag(row.trained, tested) if tested else f"{row.trained.digest}:{earlier}"
    board.set_tag(run_id, store.DIGEST, digest)
    return run_id


def _model(board: MlflowClient, run: Run, row: Row) -> str | None:
    """The id of the run's model; uploads the training's `pyfunc/` where the run has none yet."""
    from mlflow.entities import LoggedModelOutput

    if row.model is None:
        return None
    logged = _logged(run)
    for found in models_of(board, run):
        if found.model_id in logged:
            return str(found.model_id)
        board.delete_logged_model(found.model_id)  # half uploaded when its process was killed
    model = board.create_logged_model(
        run.info.experiment_id,
        MODEL,
        source_run_id=run.info.run_id,
        tags={store.ID: row.training_id},
        params=dict(row.params),
        model_type=row.tags["strokecast.kind"],
    )
    board.log_model_artifacts(model.model_id, str(row.model))
    board.finalize_logged_model(model.model_id, "READY")
    board.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, 0)])
    return str(model.model_id)


def _contradicts(board: MlflowClient, run: Run, row: Row) -> bool:
    """Whether the run holds anything of ours that the row would have otherwise."""
    if run.info.start_time != row.start_ms or dict(run.data.params) != dict(row.params):
        return True
    data = run.inputs.dataset_inputs if run.inputs else []
    if [(d.dataset.name, d.dataset.digest) for d in data] != [(row.dataset["name"], row.dataset["digest"])]:
        return True
    logged = _logged(run)
    models = [_local(model.artifact_location) for model in models_of(board, run) if model.model_id in logged]
    if len(models) != len(logged) or not all(_holds(place, row.model) for place in models):
        return True
    stored = _stored(run)
    sides: list[tuple[Half, tuple[str, ...], tuple[str, ...]]] = [
        (row.trained, rows.OWN_METRICS, rows.OWN_ARTIFACTS)
    ]
    if row.tested.digest:
        sides.append((row.tested, (rows.TEST,), (rows.TEST,)))
    for half, metrics, artifacts in sides:
        ours = {key for key in run.data.metrics if key in half.metrics or key.startswith(metrics)}
        for key, points in _points(board, run, ours).items():
            if not points <= half.metrics.get(key, frozenset()):
                return True
        for name, path in stored.items():
            wanted = half.artifacts.get(name)
            if wanted is None and name.startswith(artifacts):
                return True
            if wanted is not None and files.sha256(path) != files.sha256(wanted):
                return True
    return False


def _logged(run: Run) -> set[str]:
    """The ids of the models that a run names as its outputs."""
    return {output.model_id for output in run.outputs.model_outputs} if run.outputs else set()


def _points(board: MlflowClient, run: Run, keys: Iterable[str]) -> dict[str, frozenset[Point]]:
    """The points that a run holds of the metrics `keys`."""
    there: dict[str, frozenset[Point]] = {}
    for key in keys:
        history = board.get_metric_history(run.info.run_id, key) if key in run.data.metrics else []
        there[key] = frozenset((m.step, m.timestamp, rows.number(m.value)) for m in history)
    return there


def _local(location: str) -> Path:
    from mlflow.utils.file_utils import local_file_uri_to_path

    return Path(local_file_uri_to_path(location))


def _stored(run: Run) -> dict[str, Path]:
    """The artifacts of a run by their path inside it (the board's artifacts are local files)."""
    place = _local(run.info.artifact_uri)
    return {path.relative_to(place).as_posix(): path for path in sorted(place.rglob("*")) if path.is_file()}


def _holds(place: Path, model: Path | None) -> bool:
    """Whether `place` holds every file of `model` (MLflow adds a file where a model is loaded from)."""
    if model is None:
        return False
    pairs = ((path, place / path.relative_to(model)) for path in model.rglob("*") if path.is_file())
    return all(copy.is_file() and files.sha256(path) == files.sha256(copy) for path, copy in pairs)
