"""`stages/train.py` on what needs no network: a rule, several seeds, a model that is switched off, mistakes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from strokecast.models.common import resolve
from strokecast.params.stages import write_stages
from strokecast.tracking import local_store, store

pytestmark = pytest.mark.slow

STAGES = Path(__file__).resolve().parents[3] / "stages"

PARAMS = """
models:
  forecast:
    seasonal_naive_7: {enabled: true, seeds: [1, 5]}
    seasonal_naive_364: {enabled: false}
"""


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "importtime", str(STAGES / script), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"COLUMNS": "80"},
    )


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if not line.startswith("import time:")]


@pytest.fixture
def workspace(project: Path, specs: dict[str, Any]) -> Path:
    Path("params.yaml").write_text(PARAMS)
    Path("data/params").mkdir(parents=True)
    write_stages(Path("data/params"), resolve.load())
    processed = Path("data/processed/forecast")
    for split, first, n in (("train", "2020-01-01", 366), ("valid", "2021-01-01", 59)):
        (processed / split).mkdir(parents=True)
        frame = pd.DataFrame({"ds": pd.date_range(first, periods=n), "y": np.arange(float(n))})
        frame.to_parquet(processed / split / "series.parquet")
    (processed / "spec.json").write_text(json.dumps(specs["forecast"]))
    return project


def test_a_statistical_model_is_fitted_per_seed_and_already_synced(workspace: Path, client: Any) -> None:
    done = run("train.py", "forecast", "seasonal_naive_7")
    assert done.returncode == 0, done.stderr
    assert errors(done) == []
    assert "tensorflow" not in {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert [line.split(" (")[0] for line in done.stdout.splitlines()] == [
        "[train-forecast@seasonal_naive_7] training seasonal_naive_7",
        "[train-forecast@seasonal_naive_7] statistical model, fitted on the training days in 0.0 s; statistical model, fitted on the training days in 0.0 s",
    ]
    home = Path("models/forecast/seasonal_naive_7")
    expected = {"calibration.json", "config.json", "history.csv", "model.json", "pyfunc"}
    expected |= {"run.json", "spec.json", "system.csv", "validation.json", "validation_forecasts.npz"}
    assert {path.name for path in home.iterdir()} == {"seed-1", "seed-5"}
    folders = [home / "seed-1", home / "seed-5"]
    assert all({path.name for path in folder.iterdir()} == expected for folder in folders)
    runs = [json.loads((folder / "run.json").read_text()) for folder in folders]
    assert [run_json["seed"] for run_json in runs] == [1, 5]
    state = store.board_state()
    assert {run_json["training_id"] for run_json in runs} == set(state)
    names = {client.get_run(state_of_run.run_id).info.run_name for state_of_run in state.values()}
    assert names == {"seasonal_naive_7-seed1", "seasonal_naive_7-seed5"}
    assert [path.name for path in Path("models/forecast").iterdir()] == ["seasonal_naive_7"], (
        "no temporary folder"
    )
    synced = run("sync.py")
    assert "board complete: 2 trainings, 0 added" in synced.stdout
    assert "mlflow" not in {line.split("|")[-1].strip() for line in synced.stderr.splitlines()}


def test_a_damaged_board_costs_a_training_one_warning_and_ends_sync_with_one_line(workspace: Path) -> None:
    local_store.database().write_bytes(b"not a database" * 1000)
    done = run("train.py", "forecast", "seasonal_naive_7")
    assert done.returncode == 0, done.stderr
    damaged = (
        "mlruns/mlflow.db: the MLflow board is damaged: file is not a database; run `strokecast sync --restore`: it moves the "
        "damaged board aside and makes a new one from models/ and reports/"
    )
    warning = f"warning: the training goes on, and `sync` adds it to the board later: {damaged}"
    assert errors(done) == [warning] * 2, "one per seed"
    folders = list(Path("models/forecast/seasonal_naive_7").iterdir())
    assert all(json.loads((folder / "run.json").read_text())["status"] == "finished" for folder in folders)
    synced = run("sync.py")
    assert (synced.returncode, errors(synced)) == (1, [f"[sync] error: {damaged}"])


def test_a_model_that_is_switched_off_has_status_off_and_no_run(workspace: Path, active: Any) -> None:
    done = run("train.py", "forecast", "seasonal_naive_364")
    assert done.returncode == 0, done.stderr
    assert "switched off in params.yaml" in done.stdout
    home = Path("models/forecast/seasonal_naive_364")
    assert [path.name for path in home.iterdir()] == ["run.json"]
    expected = {"status": "off", "task": "forecast", "name": "seasonal_naive_364"}
    assert json.loads((home / "run.json").read_text()) == expected
    assert active() == []


def test_a_failing_training_keeps_the_previous_model_and_has_a_failed_run(
    workspace: Path, active: Any
) -> None:
    home = Path("models/forecast/seasonal_naive_7")
    home.mkdir(parents=True)
    (home / "model.json").write_text("the former one")
    Path("data/processed/forecast/valid/series.parquet").unlink()
    done = run("train.py", "forecast", "seasonal_naive_7")
    assert done.returncode != 0
    assert [path.name for path in home.iterdir()] == ["model.json"]
    assert [path.name for path in home.parent.iterdir()] == ["seasonal_naive_7"]
    [failed] = active()
    assert failed.info.status == "FAILED"
    assert "series.parquet" in failed.data.tags[store.FAILURE]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("forecast", "prophet"), "data/params/train-forecast/prophet.json: no such file"),
        (("classify", "gru"), "data/params/train-classify/gru.json: no such file"),
    ],
)
def test_an_unknown_model_is_an_error_of_one_line(
    workspace: Path, arguments: tuple[str, str], message: str, active: Any
) -> None:
    done = run("train.py", *arguments)
    assert done.returncode == 1
    [line] = errors(done)
    assert message in line
    assert not Path("models").exists()
    assert active() == []
