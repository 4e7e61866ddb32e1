"""The state that `strokecast forecast` keeps: what it learns from call to call, and which files it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.inference import adaptive_intervals, conformal, validation_forecasts
from strokecast.inference.adaptive_intervals import IntervalTracker, IssuedForecasts
from strokecast.inference.interval_state import IntervalState
from strokecast.inference.validation_forecasts import ValidationForecasts

HORIZON, LEVELS = 3, len(conformal.LEVELS)
DAYS = np.arange("2024-01-01", "2024-07-01", dtype="datetime64[D]")
VALUES = 100 + np.random.default_rng(0).normal(size=len(DAYS)) + np.where(np.arange(len(DAYS)) > 90, 5, 0)
POINT = np.full(HORIZON, 100.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that forecasts 100, with 40 validation origins."""
    folder = tmp_path_factory.mktemp("model")
    actual = VALUES[np.arange(40)[:, None] + np.arange(HORIZON)]
    forecasts = ValidationForecasts(DAYS[:40], actual, np.full(actual.shape, 100.0))
    validation_forecasts.write(folder, {"": forecasts})
    return folder


@pytest.fixture
def call(folder: Path, tmp_path: Path) -> Callable[..., Any]:
    """Forecast 100 after a number of days, and keep the state; returns the ends and the warnings."""

    def call(count: int, first: int = 0, name: str = "rides", values: Any = VALUES) -> Any:
        warnings: list[str] = []
        state = IntervalState(tmp_path / "state.json", "ridge-seed-1", folder, HORIZON, warnings.append)
        days, ends = DAYS[first:count], np.broadcast_to(POINT, (LEVELS, HORIZON))
        intervals = state.intervals(name, "", days, values[first:count], POINT, ends, ends)
        state.write(state.path)
        return intervals, warnings

    return call


def test_calls_on_every_day_give_the_intervals_of_evaluation(call: Callable[..., Any], folder: Path) -> None:
    start = 50
    called = [call(count)[0] for count in range(start, 130)]
    positions = np.arange(start, 130)
    actual = VALUES[positions[:, None] + np.arange(HORIZON)]
    forecasts = ValidationForecasts(DAYS[positions], actual, np.full(actual.shape, 100.0))
    issued = IssuedForecasts.of_model(forecasts)
    tracker = IntervalTracker.fit(IssuedForecasts.of_model(validation_forecasts.load(folder)[""]))
    low, high = adaptive_intervals.track(tracker, issued, np.ones(len(positions), bool))
    np.testing.assert_allclose(np.moveaxis(np.array(called), 0, 2), [low, high], rtol=1e-12)


def test_repeated_calls_change_nothing_and_missed_days_are_learned_later(call: Callable[..., Any]) -> None:
    first = call(100)[0]
    np.testing.assert_array_equal(call(100)[0], first)
    later, warnings = call(102)
    assert not warnings
    assert (later[1] > first[1])[:, :2].all()  # two of the three days have passed
    np.testing.assert_array_equal(later[1][:, 2], first[1][:, 2])
    np.testing.assert_array_equal(call(130, first=120)[0], call(130)[0])


def test_each_series_has_its_own_intervals(call: Callable[..., Any]) -> None:
    first = call(60)[0]
    call(100)
    call(103)
    np.testing.assert_array_equal(call(60, name="bus")[0], first)


def test_other_values_and_earlier_days_start_from_the_validation_errors(call: Callable[..., Any]) -> None:
    first = call(100)[0]
    call(103)
    earlier, warnings = call(101)
    assert "has the errors of rides up to 2024-04-12, the input ends on 2024-04-10" in warnings[0]
    np.testing.assert_array_equal(earlier, first)
    revised = VALUES.copy()
    revised[102] += 1
    assert not call(104, values=revised)[1]
    other, warnings = call(105, values=VALUES * 2)
    assert "the last values of rides are not those of the last call" in warnings[0]
    np.testing.assert_array_equal(other, first)


def test_a_new_training_starts_from_its_validation_errors(call: Callable[..., Any], tmp_path: Path) -> None:
    call(100)
    path = tmp_path / "state.json"
    path.write_text(path.read_text().replace('"training": "', '"training": "0'))
    assert "ridge-seed-1 was trained again" in call(101)[1][0]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:100], "is not valid JSON"),
        (lambda text: "[]", "is not a state of forecast intervals"),
        (lambda text: text.replace("ridge-seed-1", "gru-seed-1"), "is the state of gru-seed-1, not of ridge"),
        (lambda text: text.replace('"fast"', '"quick"'), "is damaged ('fast')"),
        (lambda text: text.replace('"first_day": "2024', '"first_day": "x'), "is damaged ("),
        (
            lambda text: json.dumps(json.loads(text) | {"series": 3}),
            "is damaged ('int' object has no attribute",
        ),
    ],
)
def test_a_damaged_or_foreign_file_is_one_line(
    call: Callable[..., Any], tmp_path: Path, damage: Any, message: str
) -> None:
    call(100)
    path = tmp_path / "state.json"
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError) as caught:
        call(101)
    assert message in str(caught.value)
    assert "name another file with --state" in str(caught.value)
    assert "\n" not in str(caught.value)
