"""What the board holds of each run, counted by plain SQL, and what of a training's record it lacks.

Counts and names only: a value that somebody changed is found by `board.ensure_run(verify=True)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlparse

from strokecast.common import files
from strokecast.tracking import store
from strokecast.tracking.run_record import RunRecord

_READY = 2  # MLflow's number of the status READY of a logged model
_MODELS = """
    SELECT m.source_run_id, m.artifact_location,
        (SELECT count(*) FROM {values} AS v WHERE v.model_id = m.model_id)
    FROM logged_models AS m
    JOIN inputs AS i ON i.source_type = 'RUN_OUTPUT' AND i.source_id = m.source_run_id
        AND i.destination_type = 'MODEL_OUTPUT' AND i.destination_id = m.model_id
    WHERE m.status = {{ready}} AND m.lifecycle_stage = 'active' AND m.source_run_id IN ({{runs}})
"""
_QUERIES = {
    "params": "SELECT run_uuid, key, 1 FROM params WHERE run_uuid IN ({runs})",
    "tags": "SELECT run_uuid, key, 1 FROM tags WHERE run_uuid IN ({runs})",
    "points": "SELECT run_uuid, key, count(*) FROM metrics WHERE run_uuid IN ({runs}) GROUP BY run_uuid, key",
    "latest": "SELECT run_uuid, key, 1 FROM latest_metrics WHERE run_uuid IN ({runs})",
    "datasets": """
        SELECT i.destination_id, d.name || char(10) || d.digest, 1 FROM inputs AS i
        JOIN datasets AS d ON d.dataset_uuid = i.source_id
        WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id IN ({runs})
    """,
    "models": _MODELS.format(values="logged_model_params"),
    "model_metrics": _MODELS.format(values="logged_model_metrics"),
}


@dataclass
class RunContents:
    """Names and numbers of what one run holds.

    Attributes:
        params, tags, latest: names as keys.
        points: number of points by metric.
        datasets: `<name>\\n<digest>` as keys.
        models: number of params of each logged model that is ready and linked to the run, by the address of its files.
        model_metrics: number of metrics of these models, by the same address.
    """

    params: dict[str, int] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    points: dict[str, int] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)
    datasets: dict[str, int] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    model_metrics: dict[str, int] = field(default_factory=dict)


def read(run_ids: Iterable[str]) -> dict[str, RunContents]:
    """The contents of runs by run id; ids that the board does not have have empty contents.

    Raises:
        BoardError: if the board cannot be read.
    """
    contents = {run_id: RunContents() for run_id in run_ids}
    with store.read_only_connection() as connection:
        for batch in store.chunks(list(contents), 500):  # SQLite limits the number of arguments
            for name, query in _QUERIES.items():
                sql = query.format(runs=", ".join("?" * len(batch)), ready=_READY)
                for run_id, key, count in connection.execute(sql, batch) if connection else ():
                    getattr(contents[run_id], name)[key] = count
    return contents


def missing(contents: RunContents, record: RunRecord, artifact_dir: Path) -> list[str]:
    """What the run lacks, in words such as `2 params`; empty if it is complete.

    Args:
        contents: what the board holds of the run.
        record: the training's record.
        artifact_dir: folder of the run's artifacts.
    """
    sections = (record.training, record.evaluation)
    points = {key: len(values) for section in sections for key, values in section.metrics.items()}
    artifacts = {name: path for section in sections for name, path in section.artifacts.items()}
    missing_metrics = [
        key
        for key, count in points.items()
        if contents.points.get(key) != count or key not in contents.latest
    ]
    missing_artifacts = [
        name for name, path in artifacts.items() if not _same_size(artifact_dir / name, path)
    ]
    dataset = f"{record.dataset['name']}\n{record.dataset['digest']}"
    parts = (
        _count(record.params.keys() - contents.params.keys(), "param"),
        _count(record.tags.keys() - contents.tags.keys(), "tag"),
        _count(missing_metrics, "metric"),
        _count(missing_artifacts, "artifact"),
        "" if dataset in contents.datasets else "the dataset",
        "" if _has_model(contents, record) else "the model",
    )
    return [part for part in parts if part]


def _has_model(contents: RunContents, record: RunRecord) -> bool:
    if record.pyfunc_dir is None:
        return True
    if len(contents.models) != 1:
        return False
    [location] = contents.models
    if contents.models[location] < len(record.params):
        return False
    if contents.model_metrics[location] < len(record.evaluation.metrics):
        return False
    stored = _sizes(Path(unquote(urlparse(location).path)))
    return all(stored.get(name) == size for name, size in _sizes(record.pyfunc_dir).items())


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of every file in a folder by its relative path; empty if the folder does not exist."""
    return {name: entry.stat().st_size for name, entry in files.scan_tree(folder)}


def _same_size(stored: Path, path: Path) -> bool:
    try:
        return stored.stat().st_size == path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return False


def _count(names: Iterable[str], noun: str) -> str:
    count = len(list(names))
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""
