"""Trained again on all days before, as the origins move on."""

import json

import numpy as np
import pytest

from strokecast.evaluation import forecast_predictions, forecast_refit
from strokecast.evaluation.trainings import roster
from strokecast.features import forecast as forecast_features
from strokecast.features.days import backtest
from strokecast.models.peers import lagged
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
