"""Scores per test example are read from what the evaluation stored, with their slices."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.evaluation.promotion import scores
from strokecast.params import Params

LABELLED = pd.DataFrame(
    {
        "model": ["gru", "gru", "gru", "lstm"],
        "seed": [1, 1, 2, 1],
        "id": ["a/1", "b/1", "a/1", "a/1"],
        "length": [25, 26, 25, 25],
        "label": ["a", "b", "a", "a"],
        "predicted": ["a", "a", "b", "b"],
    }
)
DAYS = pd.DataFrame(
    {
        "model": "gru",
        "seed": 1,
        "origin": ["2020-01-05", "2020-01-05", "2020-01-06", "2020-01-06"],
        "ds": ["2020-01-05", "2020-01-06", "2020-01-06", "2020-01-07"],
        "day": [1, 2, 1, 2],
        "actual": [10.0, 20.0, 20.0, 30.0],
        "forecast": [11.0, 18.0, 20.0, 26.0],
    }
)


def write(task: str, rows: pd.DataFrame, **summary: object) -> None:
    folder = Path("reports") / task
    folder.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(folder / "predictions.parquet", index=False)
    (folder / "summary.json").write_text(json.dumps({"source": "made", "models": [{}]} | summary))
    Path("data/raw/sketches").mkdir(parents=True, exist_ok=True)
    Path("data/raw/sketches/source.json").write_text("{}")


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_classifier_scores_one_per_correct_drawing() -> None:
    write("classify", LABELLED)
    read = scores.read("classify", "gru", 1, Params())
    assert read.table.to_dict("list") == {
        "example": ["a/1", "b/1"],
        "truth": ["a", "b"],
        "score": [1.0, 0.0],
        "class": ["a", "b"],
        "length": ["1-25", "26-50"],
    }
    assert {name: mask.tolist() for name, mask in read.slices().items()}["length 26-50"] == [False, True]
    assert (read.metric, read.value, read.higher_is_better) == ("accuracy", 0.5, True)


def test_a_forecaster_scores_absolute_errors_by_day_weekday_and_regime() -> None:
    regimes = [{"name": "late", "first": "2020-01-06", "last": "2020-02-01"}]
    write("forecast", DAYS, regimes=regimes)
    read = scores.read("forecast", "gru", 1, Params())
    assert read.table["score"].tolist() == [1.0, 2.0, 0.0, 4.0]
    assert read.by_example().to_dict() == {"|2020-01-05": 1.5, "|2020-01-06": 2.0}
    slices = {name: mask.tolist() for name, mask in read.slices().items()}
    assert slices["regime late"] == [False, False, True, True]
    assert slices["weekday sunday"] == [True, False, False, False]
    assert slices["day 2"] == [False, True, False, True]
    assert read.select(["|2020-01-06"]).value == 2.0


def test_the_digest_is_that_of_the_test_set_and_not_of_the_answers() -> None:
    write("classify", LABELLED)
    gru, lstm = (scores.read("classify", name, 1, Params()) for name in ("gru", "lstm"))
    assert gru.select(["a/1"]).digest == lstm.digest
    assert gru.digest != lstm.digest
    Path("data/raw/sketches/source.json").write_text('{"files": {}}')
    assert scores.read("classify", "lstm", 1, Params()).digest != lstm.digest


def test_a_training_without_predictions_is_named() -> None:
    with pytest.raises(UserError, match="dvc repro evaluate-classify"):
        scores.read("classify", "gru", 1, Params())
    write("classify", LABELLED)
    with pytest.raises(UserError, match="gru-seed7 has no test predictions"):
        scores.read("classify", "gru", 7, Params())
    write("classify", LABELLED, models=[])
    with pytest.raises(UserError, match="no model of classify was evaluated"):
        scores.read("classify", "gru", 1, Params())
