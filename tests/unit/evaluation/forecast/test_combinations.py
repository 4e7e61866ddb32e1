"""Combinations are rows of their own: weighted on validation origins, combined from the members' test forecasts."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.common.paths import VALIDATION_SCORE
from strokecast.evaluation.board.task_tables import make_table
from strokecast.evaluation.common.trained_models import TrainedModel, TrainedModels
from strokecast.evaluation.forecast.combinations import WithCombinations, add_combinations
from strokecast.evaluation.forecast.predictions import forecast_test_split
from strokecast.evaluation.forecast.report import write_report
from strokecast.inference import (
    combination_folder,
    conformal,
    selection,
    stored_combination,
    validation_forecasts,
)
from strokecast.inference.forecasting import SeriesForecaster
from strokecast.params import Combination, ForecastEvaluation

SETTINGS = {
    "every_one": Combination(weights="nnls"),
    "pair": Combination(members=("ridge", "seasonal_naive_7"), weights="inverse_error"),
    "networks": Combination(members=("linear", "linear_2")),
}


@pytest.fixture(scope="module")
def project(several_series: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained models with run.json; ridge has a second seed, and `linear_2` is a copy of `linear`."""
    root = tmp_path_factory.mktemp("combinations")
    digest = several_series.spec["digest"]
    copies = [("seasonal_naive_7", 1), ("ridge", 1), ("ridge", 2), ("linear", 1), ("linear_2", 1)]
    for name, seed in copies:
        source = name.removesuffix("_2")
        folder = root / f"models/forecast/{name}/seed-{seed}"
        shutil.copytree(several_series.model_dir(source), folder)
        run = {"training_id": f"{name}-{seed}", "kind": several_series.kinds[source]}
        costs = {"train_seconds": 2.0, "examples_per_second": 10.0, "dataset": {"digest": digest}}
        (folder / "run.json").write_text(json.dumps(run | costs))
    return root


@pytest.fixture(scope="module")
def trained_models(project: Path) -> TrainedModels:
    models = []
    for name in ("seasonal_naive_7", "ridge", "linear", "linear_2"):
        for folder in sorted((project / f"models/forecast/{name}").iterdir()):
            run = json.loads((folder / "run.json").read_text())
            models.append(TrainedModel(name, int(folder.name[-1]), folder, run))
    return TrainedModels(models, (), ())


@pytest.fixture(scope="module")
def combined(
    several_series: Any, trained_models: TrainedModels, project: Path
) -> tuple[Any, WithCombinations]:
    """The backtest, and the models with the combinations of `SETTINGS` in `reports/forecast`."""
    spec, processed = several_series.spec, several_series.processed
    test, forecasts = forecast_test_split(trained_models, processed, spec, ForecastEvaluation(max_origins=5))
    report_dir = project / "reports/forecast"
    report_dir.mkdir(parents=True)
    added = add_combinations(report_dir, trained_models, test, forecasts, processed, spec, SETTINGS)
    return test, added


def test_test_forecasts_are_weighted_means_over_the_seeds_of_the_members(
    combined: tuple[Any, WithCombinations],
) -> None:
    test, added = combined
    weights = added.facts["combinations"]["pair"]["weights"]
    for series, rows in test.series_rows().items():
        expected = weights[series]["seasonal_naive_7"] * added.forecasts["seasonal_naive_7", 1].point[rows]
        ridge = (added.forecasts["ridge", 1].point + added.forecasts["ridge", 2].point)[rows] / 2
        expected = expected + weights[series]["ridge"] * ridge
        assert added.forecasts["pair", 0].point[rows] == pytest.approx(expected, rel=1e-4)
    networks = added.forecasts["networks", 0]
    assert networks.quantiles == pytest.approx(added.forecasts["linear", 1].quantiles)
    assert added.forecasts["every_one", 0].quantiles is None
    pair, ridge = added.forecasts["pair", 0].between["bus"], added.forecasts["ridge", 1].between["bus"]
    naive = added.forecasts["seasonal_naive_7", 1].between["bus"]
    own = weights["bus"]
    assert pair.point == pytest.approx(
        own["ridge"] * ridge.point + own["seasonal_naive_7"] * naive.point, rel=1e-4
    )
    assert sum(added.facts["combinations"]["every_one"]["weights"]["rail"].values()) == pytest.approx(
        1, abs=1e-4
    )


def test_intervals_are_calibrated_on_the_residuals_of_held_out_blocks(
    combined: tuple[Any, WithCombinations], project: Path
) -> None:
    test, added = combined
    folder = project / "reports/forecast/combinations/pair"
    held_out = validation_forecasts.load(folder)
    pair = added.forecasts["pair", 0]
    for series, rows in test.series_rows().items():
        calibration = conformal.fit(held_out[series].actual, held_out[series].point)
        assert pair.high[0, rows] - pair.point[rows] == pytest.approx(
            np.broadcast_to(calibration.high[0], pair.point[rows].shape), rel=1e-4
        )
        assert pair.calibration_origins == len(held_out[series].days)


@pytest.mark.usefixtures("without_figures")
def test_a_combination_takes_part_in_choosing_the_champion(
    combined: tuple[Any, WithCombinations], tmp_path: Path
) -> None:
    test, added = combined
    settings = ForecastEvaluation(resamples=100)
    folders = {model.name: model.folder for model in added.trained_models.finished}
    path = folders["networks"] / VALIDATION_SCORE
    contents = path.read_text()
    errors = json.loads((folders["ridge"] / VALIDATION_SCORE).read_text())["errors"]
    near = {
        key: {day: error * (1.06 if at % 2 else 0.96) for at, (day, error) in enumerate(own.items())}
        for key, own in errors.items()
    }
    try:
        selection.write_errors(folders["networks"], near)
        write_report(tmp_path, added.trained_models, test, added.forecasts, settings, added.facts)
    finally:
        path.write_text(contents)
    summary = json.loads((tmp_path / "summary.json").read_text())
    models = {model["model"]: model for model in summary["models"]}
    assert min(models, key=lambda name: float(models[name]["valid_mae"])) == "ridge"
    champion = summary["champion"]
    assert (champion["model"], champion["leader"]) == ("networks", "ridge")
    assert (models["pair"]["training_ids"], models["pair"]["train_seconds"]) == ([], 6.0)
    assert models["pair"]["examples_per_second"] == pytest.approx(10 / 3, rel=1e-5)
    assert set(json.loads((tmp_path / "trainings.json").read_text())) == {
        model.id for model in added.trained_models.finished if model.id
    }
    notes = " ".join(make_table(summary).notes)
    assert "weights by inverse squared error of its models" in notes
    assert "one seed only: " in notes
    assert "pair" not in notes.split("one seed only: ")[1].split(".")[0]


def test_a_combination_forecasts_like_its_members(
    combined: tuple[Any, WithCombinations],
    several_series: Any,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(project)
    folder = combination_folder.find("forecast")["pair"]
    test, added = combined
    first = test.series["bus"].first_days[0]
    values = pd.DataFrame({"ds": several_series.dates("bus"), "y": several_series.values("bus")})
    history = values[values["ds"] < first].assign(unique_id="bus")
    table = SeriesForecaster(folder, several_series.spec, stored_combination.load(folder)).forecast(history)
    pair = added.forecasts["pair", 0]
    assert table["mean"].to_numpy() == pytest.approx(pair.point[0], rel=1e-5)
    assert table["hi-80"].to_numpy() == pytest.approx(pair.high[1, 0], rel=1e-5)
    run = project / "models/forecast/ridge/seed-2/run.json"
    kept = run.read_text()
    run.write_text(kept.replace("ridge-2", "ridge-3"))
    try:
        with pytest.raises(UserError, match=r"ridge \(seed 2\) was trained again since.*evaluate-forecast"):
            stored_combination.load(folder)
    finally:
        run.write_text(kept)


def test_what_cannot_be_combined_is_left_out_with_a_reason(
    combined: tuple[Any, WithCombinations], trained_models: TrainedModels, several_series: Any, tmp_path: Path
) -> None:
    test, added = combined
    fewer = replace(trained_models, finished=[trained_models.finished[0]], failed=["ridge-seed1"])
    settings = {"pair": SETTINGS["pair"], "mean_of_best_3": Combination(top=3)}
    none = add_combinations(
        tmp_path, fewer, test, added.forecasts, several_series.processed, several_series.spec, settings
    )
    assert none.trained_models == fewer
    left_out = {"pair": "the training of ridge failed", "mean_of_best_3": "1 model is too few"}
    assert none.facts == {"combinations": {}, "left_out": left_out}
    assert list(tmp_path.iterdir()) == []
