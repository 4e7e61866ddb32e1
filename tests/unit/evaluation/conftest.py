"""Hand-made trained models and predictions: three classifiers of 4 classes, three forecasters of a weekly series."""

import csv
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.common import figures
from strokecast.common.paths import model_dir
from strokecast.evaluation.classify.report import write_report as write_classify_report
from strokecast.evaluation.classify.sketches import SketchSplit
from strokecast.evaluation.common.trained_models import find_trained_models
from strokecast.evaluation.forecast.metrics import seasonal_scale
from strokecast.evaluation.forecast.report import write_report as write_forecast_report
from strokecast.evaluation.forecast.results import Backtest, Forecasts
from strokecast.inference.conformal import LEVELS, QUANTILES
from strokecast.params import ClassifyEvaluation, ForecastEvaluation, ModelEntry

HEADER = "epoch,step,timestamp_ms,seconds,learning_rate,train_loss,valid_loss,train_accuracy,valid_accuracy\n"


def write_training(
    root: Path, task: str, name: str, seed: int = 1, kind: str = "network", **changes: object
) -> Path:
    """Write the folder of one training below `root`/models and return it."""
    folder = model_dir(task, name, seed, root / "models")
    folder.mkdir(parents=True)
    run = {
        "training_id": f"id-{task}-{name}-{seed}",
        "task": task,
        "name": name,
        "seed": seed,
        "status": "finished",
        "parameters": 1200,
        "train_seconds": 10.0 * seed,
        "examples_per_second": 512.25 if kind == "network" else None,
        "dataset": {"name": task, "digest": "d1", "source": "made"},
        "kind": kind,
    }
    (folder / "run.json").write_text(json.dumps(run | changes))
    rows = [
        f"{e},{e * 9},{e * 1000},1.5,0.002,{2 / e},{2.2 / e},{1 - 0.9 / e},{1 - 1 / e}\n" for e in (1, 2, 3)
    ]
    (folder / "history.csv").write_text(HEADER + "".join(rows if kind == "network" else []))
    return folder


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Path]:
    """Function that writes the folder of one training below `tmp_path`/models and returns it."""
    return partial(write_training, tmp_path)


@pytest.fixture(scope="session")
def read_csv() -> Callable[[Path], list[dict[str, str]]]:
    """Function that reads the rows of a CSV file."""

    def read(path: Path) -> list[dict[str, str]]:
        with path.open(newline="") as file:
            return list(csv.DictReader(file))

    return read


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are written without their figures, which take most of the time."""
    monkeypatch.setattr(figures, "save", lambda figure, path: None)


@pytest.fixture(scope="session")
def classify_inputs(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """`good` (2 seeds), `twin` (equal to its first seed) and `poor`, on 400 sketches."""
    root = tmp_path_factory.mktemp("classify")
    write_training(root, "classify", "poor")
    write_training(root, "classify", "good", seed=1)
    write_training(root, "classify", "good", seed=2)
    write_training(root, "classify", "twin")
    entries = {"poor": ModelEntry(), "good": ModelEntry(seeds=(1, 2)), "twin": ModelEntry()}
    random = np.random.default_rng(5)
    labels = random.integers(0, 4, 400)
    test = SketchSplit([f"ant/test/{i}" for i in range(400)], labels, random.integers(5, 130, 400))

    def predict(accuracy: float, seed: int) -> np.ndarray:
        r = np.random.default_rng(seed)
        predicted = np.where(r.random(400) < accuracy, labels, (labels + 1) % 4)
        logits = r.normal(size=(400, 4))
        logits[np.arange(400), predicted] += 6
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    good = predict(0.9, 1)
    probabilities = {
        ("poor", 1): predict(0.5, 3),
        ("good", 1): good,
        ("good", 2): predict(0.92, 2),
        ("twin", 1): good[:, :],
    }
    return SimpleNamespace(
        trained_models=find_trained_models("classify", entries, root / "models"),
        test=test,
        probabilities=probabilities,
        classes=["ant", "bed", "true", "the Eiffel tower"],
        source="doodles",
        settings=ClassifyEvaluation(baseline="poor"),
    )


@pytest.fixture(scope="session")
def series() -> SimpleNamespace:
    """Two years of a weekly pattern with noise; the last 200 days are the test split."""
    random = np.random.default_rng(9)
    days = np.datetime64("2018-01-01") + np.arange(730)
    values = 1000 + 300 * ((np.arange(730) % 7) < 5) + random.normal(0, 40, 730)
    return SimpleNamespace(days=days, values=values, first_test=530)


@pytest.fixture
def validated_series(tmp_path: Path, series: SimpleNamespace) -> Path:
    """120 days of the series from 2018-01-01 as `validate@series` writes them."""
    folder = tmp_path / "validated"
    folder.mkdir()
    days = series.days[:120].astype("datetime64[D]").tolist()
    table = {"ds": pa.array(days, pa.date32()), "y": series.values[:120], "filled": [False] * 120}
    pq.write_table(pa.table(table), folder / "series.parquet")
    (folder / "report.json").write_text(json.dumps({"source": "made", "name": "rides", "unit": "rides"}))
    return folder


def with_intervals(point: np.ndarray, half_widths: np.ndarray, **fields: object) -> Forecasts:
    """Forecasts [O, H] with symmetric intervals of the half widths [L]."""
    reach = half_widths[:, None, None]
    return Forecasts(point, point - reach, point + reach, LEVELS, **fields)


@pytest.fixture(scope="session")
def forecast_inputs(tmp_path_factory: pytest.TempPathFactory, series: SimpleNamespace) -> SimpleNamespace:
    """`naive` (no network), `sharp` (close to the actual values) and `offset` (100 too high)."""
    root = tmp_path_factory.mktemp("forecast")
    write_training(root, "forecast", "naive", kind="rule", parameters=0, train_seconds=0.0)
    write_training(root, "forecast", "sharp")
    write_training(root, "forecast", "offset")
    entries = {name: ModelEntry() for name in ("naive", "sharp", "offset")}
    at = np.arange(530, 730 - 7 + 1)
    ahead = np.arange(7)
    actual = series.values[at[:, None] + ahead]
    test = Backtest(
        "boardings",
        "rides",
        "made",
        series.days[530:],
        series.values[530:],
        series.days[at],
        actual,
        seasonal_scale(series.values[:400]),
        (at[:, None] + ahead) % 50 == 0,
        {"bus": 2 * actual},
        possible_origins=len(at),
    )
    noise = np.random.default_rng(3).normal(0, 5, actual.shape)
    half_widths = np.array([3.4, 6.4, 9.8])  # of normal noise with std 5: 50, 80 and 95 %
    forecasts = {
        ("naive", 1): with_intervals(
            series.values[at[:, None] + ahead - 7],
            10 * half_widths,
            unattainable_levels=(0.95,),
            calibration_origins=15,
        ),
        ("sharp", 1): with_intervals(
            actual + noise,
            half_widths,
            quantiles=(actual + noise)[..., None] + np.array([-4, -3, -2, 0, 2, 3, 4]),
            quantile_levels=QUANTILES,
            extra_targets={"bus": 2 * actual + 7},
        ),
        ("offset", 1): with_intervals(actual + 100, half_widths),
    }
    regimes = [
        {"name": "before", "first": "2019-06-01", "last": "2019-09-30"},
        {"name": "after", "first": "2019-10-01", "last": "2019-12-31"},
    ]
    return SimpleNamespace(
        trained_models=find_trained_models("forecast", entries, root / "models"),
        test=test,
        forecasts=forecasts,
        settings=ForecastEvaluation.model_validate({"regimes": regimes, "baseline": "naive"}),
    )


@pytest.fixture(scope="session")
def write_reports(
    classify_inputs: SimpleNamespace, forecast_inputs: SimpleNamespace
) -> Callable[..., list[str]]:
    """Function that writes the reports of both tasks below a folder and returns their outcomes.

    `classify` and `forecast` replace inputs of a task; None skips the task.
    """

    def write(folder: Path, classify: dict | None = None, forecast: dict | None = None) -> list[str]:
        outcomes = []
        if classify is not None:
            inputs = {**vars(classify_inputs), **classify}
            outcomes.append(write_classify_report(folder / "classify", **inputs))
        if forecast is not None:
            inputs = {**vars(forecast_inputs), **forecast}
            outcomes.append(write_forecast_report(folder / "forecast", **inputs))
        return outcomes

    return write


@pytest.fixture(scope="session")
def written_reports(
    tmp_path_factory: pytest.TempPathFactory, write_reports: Callable[..., list[str]]
) -> tuple[Path, list[str]]:
    """The reports of classify and forecast, and their outcomes."""
    folder = tmp_path_factory.mktemp("reports")
    return folder, write_reports(folder, {}, {})


@pytest.fixture(scope="session")
def reports(written_reports: tuple[Path, list[str]]) -> Path:
    """The reports of classify and forecast."""
    return written_reports[0]
