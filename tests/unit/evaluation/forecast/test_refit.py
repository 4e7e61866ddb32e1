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

from strokecast.common.errors import UserError
from strokecast.evaluation.common.trained_models import TrainedModel, find_trained_models
from strokecast.evaluation.forecast import refit
from strokecast.evaluation.forecast.predictions import forecast_test_split
from strokecast.evaluation.forecast.refit import Refitter, assign_origins
from strokecast.features.records import numpy_reader
from strokecast.features.timeseries import forecast as forecast_features
from strokecast.inference import backtest, conformal, networks
from strokecast.models.common import resolve
from strokecast.models.regression import lag_regressor
from strokecast.params import parse
from strokecast.params.stages import read_stage, write_stages
from strokecast.training import fitting, forecasters, run
from strokecast.training.job import TrainingJob

CONFIG = {"lags": 7, "weeks": [1]}
VALUES = {
    "features": {
        "forecast": {"input_size": 14, "horizon": 7, "valid_from": 0.5, "test_from": 0.75, "lags": []}
    },
    "models": {"forecast": {"ridge": {"config": CONFIG}}},
}


def with_refits(**evaluation):
    return {**VALUES, "evaluation": {"forecast": {"max_origins": None, **evaluation}}}


def test_each_origin_is_forecast_by_the_last_refit_before_it():
    positions = np.array([90, 99, 100, 104, 111, 125])
    assigned = assign_origins(positions, 10)
    assert {start: rows.tolist() for start, rows in assigned.items()} == {
        90: [0, 1],
        100: [2, 3],
        111: [4],
        125: [5],
    }
    assert list(assign_origins(positions, 1)) == positions.tolist()
    assert list(assign_origins(positions, 100)) == [90]


def test_a_model_has_its_own_days_between_refits(tmp_path):
    values = with_refits(refit_every=10, refit_every_by_model={"ridge": None, "linear": 40})
    with pytest.raises(UserError, match=r"refit_every_by_model: 'linear' is not a model of forecast"):
        parse(values)
    values["models"] = {"forecast": {name: {} for name in ("ridge", "linear", "gru")}}
    refitter = Refitter(parse(values), tmp_path, tmp_path)
    assert [refitter.every(name) for name in ("ridge", "linear", "gru")] == [None, 40, 10]


@pytest.fixture
def trained_ridge(train, tmp_path, validated_series):
    """A ridge on the processed series: its models, the processed data and their spec."""
    params = parse(VALUES)
    processed = tmp_path / "processed"
    spec = forecast_features.preprocess(validated_series, processed, params.features.forecast)
    folder = train("forecast", "ridge", kind="estimator", dataset={"digest": spec["digest"]}, parameters=None)
    job = TrainingJob.create("forecast", "ridge", 1, CONFIG, params.recipe("forecast", "ridge"))
    fitting.fit_estimator(job, processed, folder)
    return find_trained_models("forecast", params.models.forecast, tmp_path / "models"), processed, spec


@pytest.fixture
def refit_here(monkeypatch):
    """Refits run in this process; `pool.run_in_new_process` has its own test. Returns the days of each call."""
    calls = []

    def run_here(function, arguments):
        calls.append(arguments[2])
        return function(*arguments)

    monkeypatch.setattr(refit, "run_in_new_process", run_here)
    return calls


def read_settings(tmp_path, **evaluation):
    """What the stage reads; other settings are missing."""
    folder = tmp_path / "settings"
    folder.mkdir()
    write_stages(folder, resolve.resolve(parse(with_refits(**evaluation))))
    return read_stage("evaluate-forecast", folder)


def test_forecasts_of_a_refit_are_those_of_a_model_that_learned_all_days_before_it(
    trained_ridge, tmp_path, validated_series, refit_here
):
    models, processed, spec = trained_ridge
    params = read_settings(tmp_path, refit_every=10)
    evaluation = params.evaluation.forecast
    refitter = Refitter(params, validated_series, tmp_path / "refits")
    test, without_refits = forecast_test_split(models, processed, spec, evaluation)
    _, with_refits = forecast_test_split(models, processed, spec, evaluation, refitter)
    assert refit_here == [{("ridge", 1): ["2018-04-01", "2018-04-11", "2018-04-21"]}]
    assert len(test.first_days) == 24
    before, after = without_refits["ridge", 1], with_refits["ridge", 1]
    assert not np.isclose(after.point, before.point).all(axis=1).any()
    refit_dir = tmp_path / "refits/models/ridge/seed-1/2018-04-21"
    refit_spec = json.loads((refit_dir / "spec.json").read_text())
    train = refit_spec["splits"]["train"]
    assert (train["last"], train["days"], train["windows"]) == ("2018-04-20", 110, 110 - 14 - 7 + 1)
    assert refit_spec["transforms"]["y"]["mean"] == pytest.approx(
        series_values(validated_series)[:110].mean()
    )
    series = backtest.load_series(processed, ("train", "valid", "test"))
    forecaster = backtest.regression_forecaster(lag_regressor.load(refit_dir), refit_spec)
    assert after.point[20:] == pytest.approx(forecaster(series, np.arange(110, 114)).point[..., 0])
    assert not (tmp_path / "refits/data/2018-04-21").exists()


def series_values(validated):
    return pq.read_table(validated / "series.parquet")["y"].to_numpy()


def test_a_refit_learns_the_windows_that_tfrecords_hold(tmp_path, validated_series):
    features = parse(VALUES).features.forecast
    with_records, without = (
        forecast_features.preprocess(
            validated_series, tmp_path / str(records), features, learn_valid=True, records=records
        )
        for records in (True, False)
    )
    assert without["files"] == {}
    for split, count in (("train", 90 - 14 - 7 + 1), ("valid", 30 - 7 + 1)):
        stored = numpy_reader.windows(tmp_path / "True", with_records, split)
        cut = forecasters._windows(tmp_path / "False", without, split)
        assert len(stored.origin) == count
        np.testing.assert_array_equal(cut.past, stored.past[:, :, :1])
        for name in ("future", "target", "origin"):
            np.testing.assert_array_equal(getattr(cut, name), getattr(stored, name))


def test_a_config_key_that_is_null_is_chosen_without_the_latest_days(
    train, tmp_path, validated_series, refit_here
):
    """On all days, the validation windows would be among the training windows of the choice."""
    values = {**VALUES, "models": {"forecast": {"ridge": {"config": CONFIG | {"l2": None}}}}}
    params = parse(values)
    data = refit._Data(Refitter(params, validated_series, tmp_path / "refits"), "2018-04-11", 30, False)
    folder = train("forecast", "ridge", kind="estimator", parameters=None)
    job = TrainingJob.create(
        "forecast", "ridge", 1, CONFIG | {"l2": None}, params.recipe("forecast", "ridge")
    )
    fitting.fit_estimator(job, data.without_valid, folder)
    chosen = lag_regressor.load(folder).selected_config()
    model = TrainedModel("ridge", 1, folder, {"kind": "estimator"})
    refitted = refit._refit(data.refitter, model, "2018-04-11", data, folder)
    assert json.loads((refitted / "config.json").read_text())["config"]["l2"] == chosen["l2"]
    with np.load(folder / "model.npz") as before, np.load(refitted / "model.npz") as after:
        assert not np.allclose(before["weights"], after["weights"])


@pytest.mark.slow
def test_a_network_starts_at_the_weights_of_its_last_fit(train, tmp_path, validated_series):
    values = {**VALUES, "models": {"forecast": {"linear": {}}}}
    values["training"] = {"forecast": {"learning_rate": 1e-12, "epochs": 2}}
    params = parse(values)
    refitter = Refitter(params, validated_series, tmp_path / "refits")
    data = refit._Data(refitter, "2018-04-11", 30, True)
    folder = train("forecast", "linear", parameters=None, best_epoch=1)
    job = TrainingJob.create("forecast", "linear", 5, {}, params.recipe("forecast", "linear"))
    run.train(job, folder, lambda row: None, None, data.all_days)
    model = TrainedModel("linear", 1, folder, {"kind": "network", "best_epoch": 1})
    refitted = refit._refit(refitter, model, "2018-04-11", data, folder)
    before, after = (networks.load_network(one).get_weights() for one in (folder, refitted))
    for old, new in zip(before, after, strict=True):
        np.testing.assert_allclose(new, old, atol=1e-6)
    rows = (refitted / "history.csv").read_text().splitlines()
    assert len(rows) == 1 + 2
    other = TrainedModel("linear", 1, tmp_path / "other", {"kind": "network", "best_epoch": 1})
    other.folder.mkdir()
    wider = parse(
        {**values, "features": {"forecast": {**VALUES["features"]["forecast"], "calendar": ["year"]}}}
    )
    narrow = refit._Data(Refitter(wider, validated_series, tmp_path / "narrow"), "2018-04-11", 30, True)
    run.train(job, other.folder, lambda row: None, None, narrow.all_days)
    shutil.rmtree(refitted)
    refitted = refit._refit(refitter, other, "2018-04-11", data, other.folder)
    assert len((refitted / "history.csv").read_text().splitlines()) == 1 + 1
    anew = params.model_copy(
        update={
            "evaluation": params.evaluation.model_copy(
                update={"forecast": params.evaluation.forecast.model_copy(update={"refit_epochs": None})}
            )
        }
    )
    refitter = Refitter(anew, validated_series, tmp_path / "anew")
    refitted = refit._refit(refitter, model, "2018-04-11", data, folder)
    assert len((refitted / "history.csv").read_text().splitlines()) == 1 + 1
    assert not np.allclose(networks.load_network(refitted).get_weights()[0], before[0], atol=1e-3)


def test_refits_are_calibrated_on_forecasts_of_earlier_fits(
    trained_ridge, tmp_path, validated_series, refit_here
):
    models, processed, spec = trained_ridge
    params = read_settings(tmp_path, refit_every=10)
    refitter = Refitter(params, validated_series, tmp_path / "refits")
    forecast_test_split(models, processed, spec, params.evaluation.forecast, refitter)
    series = backtest.load_series(processed, ("train", "valid", "test"))
    folders = [models.finished[0].folder, *sorted((tmp_path / "refits/models/ridge/seed-1").iterdir())]
    fits = [
        backtest.regression_forecaster(lag_regressor.load(one), json.loads((one / "spec.json").read_text()))
        for one in folders
    ]
    origins = np.arange(80, 104)  # the days 80 to 109 before the refit of day 110
    parts = [(0, origins[:10]), (1, origins[10:20]), (2, origins[20:])]  # refits of days 90 and 100
    point = np.concatenate([fits[fit](series, at).point[..., 0] for fit, at in parts])
    expected = conformal.fit(backtest.actuals(series, spec, origins)[..., 0], point)
    calibration = conformal.load(folders[3])
    assert calibration.origins == len(origins)
    np.testing.assert_allclose(calibration.low, expected.low)
    base = conformal.load(folders[0])
    np.testing.assert_allclose(conformal.load(folders[1]).low, base.low, rtol=1e-5)


REFIT_AND_LIST_IMPORTS = """
import json, sys
from pathlib import Path
from strokecast.evaluation.common import run
from strokecast.evaluation.forecast import refit, run
from strokecast.evaluation.common.trained_models import TrainedModel
from strokecast.params import parse
values, validated, work_dir = json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
refitter = refit.Refitter(parse(values), validated, work_dir)
data = refit._Data(refitter, "2018-04-11", 30, True)
for name in values["models"]["forecast"]:
    model = TrainedModel(name, 1, work_dir, {"kind": "rule"})
    refit._refit(refitter, model, "2018-04-11", data, work_dir)
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


def test_a_refit_does_not_see_the_days_it_forecasts(trained_ridge, tmp_path, validated_series):
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
    models_trained, models = trained_ridge[0], []
    for validated, name in ((validated_series, "original"), (changed, "changed_refit")):
        refitter = Refitter(parse(VALUES), validated, tmp_path / name)
        data = refit._Data(refitter, "2018-04-11", 30, False)
        ridge = models_trained.finished[0]
        folder = refit._refit(refitter, ridge, "2018-04-11", data, ridge.folder)
        with np.load(folder / "model.npz", allow_pickle=False) as stored:
            models.append({name: stored[name] for name in stored.files})
    for name, values in models[0].items():
        np.testing.assert_array_equal(values, models[1][name])
