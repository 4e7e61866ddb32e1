"""What the tests of several rooms stand on."""

from __future__ import annotations

import csv
import datetime
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strokecast.common.paths import model_dir

WEEKDAYS = [f"weekday_{day}" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]

SPECS: dict[str, dict[str, Any]] = {
    "classify": {
        "task": "classify",
        "classes": ["circle", "square", "a spiral"],
        "features": {"strokes": [None, 3]},
        "dtype": "float32",
        "bucket_boundaries": [16, 32],
        "scale": 12.5,
        "counts": {"train": {"16": 10, "32": 5}},
        "length": {"median": 12.0, "max": 40},
        "files": {"train": []},
        "digest": "c" * 64,
        "source": "doodles",
    },
    "watch": {
        "task": "watch",
        "classes": ["circle", "square", "a spiral"],
        "features": {"frames": [3, 14, 14], "track": [48, 3]},
        "frames": 3,
        "height": 14,
        "width": 14,
        "steps_per_frame": 16,
        "by": "ink",
        "pen": 1.5,
        "scale": 12.5,
        "counts": {},
        "length": {"median": 12.0, "max": 40},
        "files": {},
        "digest": "e" * 64,
        "source": "doodles",
    },
    "draw": {
        "task": "draw",
        "classes": ["circle", "square", "a spiral"],
        "features": {"strokes": [None, 3]},
        "dtype": "float32",
        "bucket_boundaries": [16, 32],
        "scale": 12.5,
        "counts": {},
        "length": {"median": 12.0, "max": 30},
        "left_out": {},
        "max_points": 20,
        "files": {},
        "digest": "f" * 64,
        "source": "doodles",
    },
    "forecast": {
        "task": "forecast",
        "input_size": 14,
        "horizon": 7,
        "targets": ["y"],
        "past_covariates": [],
        "future": WEEKDAYS,
        "channels": ["y", *WEEKDAYS],
        "transforms": {"y": {"kind": "none", "power": 0.0, "mean": 100.0, "std": 10.0}},
        "calendar": {
            "kinds": ["weekday"],
            "holiday_country": None,
            "holiday_names": [],
            "day_types": [],
            "trend_start": "2020-01-01",
        },
        "lags": [],
        "difference": None,
        "counts": True,
        "name": "births",
        "unit": "births",
        "splits": {
            "train": {"first": "2020-01-01", "last": "2020-12-31", "days": 366, "windows": 346},
            "valid": {"first": "2021-01-01", "last": "2021-02-28", "days": 59, "windows": 53},
            "test": {"first": "2021-03-01", "last": "2021-04-30", "days": 61, "windows": 55},
        },
        "files": {"train": ["train/windows-00000-of-00001.tfrecord"]},
        "digest": "d" * 64,
        "source": "births",
    },
}


@pytest.fixture(scope="session")
def specs() -> dict[str, dict[str, Any]]:
    """One spec.json per task."""
    return SPECS


# ---------------------------------------------------------------- a project with a board

ID = "0b9e2f6c-7a51-4f0e-8d53-5c6f2f3f9a01"
START = 1_750_000_000_000

CONFIGS: dict[str, dict[str, Any]] = {
    "gru": {"units": 8, "layers": 1, "dropout": 0.0, "bidirectional": False}
}

KINDS = {"seasonal_naive_7": "rule", "seasonal_naive_364": "rule", "logistic": "estimator"}
MODEL_FILES = {"network": "model.keras", "rule": "model.json", "estimator": "model.npz"}


@pytest.fixture
def make_series(tmp_path: Path) -> Callable[..., Path]:
    """`make_series(n)`: a folder with a validated series of `n` days from 2020-01-01 with y = 100 + position."""

    import pyarrow as pa
    import pyarrow.parquet as pq

    def make(n: int, skip: int | None = None) -> Path:
        folder = tmp_path / "validated" / "series"
        folder.mkdir(parents=True, exist_ok=True)
        positions = [day for day in range(n) if day != skip]
        days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=day) for day in positions]
        series = pa.table(
            {
                "ds": pa.array(days, pa.date32()),
                "y": pa.array([100.0 + day for day in positions]),
                "filled": [False] * len(days),
            }
        )
        pq.write_table(series, folder / "series.parquet")
        (folder / "report.json").write_text(json.dumps({"source": "csv"}))
        return folder

    return make


@pytest.fixture(scope="session")
def fresh_board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as `initialise` makes it: made once, as MLflow's migrations take seconds."""
    from strokecast.tracking import local_store, store

    root = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(root))
        store.initialise()
        return local_store.database()


@pytest.fixture
def empty_project(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project as the working folder and the board's root; its name has a space and special characters."""
    if request.node.get_closest_marker("slow") is None:  # unit tests start no process
        monkeypatch.setattr("strokecast.tracking.tracked_run._git", lambda *arguments: None)
    root = tmp_path / "a projéct #1"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return root


@pytest.fixture
def project(empty_project: Path, fresh_board: Path) -> Path:
    """An empty project with a fresh board, whose paths `initialise` moves to where it lies now."""
    from strokecast.tracking import local_store, store

    store.folder().mkdir()
    shutil.copyfile(fresh_board, local_store.database())
    store.initialise()
    return empty_project


@pytest.fixture
def record_outputs() -> Callable[..., Path]:
    """`record_outputs("models/classify/gru", ...)` writes dvc.lock and the cache as DVC does; returns the cache."""

    def record(*outputs: str) -> Path:
        cache, lines = Path(".dvc/cache").absolute(), ["schema: '2.0'", "stages:"]

        def store(content: bytes, suffix: str = "") -> str:
            md5 = hashlib.md5(content).hexdigest() + suffix
            path = cache / "files" / "md5" / md5[:2] / md5[2:]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            return md5

        for number, output in enumerate(outputs):
            root = Path(output)
            if root.is_dir():
                files = sorted(path for path in root.rglob("*") if path.is_file())
                listing = [
                    {"md5": store(path.read_bytes()), "relpath": path.relative_to(root).as_posix()}
                    for path in files
                ]
                md5 = store(json.dumps(listing, sort_keys=True).encode(), ".dir")
            else:
                md5 = store(root.read_bytes())
            lines += [f"  stage-{number}:", "    cmd: x", "    deps:", "    - path: d", "      hash: md5"]
            lines += ["      md5: " + "0" * 32, "      size: 1", "    outs:", f"    - path: {output}"]
            lines += ["      hash: md5", f"      md5: {md5}", "      size: 1"]
        Path("dvc.lock").write_text("\n".join(lines) + "\n")
        return cache

    return record


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

    def write(folder: Path, mae: float = 12.5, extra: str | None = None, slices: bool = False) -> Path:
        run = json.loads((folder / "run.json").read_text())
        report = Path("reports") / run["task"]
        files = report / "models" / run["name"] / f"seed-{run['seed']}"
        files.mkdir(parents=True, exist_ok=True)
        (files / "days.csv").write_text(f"day,mae\n1,{mae}\n")
        if extra:
            (files / extra).write_text("more")
        path = report / "trainings.json"
        known = json.loads(path.read_text()) if path.is_file() else {}
        metrics = {"test/mae": mae, "test/mae_day_1": mae / 3}
        known[run["training_id"]] = {"model": run["name"], "seed": run["seed"], "metrics": metrics}
        if slices:  # as this version writes it: the metric of a slice is a figure of a file alone
            known[run["training_id"]]["slices"] = {"test/mae_day_1": metrics.pop("test/mae_day_1")}
            (files / "metrics.json").write_text(json.dumps({"mae": mae, "mae_day_1": mae / 3}))
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
                    "metrics": sorted(
                        (m.key, m.value, m.timestamp, m.step, m.dataset_name, m.dataset_digest)
                        for m in model.metrics or []
                    ),
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


# ---------------------------------------------------------------- three series learned by one global model


class SeveralSeries:
    """Three daily series with a weekly pattern at different levels, and models of each kind trained on all of them.

    Attributes:
        days: id → number of days; rail starts 30 days before the others.
        level: id → mean value.
        kinds: trained model → kind.
        features: `features.forecast`.
        root: project with `validated`, `processed` and `models`; set by the fixture `several_series`.
    """

    def __init__(self, root: Path) -> None:
        from strokecast.params import ForecastFeatures

        self.days = {"bus": 200, "rail": 230, "tram": 200}
        self.level = {"bus": 100.0, "rail": 5000.0, "tram": 20.0}
        self.kinds = {"seasonal_naive_7": "rule", "ridge": "estimator", "linear": "network"}
        self.root = root
        self.features = ForecastFeatures(
            input_size=14, calendar=("weekday",), holiday_country=None, lags=(), series="all", series_id=True
        )

    def values(self, name: str) -> Any:
        """The values of a series, float64 [T]."""
        import numpy as np

        at = np.arange(self.days[name])
        noise = np.random.default_rng(len(name)).normal(size=len(at))
        return self.level[name] * (1 + 0.3 * np.sin(at * 2 * np.pi / 7) + 0.02 * noise)

    def dates(self, name: str) -> Any:
        """The days of a series, datetime64[D] [T]."""
        import numpy as np

        return np.datetime64("2020-01-01") + np.arange(self.days[name]) - (self.days[name] - 200)

    def write_validated(
        self, folder: Path, changed: dict[str, Any] | None = None, skip: int | None = None
    ) -> Path:
        """Write `all.parquet` and `series.parquet` like validation.

        Args:
            folder: their folder.
            changed: id → other values.
            skip: position of a day of tram that is missing.
        """
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        folder.mkdir(parents=True, exist_ok=True)
        tables = []
        for name in self.days:
            keep = np.arange(self.days[name]) != (skip if name == "tram" else None)
            columns = {
                "unique_id": pa.array([name] * int(keep.sum())),
                "ds": pa.array(self.dates(name)[keep].tolist(), pa.date32()),
                "y": pa.array((changed or {}).get(name, self.values(name))[keep]),
            }
            tables.append(pa.table(columns))
        pq.write_table(pa.concat_tables(tables), folder / "all.parquet")
        pq.write_table(tables[0].drop_columns("unique_id"), folder / "series.parquet")
        (folder / "report.json").write_text(json.dumps({"source": "csv", "name": "rides", "unit": "rides"}))
        return folder

    @property
    def processed(self) -> Path:
        """The processed data."""
        return self.root / "processed"

    @property
    def spec(self) -> Any:
        """Its spec.json."""
        return json.loads((self.processed / "spec.json").read_text())

    def model_dir(self, name: str) -> Path:
        """Folder of a trained model."""
        return model_dir("forecast", name, 1, self.root / "models")


@pytest.fixture(scope="session")
def several_series(tmp_path_factory: pytest.TempPathFactory) -> SeveralSeries:
    """Three series, preprocessed, and one trained global model of each kind."""
    from strokecast.features.timeseries import forecast
    from strokecast.params import ForecastRecipe
    from strokecast.training import fitting, run
    from strokecast.training.job import TrainingJob

    series = SeveralSeries(tmp_path_factory.mktemp("several"))
    forecast.preprocess(series.write_validated(series.root / "validated"), series.processed, series.features)
    configs = {"ridge": {"weeks": [1, 2]}}
    jobs = {}
    for name in series.kinds:
        series.model_dir(name).mkdir(parents=True)
        jobs[name] = TrainingJob.create("forecast", name, 1, configs.get(name, {}), ForecastRecipe(epochs=2))
    fitting.fit_rule(jobs["seasonal_naive_7"], series.processed, series.model_dir("seasonal_naive_7"))
    fitting.fit_estimator(jobs["ridge"], series.processed, series.model_dir("ridge"))
    run.train_network(jobs["linear"], series.processed, series.model_dir("linear"), lambda row: None)
    return series
