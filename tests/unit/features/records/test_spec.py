"""What a spec.json must hold, whichever class of the spec's type says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strokecast.common.errors import UserError
from strokecast.features.records import spec
from strokecast.features.sketches import classify, draw, watch
from strokecast.features.timeseries import forecast
from strokecast.params import ClassifyFeatures, DrawFeatures, ForecastFeatures, WatchFeatures

TASKS = ("classify", "watch", "draw", "forecast")
OPTIONAL = {"forecast": {"lag_calendar"}}  # earlier versions wrote none


@pytest.fixture
def written(
    validated_sketches: Path, make_series: Callable[..., Path], tmp_path: Path
) -> dict[str, dict[str, Any]]:
    """What preprocessing writes for each task."""
    days = ForecastFeatures(input_size=10, horizon=3, valid_from="2020-02-10", test_from="2020-02-20")
    small = WatchFeatures(frames=3, height=8, width=10, steps_per_frame=2)
    return {
        "classify": classify.preprocess(
            validated_sketches, tmp_path / "classify", ClassifyFeatures(bucket_boundaries=(8, 40))
        ),
        "watch": watch.preprocess(validated_sketches, tmp_path / "watch", small),
        "draw": draw.preprocess(validated_sketches, tmp_path / "draw", DrawFeatures(bucket_boundaries=(8, 40))),
        "forecast": forecast.preprocess(make_series(60), tmp_path / "forecast", days),
    }


def test_a_spec_holds_what_its_type_says_and_can_miss_none_of_it(
    written: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    for task in TASKS:
        told, optional = written[task], OPTIONAL.get(task, set())
        assert set(told) == set(spec._KINDS[task].__annotations__), task
        for key in told:
            left = {name: value for name, value in told.items() if name != key}
            (tmp_path / "spec.json").write_text(json.dumps(left))
            if key in optional:
                assert spec.load(tmp_path, task) == left
                continue
            with pytest.raises(UserError, match=rf"is no spec of {task} \(no {key}\)"):
                spec.load(tmp_path, task)
