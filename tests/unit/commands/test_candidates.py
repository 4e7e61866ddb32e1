"""A combination of forecasters is a candidate like a training: its MLflow model holds all of its members."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from strokecast.commands import candidates
from strokecast.common.errors import UserError
from strokecast.inference import predictor
from strokecast.params import Params

SEEDS = {"1": "id-1", "2": "id-2"}


@pytest.fixture
def mix(forecast_project: Any) -> Path:
    """The combination `mix` of two trainings of `seasonal_naive_7`, evaluated, and chosen by validation."""
    first = Path("models/forecast/seasonal_naive_7/seed-1")
    shutil.copytree(first, first.with_name("seed-2"))
    for seed, training_id in SEEDS.items():
        run = {"training_id": training_id, "ended_ms": int(seed), "dataset": {"digest": "d"}}
        (first.with_name(f"seed-{seed}") / "run.json").write_text(json.dumps(run))
    folder = Path("reports/forecast/combinations/mix")
    folder.mkdir(parents=True)
    for name in ("spec.json", "calibration.json"):
        shutil.copyfile(first / name, folder / name)
    stored = {"members": {"seasonal_naive_7": SEEDS}, "weights": {"": {"seasonal_naive_7": 1.0}}}
    (folder / "combination.json").write_text(json.dumps(stored | {"quantile_levels": []}))
    row = {"model": "mix", "seeds": [0], "mase": 0.5}
    summary = {"source": "csv", "champion": {"model": "mix"}, "models": [row], "regimes": []}
    Path("reports/forecast/summary.json").write_text(json.dumps(summary))
    day = {"origin": ["2020-04-01"], "ds": ["2020-04-01"], "day": [1], "actual": [2.0], "forecast": [5.0]}
    rows = pd.DataFrame({"model": ["mix"], "seed": [0], **day})
    rows.to_parquet("reports/forecast/predictions.parquet", index=False)
    return folder


@pytest.mark.slow
def test_the_model_of_a_combination_answers_without_the_project(mix: Path, tmp_path: Path) -> None:
    candidate = candidates.find("forecast", "champion", None, Params(), tmp_path)
    assert (candidate.label, candidate.is_combination, candidate.ensure_run()) == ("mix", True, None)
    assert (candidate.run["ended_ms"], candidate.metrics["test/mase"], candidate.scores.value) == (
        2,
        0.5,
        3.0,
    )
    written = (candidate.pyfunc_dir / "requirements.txt").read_text()
    assert "tensorflow" not in written, "its members need none"
    history = pd.DataFrame(
        {"ds": pd.date_range("2020-01-01", periods=28), "y": [float(n % 7) for n in range(28)]}
    )
    expected = predictor.load(Path("models/forecast/seasonal_naive_7/seed-1")).predict(history)
    shutil.rmtree("models")
    answer = predictor.load(candidate.pyfunc_dir / "data/model").predict(history)
    pd.testing.assert_frame_equal(answer, expected)


@pytest.mark.usefixtures("mix")
def test_a_combination_whose_member_was_trained_again_is_refused(tmp_path: Path) -> None:
    Path("models/forecast/seasonal_naive_7/seed-2/run.json").write_text(
        json.dumps({"training_id": "other", "ended_ms": 3, "dataset": {"digest": "d"}})
    )
    with pytest.raises(UserError, match="was trained again since this combination was evaluated"):
        candidates.find("forecast", "mix", None, Params(), tmp_path)
    assert list(tmp_path.glob("pyfunc")) == []
