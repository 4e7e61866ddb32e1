"""`strokecast forecast --state`: the file that keeps the intervals from call to call."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from strokecast.commands import model_lookup
from strokecast.commands.model_lookup import FoundModel

DEFAULT = Path(".strokecast/intervals/seasonal_naive_7-seed-1.json")


def _write_input(count: int, jump: float = 0.0, path: str = "in.csv") -> Path:
    day = np.arange(count)
    y = (9000 + 500 * np.sin(day * 2 * np.pi / 7)).round() + jump * (day >= 100) * (day - 99)
    ds = pd.date_range("2020-01-01", periods=count).strftime("%Y-%m-%d")
    pd.DataFrame({"ds": ds, "y": y}).to_csv(path, index=False)
    return Path(path)


def _widths() -> Any:
    table = pd.read_csv("out.csv")
    return (table["hi-80"] - table["lo-80"]).to_numpy()


def test_calls_learn_from_the_errors_of_earlier_calls(forecast_project: Any) -> None:
    for count in (100, 104, 108):
        assert forecast_project.forecast(_write_input(count, jump=50), {}).exit_code == 0
    learned = _widths()
    result = forecast_project.forecast(_write_input(108, jump=50), {}, "--no-state")
    assert result.exit_code == 0
    assert (learned > _widths() + 30).all()
    assert json.loads(DEFAULT.read_text())["series"]["rides"]["last_day"] == "2020-04-17"


def test_the_state_lies_where_the_option_says(forecast_project: Any) -> None:
    result = forecast_project.forecast(_write_input(60), {}, "--state", "kept/rides.json")
    assert result.exit_code == 0, result.output
    assert Path("kept/rides.json").is_file()
    assert not DEFAULT.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--state", "models/state.json"), "models/state.json lies in models/, which stages replace"),
        (("--state", "in.csv"), "in.csv is also an input"),
        (("--state", "out.csv"), "out.csv is also --output"),
        (("--state", "-"), "- is not a file"),
        (("--state", "s.json", "--no-state"), "contradicts --no-state"),
        (("--state", "notes.txt"), "is not valid JSON"),
    ],
)
def test_other_files_are_refused_in_one_line(forecast_project: Any, options: Any, message: str) -> None:
    Path("notes.txt").write_text("notes")
    result = forecast_project.forecast(_write_input(60), {}, *options)
    assert result.exit_code == 1
    assert message in result.output
    assert result.output.count("\n") == 1
    assert not Path("out.csv").exists()
    assert Path("notes.txt").read_text() == "notes"


def test_the_files_of_a_registered_version_have_static_intervals(
    forecast_project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _write_input(60)
    assert forecast_project.forecast(path, {}, "--no-state").exit_code == 0
    static = Path("out.csv").read_text()
    training = Path("models/forecast/seasonal_naive_7/seed-1")
    version = Path("version/data/model")
    shutil.copytree(training, version, ignore=shutil.ignore_patterns("validation*"))
    found = FoundModel("seasonal_naive_7", version, "seasonal_naive_7-seed1 (version 2)", is_copy=True)
    monkeypatch.setattr(model_lookup, "find", lambda *_: found)
    result = forecast_project.forecast(path, {})
    assert result.exit_code == 0, result.output
    assert "seasonal_naive_7-seed1 (version 2): the files of this registered version have no" in result.output
    assert Path("out.csv").read_text() == static
    assert not DEFAULT.exists()
    result = forecast_project.forecast(path, {}, "--state", "kept.json")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
