"""Print every active run of a board as JSON by training_id, without the ids and times that MLflow assigns.

The argument is the folder `mlruns`, or the address of a server.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities import ViewType

from strokecast.tracking.store_health import sqlite_uri


def describe(uri: str) -> dict[str, object]:
    mlflow.set_tracking_uri(uri)
    client = MlflowClient()
    experiments = [e.experiment_id for e in client.search_experiments(view_type=ViewType.ACTIVE_ONLY)]
    board: dict[str, object] = {}
    for run in client.search_runs(experiments, run_view_type=ViewType.ACTIVE_ONLY, max_results=1000):
        training_id = run.data.tags["strokecast.training_id"]
        if training_id in board:
            raise SystemExit(f"training {training_id} has two active runs")
        histories = {
            key: sorted(
                (m.step, m.timestamp, m.value) for m in client.get_metric_history(run.info.run_id, key)
            )
            for key in run.data.metrics
        }
        artifacts: dict[str, str] = {}
        if client.list_artifacts(run.info.run_id):  # a running training has no artifacts
            folder = Path(download_artifacts(run_id=run.info.run_id, artifact_path=""))
            artifacts = {
                path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            }
        outputs = run.outputs.model_outputs if run.outputs else []
        model_files: dict[str, str] = {}
        for output in outputs:
            model_dir = Path(download_artifacts(artifact_uri=f"models:/{output.model_id}"))
            for path in sorted(model_dir.rglob("*")):
                if path.is_file() and path.name != "registered_model_meta":
                    model_files[path.relative_to(model_dir).as_posix()] = hashlib.sha256(
                        path.read_bytes()
                    ).hexdigest()
        board[training_id] = {
            "name": run.info.run_name,
            "status": run.info.status,
            "start": run.info.start_time,
            "end": run.info.end_time,
            "params": dict(sorted(run.data.params.items())),
            "tags": {k: v for k, v in sorted(run.data.tags.items()) if k != "mlflow.log-model.history"},
            "metrics": dict(sorted(run.data.metrics.items())),
            "histories": dict(sorted(histories.items())),
            "datasets": sorted((d.dataset.name, d.dataset.digest) for d in run.inputs.dataset_inputs),
            "artifacts": artifacts,
            "model": model_files,
        }
    return board


if __name__ == "__main__":
    place = sys.argv[1]
    print(json.dumps(describe(place if "://" in place else sqlite_uri(Path(place) / "mlflow.db"))))
