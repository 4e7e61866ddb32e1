"""Hand-made trainings and predictions: three classifiers of 4 classes, three forecasters of a weekly series."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.evaluation.classify.metrics import Sketches
from strokecast.evaluation.common.trainings import Roster, roster
from strokecast.evaluation.forecast.metrics import Backtest, Forecasts, seasonal_scale
from strokecast.inference.conformal import LEVELS, QUANTILES
from strokecast.params import ClassifyEvaluation, ForecastEvaluation, ModelEntry

HEADER = "epoch,step,timestamp_ms,seconds,learning_rate,train_loss,valid_loss,train_accuracy,valid_accuracy\n"


def make_training(
    root: Path,
    task: str,
    name: str,
    seed: int = 1,
    further: bool = False,
    kind: str = "network",
    **changes: object,
) -> Path:
    """Write the folder of one training below `root`/models and return it."""
    folder = root / "models" / task / name
    folder = folder / f"seed-{seed}" if further else folder
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
    """Writes the folder of one training below `tmp_path`/models and returns it."""
    return partial(make_training, tmp_path)


@pytest.fixture(scope="session")
def sketched(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """`good` (2 seeds), its equal `twin`, and `poor`, on 400 sketches."""
    root = tmp_path_factory.mktemp("sketched")
    make_training(root, "classify", "poor")
    make_training(root, "classify", "good", seed=1)
    make_training(root, "classify", "good", seed=2, further=True)
    make_training(root, "classify", "twin")
    entries = {"poor": ModelEntry(), "good": ModelEntry(seeds=(1, 2)), "twin": ModelEntry()}
    found: Roster = roster("classify", entries, root / "models")
    random = np.random.default_rng(5)
    classes = ["ant", "bed", "true", "the Eiffel tower"]
    labels = random.integers(0, 4, 400)
    test = Sketches([f"ant/test/{i}" for i in range(400)], labels, random.integers(5, 130, 400))

    def guess(right: float, seed: int) -> np.ndarray:
        r = np.random.default_rng(seed)
        picked = np.where(r.random(400) < right, labels, (labels + 1) % 4)
        logits = r.normal(size=(400, 4))
        logits[np.arange(400), picked] += 6
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    good = guess(0.9, 1)
    made = {
        ("poor", 1): guess(0.5, 3),
        ("good", 1): good,
        ("good", 2): guess(0.92, 2),
        ("twin", 1): good[:, :],
    }
    return SimpleNamespace(
        found=found,
        test=test,
        made=made,
        classes=classes,
        source="doodles",
        settings=ClassifyEvaluation(baseline="poor"),
        attended={},
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


def within(point: np.ndarray, reach: np.ndarray, **further: object) -> Forecasts:
    """Forecasts [O, H] with intervals that reach as far to either side, [L]."""
    return Forecasts(point, point - reach[:, None, None], point + reach[:, None, None], LEVELS, **further)


@pytest.fixture(scope="session")
def forecasted(tmp_path_factory: pytest.TempPathFactory, series: SimpleNamespace) -> SimpleNamespace:
    """`naive` (a rule), `sharp` (close to the truth) and `offset` (100 too high)."""
    root = tmp_path_factory.mktemp("forecasted")
    make_training(root, "forecast", "naive", kind="rule", parameters=0, train_seconds=0.0)
    make_training(root, "forecast", "sharp")
    make_training(root, "forecast", "offset")
    found = roster("forecast", {n: ModelEntry() for n in ("naive", "sharp", "offset")}, root / "models")
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
        possible=len(at),
    )
    noise = np.random.default_rng(3).normal(0, 5, actual.shape)
    reach = np.array([3.4, 6.4, 9.8])  # of normal noise with std 5: 50, 80 and 95 %
    made = {
        ("naive", 1): within(
            series.values[at[:, None] + ahead - 7], 10 * reach, short=(0.95,), calibrated=15
        ),
        ("sharp", 1): within(
            actual + noise,
            reach,
            quantiles=(actual + noise)[..., None] + np.array([-4, -3, -2, 0, 2, 3, 4]),
            own=QUANTILES,
            further={"bus": 2 * actual + 7},
        ),
        ("offset", 1): within(actual + 100, reach),
    }
    regimes = [
        {"name": "before", "first": "2019-06-01", "last": "2019-09-30"},
        {"name": "after", "first": "2019-10-01", "last": "2019-12-31"},
    ]
    settings = ForecastEvaluation.model_validate({"regimes": regimes, "baseline": "naive"})
    return SimpleNamespace(found=found, test=test, made=made, settings=settings)
