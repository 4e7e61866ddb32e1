"""Every row of the leaderboard has an MLflow run with params, tags, curves, metrics, plots, dataset and model."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from typing import Any

import pytest

LOAD = """
import json, sys
import mlflow, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
experiments = [e.experiment_id for e in client.search_experiments()]
out = {}
for run in client.search_runs(experiments):
    model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    if run.data.tags["strokecast.task"] in ("classify", "watch"):
        raw = pd.DataFrame({"strokes": [[[10, 0, 0], [0, 10, 1]], [[5, 5, 0]] * 30 + [[1, 1, 1]]]})
    elif run.data.tags["strokecast.task"] == "draw":
        raw = pd.DataFrame({"class": ["duck"], "n": [2]})
    else:
        days = pd.date_range("2020-01-01", periods=500)
        raw = pd.DataFrame({"ds": days, "y": [100.0 + day.dayofweek for day in days]})
    import strokecast
    out[run.data.tags["strokecast.training_id"]] = {
        "columns": list(model.predict(raw).columns),
        "rows": len(model.predict(raw)),
        "example": model.metadata.saved_input_example_info is not None,
        "inputs": model.metadata.signature.inputs.input_names(),
        "code": strokecast.__file__,
    }
print(json.dumps(out))
"""


@pytest.fixture(scope="module")
def board(built: Any) -> dict[str, Any]:
    runs: dict[str, Any] = built.board()
    return runs


def _trainings(built: Any) -> list[dict[str, Any]]:
    """The rows of the leaderboard, each with the `run.json` and the history of its training."""
    rows = []
    with (built.root / "reports/leaderboard.csv").open() as file:
        for row in csv.DictReader(file):
            folder = built.root / "models" / row["task"] / row["model"] / "seed-1"
            run = json.loads((folder / "run.json").read_text())
            with (folder / "history.csv").open() as history:
                rows.append(row | {"run": run, "history": list(csv.DictReader(history))})
    assert len(rows) == len(built.models)
    return rows


@pytest.mark.slow
def test_each_row_has_a_run_with_every_field(built: Any, board: dict[str, Any]) -> None:
    for row in _trainings(built):
        run_json, run = row["run"], board[row["run"]["training_id"]]
        processed = json.loads((built.root / f"data/processed/{row['task']}/spec.json").read_text())
        assert run["name"] == f"{row['model']}-seed1"
        assert run["status"] == "FINISHED"
        assert (run["start"], run["end"]) == (run_json["started_ms"], run_json["ended_ms"])
        tags = run["tags"]
        assert tags["strokecast.dvc_stage"] == f"train-{row['task']}@{row['model']}"
        assert "mlflow.source.git.commit" in tags or run_json["git_commit"] is None
        config = json.loads(
            (built.root / f"models/{row['task']}/{row['model']}/seed-1/config.json").read_text()
        )
        for key, value in config["config"].items():
            assert run["params"][f"config.{key}"] in (str(value), json.dumps(value)), key
        for key in config["training"] or {}:
            assert f"training.{key}" in run["params"], key
        assert run["params"]["seed"] == str(run_json["seed"])
        assert all(processed["digest"].startswith(digest) for _, digest in run["datasets"])
        assert run["datasets"], "the input dataset with its digest"
        for column in ("train_loss", "valid_loss"):
            points = [
                [int(line["step"]), int(line["timestamp_ms"]), float(line[column])] for line in row["history"]
            ]
            assert run["histories"].get(column.replace("_", "/"), []) == points
        assert any(key.startswith("system/") for key in run["metrics"]), "system metrics"
        assert any(key.startswith("test/") for key in run["metrics"]), "metrics of the test split"
        assert any(name.startswith("test/") and name.endswith(".png") for name in run["artifacts"]), "plots"
        if row["history"]:
            assert any(name.endswith("curves.png") for name in run["artifacts"]), "curves"
        assert "MLmodel" in run["model"], "the model"


@pytest.mark.slow
def test_each_model_loads_from_its_run_and_accepts_raw_input(built: Any) -> None:
    environment = built.environment() | {"PYTHONPATH": ""}
    uri = f"sqlite:///{built.root / 'mlruns/mlflow.db'}"
    result = subprocess.run(
        [sys.executable, "-P", "-c", LOAD, uri],
        cwd=built.root.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    loaded = json.loads(result.stdout.splitlines()[-1])
    for row in _trainings(built):
        model = loaded[row["run"]["training_id"]]
        assert model["example"], "an input example"
        if row["task"] in ("classify", "watch"):
            assert model["columns"][:2] == ["label", "probability"]
            assert (model["inputs"], model["rows"]) == (["strokes"], 2)
        elif row["task"] == "draw":
            assert model["columns"] == ["class", "temperature", "seed", "number", "strokes"]
            assert (model["inputs"], model["rows"]) == (["class", "temperature", "seed", "n"], 2)
        else:
            assert model["columns"][:2] == ["ds", "unique_id"]
            assert model["columns"][2] in ("mean", "median")
            assert model["columns"][3:] == ["lo-50", "hi-50", "lo-80", "hi-80", "lo-95", "hi-95"]
            assert (model["inputs"], model["rows"]) == (["ds", "y", "unique_id"], 7)
