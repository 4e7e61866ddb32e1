"""Hand-made trainings as the train stage leaves them, and a look at runs without MLflow's own ids."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strokecast.common.paths import model_dir

ID = "0b9e2f6c-7a51-4f0e-8d53-5c6f2f3f9a01"
START = 1_750_000_000_000

CONFIGS: dict[str, dict[str, Any]] = {
    "gru": {"units": 8, "layers": 1, "dropout": 0.0, "bidirectional": False}
}

KINDS = {"seasonal_naive_7": "rule", "seasonal_naive_364": "rule", "logistic": "estimator"}
MODEL_FILES = {"network": "model.keras", "rule": "model.json", "estimator": "model.npz"}


@pytest.fixture(scope="session")
def fresh_board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as `initialise` makes it: made once, as MLflow's migrations take seconds."""
    from strokecast.tracking import store

    root = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(root))
        store.initialise()
        return store.database()


@pytest.fixture
def empty_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project as the working folder and the board's root; its name is an awkward one."""
    root = tmp_path / "a projéct #1"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return root


@pytest.fixture
def project(empty_project: Path, fresh_board: Path) -> Path:
    """An empty project with a fresh board, whose paths `initialise` moves to where it lies now."""
    from strokecast.tracking import store

    store.folder().mkdir()
    shutil.copyfile(fresh_board, store.database())
    store.initialise()
    return empty_project


@pytest.fixture
def make_training(project: Path, make_without_board: Callable[..., Path]) -> Callable[..., Path]:
    """`make_without_board` in a project with a board."""
    return make_without_board


@pytest.fixture
def make_without_board(specs: dict[str, dict[str, Any]]) -> Callable[..., Path]:
    """`make_without_board(task, name, training_id, seed, epochs)` writes a finished training's folder."""

    def make(
        task: str = "forecast",
        name: str = "seasonal_naive_7",
        training_id: str = ID,
        seed: int = 1,
        epochs: int = 3,
        pyfunc: bool = True,
    ) -> Path:
        folder = model_dir(task, name, seed)
        folder.mkdir(parents=True)
        kind = KINDS.get(name, "network")
        recipe = (
            {"epochs": epochs, "optimizer": "adam", "global_clipnorm": None} if kind == "network" else None
        )
        settings = {
            "task": task,
            "name": name,
            "seed": seed,
            "config": CONFIGS.get(name, {}),
            "training": recipe,
        }
        run = {
            "training_id": training_id,
            "task": task,
            "name": name,
            "seed": seed,
            "status": "finished",
            "started_ms": START,
            "ended_ms": START + 9000,
            "parameters": 0 if kind == "rule" else 300,
            "train_seconds": 8.25,
            "best_epoch": 2 if kind == "network" else None,
            "examples_per_second": 1234.5,
            "device": "cpu",
            "git_commit": "f" * 40,
            "git_dirty": False,
            "dvc_stage": f"train-{task}@{name}",
            "dvc_exp_name": None,
            "dataset": {
                "name": f"{task}: x",
                "digest": specs[task]["digest"],
                "source": specs[task]["source"],
            },
            "kind": kind,
        }
        (folder / "run.json").write_text(json.dumps(run))
        (folder / "config.json").write_text(json.dumps(settings))
        (folder / "spec.json").write_text(json.dumps(specs[task]))
        stored = {"task": task, "name": name, "config": {}, "specification": {}, "min_history": 7}
        (folder / MODEL_FILES[kind]).write_text(json.dumps(stored))
        if task == "forecast":
            (folder / "calibration.json").write_text(json.dumps(intervals(kind)))
        with (folder / "history.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(line(1)))
            writer.writeheader()
            writer.writerows(line(epoch) for epoch in range(1, epochs + 1) if kind == "network")
        (folder / "system.csv").write_text(
            "timestamp_ms,name,value,step\n"
            + "".join(
                f"{START + 1000 * n},system/cpu_utilization_percentage,{50.5 + n},{n}\n" for n in range(4)
            )
        )
        (folder / "curves.png").write_bytes(b"\x89PNG not really")
        if pyfunc:
            (folder / "pyfunc" / "data").mkdir(parents=True)
            (folder / "pyfunc" / "MLmodel").write_text("flavors: {}\n")
            (folder / "pyfunc" / "data" / "model.json").write_text(json.dumps(stored))
        return folder

    return make


def intervals(kind: str) -> dict[str, Any]:
    """What calibration.json of a forecaster holds."""
    reach = [[float(n)] * 7 for n in (1, 2, 3)]
    method = "cqr" if kind == "network" else "absolute"
    return {"method": method, "levels": [0.5, 0.8, 0.95], "low": reach, "high": reach, "origins": 40}


def line(epoch: int) -> dict[str, float | int]:
    """One line of a history with values that no short decimal holds."""
    return {
        "epoch": epoch,
        "step": epoch * 20,
        "timestamp_ms": START + 2000 * epoch,
        "seconds": 2.5 * epoch,
        "learning_rate": 0.002 / epoch,
        "train_loss": 1 / (3 * epoch),
        "valid_loss": 1 / (2.9 * epoch),
    }


@pytest.fixture
def history_line() -> Callable[[int], dict[str, float | int]]:
    return line


@pytest.fixture
def evaluate() -> Callable[..., Path]:
    """`evaluate(folder, mae)` writes what the evaluate stage leaves for that training; returns the reports."""

    def write(folder: Path, mae: float = 12.5, extra: str | None = None) -> Path:
        run = json.loads((folder / "run.json").read_text())
        report = Path("reports") / run["task"]
        files = report / "models" / run["name"] / f"seed-{run['seed']}"
        files.mkdir(parents=True, exist_ok=True)
        (files / "days.csv").write_text(f"day,mae\n1,{mae}\n")
        if extra:
            (files / extra).write_text("more")
        path = report / "trainings.json"
        known = json.loads(path.read_text()) if path.is_file() else {}
        metrics = {"test/mae": mae, "test/day_1/mae": mae / 3}
        known[run["training_id"]] = {"model": run["name"], "seed": run["seed"], "metrics": metrics}
        path.write_text(json.dumps(known))
        return report

    return write


@pytest.fixture
def client(project: Path) -> Any:
    from strokecast.tracking import store

    return store.client()


@pytest.fixture
def describe_run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], dict[str, Any]]:
    """`describe_run(client, run_id)`: all that a run shows, without the ids that MLflow assigns."""

    def describe(client: Any, run_id: str) -> dict[str, Any]:
        from mlflow.artifacts import download_artifacts

        uri = client.tracking_uri
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)  # models:/ addresses look nowhere else
        run = client.get_run(run_id)
        models = [client.get_logged_model(output.model_id) for output in run.outputs.model_outputs]
        return {
            "name": run.info.run_name,
            "user": run.info.user_id,
            "status": run.info.status,
            "start": run.info.start_time,
            "end": run.info.end_time,
            "lifecycle": run.info.lifecycle_stage,
            "params": dict(run.data.params),
            "tags": dict(run.data.tags),
            "metrics": dict(run.data.metrics),
            "histories": {
                key: sorted((m.step, m.timestamp, m.value) for m in client.get_metric_history(run_id, key))
                for key in run.data.metrics
            },
            "datasets": [
                (d.dataset.to_dictionary(), sorted((t.key, t.value) for t in d.tags))
                for d in run.inputs.dataset_inputs
            ],
            "artifacts": tree(Path(download_artifacts(run_id=run_id, artifact_path="", tracking_uri=uri))),
            "models": [
                {
                    "name": model.name,
                    "status": str(model.status),
                    "type": model.model_type,
                    "params": model.params,
                    "tags": model.tags,
                    "metrics": sorted((m.key, m.value, m.timestamp, m.step) for m in model.metrics or []),
                    "files": tree(
                        Path(download_artifacts(artifact_uri=f"models:/{model.model_id}", tracking_uri=uri))
                    ),
                }
                for model in models
            ],
        }

    return describe


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "registered_model_meta"
    }


@pytest.fixture
def active(client: Any) -> Callable[[], list[Any]]:
    """All active runs on the board."""

    def runs() -> list[Any]:
        experiments = [e.experiment_id for e in client.search_experiments()]
        return list(client.search_runs(experiments, max_results=1000))

    return runs


@pytest.fixture
def calibration() -> dict[str, Any]:
    """The calibration.json of a network that forecasts."""
    return intervals("network")
