"""What the board in `mlruns/` holds of each run, by plain SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from strokecast.tracking.store_base import RunContents, chunks

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
    "latest": "SELECT run_uuid, key, step FROM latest_metrics WHERE run_uuid IN ({runs})",
    "datasets": """
        SELECT i.destination_id, d.name || char(10) || d.digest, 1 FROM inputs AS i
        JOIN datasets AS d ON d.dataset_uuid = i.source_id
        WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id IN ({runs})
    """,
    "models": _MODELS.format(values="logged_model_params"),
    "model_metrics": _MODELS.format(values="logged_model_metrics"),
}


def read(connection: sqlite3.Connection | None, run_ids: Iterable[str]) -> dict[str, RunContents]:
    """The contents of runs by run id; ids that the database does not have, and all without one, have empty contents."""
    contents = {run_id: RunContents() for run_id in run_ids}
    for batch in chunks(list(contents), 500):  # SQLite limits the number of arguments
        for name, query in _QUERIES.items():
            sql = query.format(runs=", ".join("?" * len(batch)), ready=_READY)
            for run_id, key, count in connection.execute(sql, batch) if connection else ():
                getattr(contents[run_id], name)[key] = count
    return contents
