"""Forecasters without a network, fitted on processed data: their files, their imports, the days that they read."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.features.records import numpy_reader, spec
from strokecast.inference import networks
from strokecast.models.regression import lag_regressor
from strokecast.params import ForecastRecipe
from strokecast.tracking.tracked_run import summary
from strokecast.training import fitting, model_files
from strokecast.training.job import TrainingJob

SMALL: dict[str, dict[str, Any]] = {
    "auto_ets": {"max_history_days": 60},
    "auto_arima": {"max_history_days": 60},
    "sarima": {"max_history_days": 60},
    "mstl": {"seasons": [7, 28], "max_history_days": 60},
    "ridge": {"lags": 7, "weeks": [2]},
    "boosted_trees": {"lags": 7, "weeks": [2], "trees": 20},
    "combination": {"lags": 7, "weeks": [2], "trees": 20, "l2": None},
}
STATISTICAL = ("auto_ets", "auto_arima", "sarima", "mstl")
IMPORTS = """
import json, sys
from pathlib import Path
from strokecast.params import ForecastRecipe
from strokecast.training import fitting
from strokecast.training.job import TrainingJob
processed, root = sys.argv[2:]
for name, config in json.loads(sys.argv[1]).items():
    fit = fitting.fit_estimator if "lags" in config else fitting.fit_rule
    (Path(root) / name).mkdir()
    fit(TrainingJob.create("forecast", name, 1, config, ForecastRecipe()), Path(processed), Path(root) / name)
print(json.dumps([module for module in ("tensorflow", "keras") if module in sys.modules]))
"""


def job(name: str, seed: int = 1, **config: Any) -> TrainingJob:
    recipe = ForecastRecipe(calibration_origins=None)
    return TrainingJob.create("forecast", name, seed, SMALL.get(name, {}) | config, recipe)


def fit(processed: Path, folder: Path, name: str, **config: Any) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    make = fitting.fit_rule if name in STATISTICAL or "naive" in name else fitting.fit_estimator
    return make(job(name, **config), processed / "forecast", folder)


def past(values: Any, horizon: int = 3) -> Any:
    days = np.datetime64("2020-06-01") + np.arange(horizon)
    return SimpleNamespace(values=np.asarray(values, np.float64), next_days=days)


@pytest.fixture(scope="module")
def fitted(processed_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Every model of `SMALL`, fitted on data without its test split: one folder per model, and their facts."""
    root = tmp_path_factory.mktemp("fitted")
    shutil.copytree(processed_data / "forecast", root / "data/forecast")
    shutil.rmtree(root / "data/forecast/test")
    return root, {name: fit(root / "data", root / name, name) for name in SMALL}


@pytest.mark.slow
def test_no_forecaster_without_a_network_imports_tensorflow(processed_data: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        IMPORTS,
        json.dumps(SMALL),
        str(processed_data / "forecast"),
        str(tmp_path),
    ]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(out.splitlines()[-1]) == []


@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_fitted_model_leaves_a_complete_folder(fitted: tuple[Path, dict[str, Any]], name: str) -> None:
    folder, facts = fitted[0] / name, fitted[1][name]
    assert (facts["best_epoch"], facts["device"]) == (None, "cpu")
    assert facts["kind"] == ("rule" if name in STATISTICAL else "estimator")
    assert facts["examples_per_second"] > 0
    stored = json.loads((folder / "config.json").read_text())
    assert (stored["name"], stored["seed"], stored["training"]) == (name, 1, None)
    assert (folder / "history.csv").read_text() == ",".join(model_files.COLUMNS) + "\n"
    model = "model.json" if name in STATISTICAL else "model.npz"
    expected = {"calibration.json", "config.json", "history.csv", model, "spec.json"}
    expected |= {"validation.json", "validation_forecasts.npz"}
    assert {path.name for path in folder.iterdir()} == expected


def test_a_short_series_has_a_forecast_by_its_weeks_and_says_so(processed_data: Path, tmp_path: Path) -> None:
    facts = fit(processed_data, tmp_path / "model", "mstl", seasons="auto", max_history_days=None)
    remark = "without a yearly season: 112 training days are less than two years"
    assert facts["remark"] == remark
    assert summary(facts).endswith(f" s, {remark}")
    assert json.loads((tmp_path / "model/model.json").read_text())["min_history"] == 14


@pytest.mark.parametrize("name", ["ridge", "boosted_trees", "combination"])
def test_a_regression_learns_the_week(
    processed_data: Path, fitted: tuple[Path, dict[str, Any]], name: str
) -> None:
    model, facts = lag_regressor.load(fitted[0] / name), fitted[1][name]
    assert facts["parameters"] == model.parameters > 0
    assert facts["train_seconds"] > 0
    spec_json = spec.load(processed_data / "forecast", "forecast")
    valid = numpy_reader.windows(processed_data / "forecast", spec_json, "valid")
    forecast = model.predict({"past": valid.past, "future": valid.future})
    assert np.abs(forecast - valid.target).mean() < 0.25 * np.abs(valid.target).mean()


@pytest.mark.parametrize("name", STATISTICAL)
def test_a_statistical_model_is_loaded_as_it_was_fitted(
    fitted: tuple[Path, dict[str, Any]], name: str
) -> None:
    stored = json.loads((fitted[0] / name / "model.json").read_text())
    rule = networks.load_statistical(fitted[0] / name)
    assert rule.specification == stored["specification"]
    assert rule.min_history == stored["min_history"]
    days = 100 + 30 * np.sin(np.arange(77) * 2 * np.pi / 7) + np.random.default_rng(1).normal(size=77)
    np.testing.assert_allclose(rule.predict(past(days)), days[-7:-4], atol=8)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_validation_days_change_the_calibration_alone(
    processed_data: Path, fitted: tuple[Path, dict[str, Any]], tmp_path: Path, name: str
) -> None:
    shutil.copytree(processed_data / "forecast", tmp_path / "other/forecast")
    path = tmp_path / "other/forecast/valid/series.parquet"
    table = pq.read_table(path)
    at = table.column_names.index("y")
    moved = table["y"].to_numpy()[::-1] * 3.0
    pq.write_table(table.set_column(at, "y", [moved]), path)
    fit(tmp_path / "other", tmp_path / "b", name)
    model = "model.json" if name in STATISTICAL else "model.npz"
    assert (tmp_path / "b" / model).read_bytes() == (fitted[0] / name / model).read_bytes()
    calibrated = (tmp_path / "b/calibration.json").read_bytes()
    assert calibrated != (fitted[0] / name / "calibration.json").read_bytes()


def test_the_seed_changes_the_model(processed_data: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        fitting.fit_estimator(job("boosted_trees", seed), processed_data / "forecast", tmp_path / str(seed))
    assert (tmp_path / "1/model.npz").read_bytes() != (tmp_path / "2/model.npz").read_bytes()


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("mstl", {"seasons": [7, 63], "max_history_days": None}, "126 days before the test split are too few"),
        ("mstl", {"seasons": [7, 57], "max_history_days": None}, "training days: at least 114 days are required, received 112"),
        ("ridge", {"lags": 15}, "needs 15 days of past, the window has 14"),
    ],
)  # fmt: skip
def test_too_few_days_are_an_error_of_one_line(
    processed_data: Path, tmp_path: Path, name: str, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        fit(processed_data, tmp_path / "model", name, **config)
    assert not list((tmp_path / "model").iterdir())
