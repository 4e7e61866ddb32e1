"""Test examples as raw input: drawings by their ids, and the days before each origin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.evaluation.promotion import raw_inputs, trial
from strokecast.evaluation.promotion.environments import Answer, EnvironmentFailedError
from strokecast.evaluation.promotion.scores import TestScores


@pytest.fixture
def validated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two drawings, and ten days of the series `bus` and `rail`."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data/validated"
    (folder / "sketches").mkdir(parents=True)
    (folder / "series").mkdir()
    drawings = pd.DataFrame({"id": ["a/0", "a/1"], "points": [[1.0, 0, 0, 0, 2, 1], [3.0, 3, 1]]})
    drawings.to_parquet(folder / "sketches/test.parquet", index=False)
    days = pd.date_range("2020-01-01", periods=10).date
    series = pd.DataFrame({"ds": [*days, *days], "unique_id": ["bus"] * 10 + ["rail"] * 10, "y": range(20)})
    series.to_parquet(folder / "series/series.parquet", index=False)
    return folder


def test_drawings_come_in_the_order_of_their_ids(validated: Path) -> None:
    frame = raw_inputs.drawings(["a/1", "a/0"], validated)
    assert frame["strokes"].tolist() == [[[3, 3, 1]], [[1, 0, 0], [0, 2, 1]]]
    with pytest.raises(UserError, match="has no drawing 'b/7'"):
        raw_inputs.drawings(["a/1", "b/7"], validated)
    assert [len(one) for one in raw_inputs.single_requests("classify", {}, ["a/0", "a/1"])] == [1, 1]


def test_a_history_ends_before_its_origin(validated: Path, specs: dict[str, dict[str, Any]]) -> None:
    (frame,) = raw_inputs.histories(["rail|2020-01-04"], specs["forecast"], validated)  # type: ignore[arg-type]
    assert frame.to_dict("list") == {
        "ds": ["2020-01-01", "2020-01-02", "2020-01-03"],
        "y": [10, 11, 12],
        "unique_id": ["rail"] * 3,
    }


def test_days_whose_type_is_known_ahead_come_without_their_values(
    validated: Path, specs: dict[str, dict[str, Any]]
) -> None:
    path = validated / "series/series.parquet"
    pd.read_parquet(path).iloc[:10].assign(day_type="W").drop(columns="unique_id").to_parquet(path)
    calendar = specs["forecast"]["calendar"] | {"kinds": ["weekday", "day_type"], "day_types": ["W", "U"]}
    spec: Any = specs["forecast"] | {"calendar": calendar, "horizon": 2}
    (frame,) = raw_inputs.histories(["|2020-01-03"], spec, validated)
    assert frame["day_type"].tolist() == ["W"] * 4
    assert frame["y"].isna().tolist() == [False, False, True, True]


def forecast_scores() -> TestScores:
    table = pd.DataFrame({"example": ["rail|2020-01-04"] * 2, "truth": ["13", "14"], "score": [0.0, 0.0]})
    return TestScores("forecast", table.assign(day=["1", "2"]), "made")


@pytest.mark.usefixtures("validated")
def test_a_registered_forecaster_is_scored_on_the_days_of_the_candidate(
    specs: dict[str, dict[str, Any]],
) -> None:
    def run(model_dir: Path, requests: list[pd.DataFrame]) -> list[Answer]:
        return [
            Answer(pd.DataFrame({"mean": [float(frame["y"].iloc[-1])] * 7}), 0.0)
            for frame in [requests[0], *requests]
        ]

    rescored = trial.rescore(Path("model"), forecast_scores(), specs["forecast"], run)
    assert rescored.table["score"].tolist() == [1.0, 2.0]
    with pytest.raises(trial.IncomparableError, match="it forecasts 1 days, and the candidate 2"):
        trial.rescore(Path("model"), forecast_scores(), specs["forecast"] | {"horizon": 1}, run)

    def fail(model_dir: Path, requests: list[pd.DataFrame]) -> list[Answer]:
        raise EnvironmentFailedError("no disk")

    with pytest.raises(trial.IncomparableError, match="no disk"):
        trial.rescore(Path("model"), forecast_scores(), specs["forecast"], fail)


@pytest.mark.usefixtures("validated")
@pytest.mark.parametrize("table", [pd.DataFrame({"mean": []}), pd.DataFrame({"mean": [float("nan")]})])
def test_an_answer_that_is_empty_or_not_finite_does_not_pass(
    specs: dict[str, dict[str, Any]], table: pd.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text("mlflow==3\n")
    checks = trial.check_answers(
        tmp_path,
        forecast_scores(),
        specs["forecast"],
        10.0,
        lambda folder, requests: [Answer(table, 0.0)] * 3,
    )
    assert [(check.name, check.passed) for check in checks] == [("environment", False), ("latency", False)]
    assert "empty or not finite" in checks[0].figures
