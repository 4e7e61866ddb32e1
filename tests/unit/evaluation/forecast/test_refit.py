"""Trained again on all days before, as the origins move on."""

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

from strokecast.evaluation.common.trainings import roster
from strokecast.evaluation.forecast import predictions as forecast_predictions
from strokecast.evaluation.forecast import refit as forecast_refit
from strokecast.features.timeseries import forecast as forecast_features
from strokecast.inference import backtest
from strokecast.models.regression import lagged
from strokecast.params import parse
from strokecast.training import run


def test_each_origin_is_answered_by_the_last_training_before_it():
    positions = np.array([90, 99, 100, 104, 111, 125])
    parts = forecast_refit.blocks(positions, 90, 10)
    assert {start: rows.tolist() for start, rows in parts.items()} == {
        90: [0, 1],
        100: [2, 3],
        110: [4],
        120: [5],
    }
    assert {start: rows.tolist() for start, rows in forecast_refit.blocks(positions, 90, None).items()} == {
        90: [0, 1, 2, 3, 4, 5]
    }


def test_forecasts_after_a_refit_are_those_of_a_training_on_all_days_before(
    train, tmp_path, validated_series, monkeypatch
):
    """Here in this process; `pool.in_its_own_process` has its own test."""
    asked = []

    def here(function, arguments):
        asked.append(arguments[1:])
        return function(*arguments)

    monkeypatch.setattr(forecast_refit, "in_its_own_process", here)
    config = {"lags": 7, "weeks": [1]}
    settings = parse(
        {
            "features": {"forecast": {"window": 14, "horizon": 7, "valid_from": 0.5, "test_from": 0.75}},
            "models": {"forecast": {"ridge": {"config": config}}},
        }
    )
    processed = tmp_path / "processed"
    spec = forecast_features.preprocess(validated_series, processed, settings.features.forecast)
    folder = train("forecast", "ridge", kind="estimator", dataset={"digest": spec["digest"]})
    run.fit_estimator("forecast", "ridge", config, 1, processed, folder)
    found = roster("forecast", settings.models.forecast, tmp_path / "models")
    again = forecast_refit.Again(settings, validated_series, tmp_path / "again", 10)
    test, once = forecast_predictions.collect(found, processed, spec, 1)
    _, made = forecast_predictions.collect(found, processed, spec, 1, again=again)
    assert asked == [("ridge", 1, ("2018-04-11", "2018-04-21"), 30)]
    assert len(test.first_days) == 24
    before, after = once["ridge", 1], made["ridge", 1]
    assert after.point[:10] == pytest.approx(before.point[:10], rel=1e-6)
    assert after.low[:, :10] == pytest.approx(before.low[:, :10], rel=1e-6)
    assert not np.isclose(after.point[10:], before.point[10:]).all(axis=1).any()
    home = tmp_path / "again/models/ridge/seed-1/2018-04-21"
    own = json.loads((home / "spec.json").read_text())
    assert own["splits"]["test"]["first"] == "2018-04-21"
    assert own["splits"]["valid"] == {**own["splits"]["valid"], "first": "2018-03-22", "last": "2018-04-20"}
    known = backtest.series(processed, ("train", "valid", "test"))
    by_hand = backtest.regression(lagged.load(home), own)(known, np.arange(110, 114)).point[..., 0]
    assert after.point[20:] == pytest.approx(by_hand)


IMPORTED = """
import json, sys
from pathlib import Path
import numpy as np
from strokecast.evaluation import forecast_predictions, forecast_refit, forecast_report, run
from strokecast.params import parse
told, validated, home = json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
again = forecast_refit.Again(parse(told), validated, home, 10)
for name in told["models"]["forecast"]:
    forecast_refit._train(again, name, 1, ["2018-04-11"], 30)
print(json.dumps([module.__file__ for name, module in sys.modules.items() if name.startswith("strokecast") and module.__file__]))
"""


def test_a_refit_imports_nothing_but_what_the_stage_depends_on(tmp_path, validated_series):
    root = Path(__file__).parents[4]
    told = {
        "features": {"forecast": {"window": 14, "horizon": 7, "valid_from": 0.5, "test_from": 0.75}},
        "models": {"forecast": {"ridge": {"config": {"lags": 7, "weeks": [1]}}}},
    }
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, json.dumps(told), str(validated_series), str(tmp_path / "again")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    stage = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]["evaluate"]
    item = stage["foreach"]["forecast"]
    deps = []
    for dep in stage["do"]["deps"]:
        for key, value in item.items():
            dep = dep.replace("${item." + key + "}", value)
        deps.append(root / dep)
    for file in map(Path, json.loads(done.stdout.splitlines()[-1])):
        assert any(file == dep or dep in file.parents for dep in deps), f"{file.relative_to(root)} is no dep"


def test_a_refit_sees_no_day_from_its_origin_on(tmp_path, validated_series):
    """Other values from the first day on that it forecasts: the same training."""
    settings = parse(
        {
            "features": {"forecast": {"window": 14, "horizon": 7, "valid_from": 0.5, "test_from": 0.75}},
            "models": {"forecast": {"ridge": {"config": {"lags": 7, "weeks": [1]}}}},
        }
    )
    spoiled = tmp_path / "spoiled"
    shutil.copytree(validated_series, spoiled)
    table = pq.read_table(spoiled / "series.parquet")
    frame = table.to_pandas()
    later = pd.to_datetime(frame["ds"]) >= "2018-04-11"
    assert later.any()
    frame.loc[later, "y"] = frame.loc[later, "y"] * 3 + 1
    pq.write_table(
        pa.Table.from_pandas(frame, table.schema, preserve_index=False), spoiled / "series.parquet"
    )
    made = []
    for place, home in ((validated_series, "whole"), (spoiled, "other")):
        again = forecast_refit.Again(settings, place, tmp_path / home, 10)
        forecast_refit._train(again, "ridge", 1, ["2018-04-11"], 30)
        folder = again._model("ridge", 1, "2018-04-11")
        with np.load(folder / "model.npz", allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        made.append((arrays, (folder / "calibration.json").read_text()))
    assert made[0][1] == made[1][1]
    for name, values in made[0][0].items():
        np.testing.assert_array_equal(values, made[1][0][name])
