"""Refits on all earlier days, as the origins move on."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from strokecast.evaluation.common.trained_models import find_trained_models
from strokecast.evaluation.forecast import refit
from strokecast.evaluation.forecast.predictions import forecast_test_split
from strokecast.evaluation.forecast.refit import Refitter, assign_origins
from strokecast.features.timeseries import forecast as forecast_features
from strokecast.inference import backtest
from strokecast.models.common import resolve
from strokecast.models.regression import lag_regressor
from strokecast.params import parse
from strokecast.params.stages import read_stage, write_stages
from strokecast.training import run
from strokecast.training.job import TrainingJob

CONFIG = {"lags": 7, "weeks": [1]}
VALUES = {
    "features": {
        "forecast": {"input_size": 14, "horizon": 7, "valid_from": 0.5, "test_from": 0.75, "lags": []}
    },
    "models": {"forecast": {"ridge": {"config": CONFIG}}},
}


def test_each_origin_is_forecast_by_the_last_refit_before_it():
    positions = np.array([90, 99, 100, 104, 111, 125])
    assigned = assign_origins(positions, 90, 10)
    assert {start: rows.tolist() for start, rows in assigned.items()} == {
        90: [0, 1],
        100: [2, 3],
        110: [4],
        120: [5],
    }
    without_refits = assign_origins(positions, 90, None)
    assert {start: rows.tolist() for start, rows in without_refits.items()} == {90: [0, 1, 2, 3, 4, 5]}


def test_forecasts_after_a_refit_are_those_of_a_training_on_all_earlier_days(
    train, tmp_path, validated_series, monkeypatch
):
    """The refits run in this process; `pool.run_in_new_process` has its own test."""
    calls = []

    def run_here(function, arguments):
        calls.append(arguments[1:])
        return function(*arguments)

    monkeypatch.setattr(refit, "run_in_new_process", run_here)
    params = parse(VALUES)
    processed = tmp_path / "processed"
    spec = forecast_features.preprocess(validated_series, processed, params.features.forecast)
    folder = train("forecast", "ridge", kind="estimator", dataset={"digest": spec["digest"]}, parameters=None)
    job = TrainingJob.create("forecast", "ridge", 1, CONFIG, params.recipe("forecast", "ridge"))
    run.fit_estimator(job, processed, folder)
    models = find_trained_models("forecast", params.models.forecast, tmp_path / "models")
    (tmp_path / "settings").mkdir()
    refitting = {**VALUES, "evaluation": {"forecast": {"refit_every": 10}}}
    write_stages(tmp_path / "settings", resolve.resolve(parse(refitting)))
    settings = read_stage("evaluate-forecast", tmp_path / "settings")
    refitter = Refitter(settings, validated_series, tmp_path / "refits", 10)
    test, without_refits = forecast_test_split(models, processed, spec, 1)
    _, with_refits = forecast_test_split(models, processed, spec, 1, refitter=refitter)
    assert calls == [("ridge", 1, ("2018-04-11", "2018-04-21"), 30)]
    assert len(test.first_days) == 24
    before, after = without_refits["ridge", 1], with_refits["ridge", 1]
    assert after.point[:10] == pytest.approx(before.point[:10], rel=1e-6)
    assert after.low[:, :10] == pytest.approx(before.low[:, :10], rel=1e-6)
    assert not np.isclose(after.point[10:], before.point[10:]).all(axis=1).any()
    refit_dir = tmp_path / "refits/models/ridge/seed-1/2018-04-21"
    refit_spec = json.loads((refit_dir / "spec.json").read_text())
    splits = refit_spec["splits"]
    assert splits["test"]["first"] == "2018-04-21"
    assert splits["valid"] == {**splits["valid"], "first": "2018-03-22", "last": "2018-04-20"}
    series = backtest.load_series(processed, ("train", "valid", "test"))
    forecaster = backtest.regression_forecaster(lag_regressor.load(refit_dir), refit_spec)
    assert after.point[20:] == pytest.approx(forecaster(series, np.arange(110, 114)).point[..., 0])


REFIT_AND_LIST_IMPORTS = """
import json, sys
from pathlib import Path
from strokecast.evaluation.common import run
from strokecast.evaluation.forecast import refit, run
from strokecast.params import parse
values, validated, work_dir = json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
refitter = refit.Refitter(parse(values), validated, work_dir, 10)
for name in values["models"]["forecast"]:
    refit._refit(refitter, name, 1, ["2018-04-11"], 30)
modules = {name: module.__file__ for name, module in sys.modules.items() if name.startswith("strokecast")}
print(json.dumps([file for file in modules.values() if file]))
"""


@pytest.mark.slow
def test_a_refit_imports_only_what_the_stage_depends_on(tmp_path, validated_series):
    root = Path(__file__).parents[4]
    command = [sys.executable, "-c", REFIT_AND_LIST_IMPORTS, json.dumps(VALUES), str(validated_series)]
    result = subprocess.run([*command, str(tmp_path / "refits")], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    stage = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]["evaluate-forecast"]
    deps = [root / dep for dep in stage["deps"]]
    for file in map(Path, json.loads(result.stdout.splitlines()[-1])):
        if file.name == "__init__.py" and len(ast.parse(file.read_text()).body) == 1:
            continue  # a docstring only
        assert any(file == dep or dep in file.parents for dep in deps), (
            f"{file.relative_to(root)} is not a dependency"
        )


def test_a_refit_does_not_see_the_days_it_forecasts(tmp_path, validated_series):
    """With other values from its first forecast day on, the trained model is the same."""
    changed = tmp_path / "changed"
    shutil.copytree(validated_series, changed)
    table = pq.read_table(changed / "series.parquet")
    frame = table.to_pandas()
    later = pd.to_datetime(frame["ds"]) >= "2018-04-11"
    assert later.any()
    frame.loc[later, "y"] = frame.loc[later, "y"] * 3 + 1
    pq.write_table(
        pa.Table.from_pandas(frame, table.schema, preserve_index=False), changed / "series.parquet"
    )
    models = []
    for validated, name in ((validated_series, "original"), (changed, "changed_refit")):
        refitter = Refitter(parse(VALUES), validated, tmp_path / name, 10)
        refit._refit(refitter, "ridge", 1, ["2018-04-11"], 30)
        folder = refitter.model_dir("ridge", 1, "2018-04-11")
        with np.load(folder / "model.npz", allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        models.append((arrays, (folder / "calibration.json").read_text()))
    assert models[0][1] == models[1][1]
    for name, values in models[0][0].items():
        np.testing.assert_array_equal(values, models[1][0][name])
