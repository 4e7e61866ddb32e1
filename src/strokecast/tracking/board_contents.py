"""What of a training's record its run on the board lacks.

Counts and names only: a value that somebody changed is found by `board.ensure_run(verify=True)`.
"""

from __future__ import annotations

from collections.abc import Iterable

from strokecast.common import files
from strokecast.tracking import store
from strokecast.tracking.run_record import RunRecord
from strokecast.tracking.store_base import RunContents


def missing(contents: RunContents, record: RunRecord, artifact_uri: str) -> list[str]:
    """What the run lacks, in words such as `2 params`; empty if it is complete.

    Args:
        contents: what the board holds of the run.
        record: the training's record.
        artifact_uri: address of the run's artifacts.
    """
    sections = (record.training, record.evaluation)
    metrics = {key: points for section in sections for key, points in section.metrics.items()}
    artifacts = {name: path for section in sections for name, path in section.artifacts.items()}
    missing_metrics = [
        key
        for key, points in metrics.items()
        if contents.latest.get(key) != max(step for step, _, _ in points)
        or (contents.points is not None and contents.points.get(key) != len(points))
    ]
    stored = store.current().file_sizes(artifact_uri)
    missing_artifacts = [name for name, path in artifacts.items() if stored.get(name) != path.stat().st_size]
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
    stored = store.current().file_sizes(location)
    sizes = {name: entry.stat().st_size for name, entry in files.scan_tree(record.pyfunc_dir)}
    return all(stored.get(name) == size for name, size in sizes.items())


def _count(names: Iterable[str], noun: str) -> str:
    count = len(list(names))
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""
