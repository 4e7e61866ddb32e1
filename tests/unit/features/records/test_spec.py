"""The keys of spec.json against its types, whichever class defines them."""

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
OPTIONAL = {
    "forecast": {"lag_calendar", "levels", "residual", "selection", "table"}
}  # missing in specs of earlier versions


@pytest.fixture
def written(
    validated_sketches: Path, make_series: Callable[..., Path], tmp_path: Path
) -> dict[str, dict[str, Any]]:
    """The spec that preprocessing writes for each task."""
    days = ForecastFeatures(
        input_size=10, horizon=3, valid_from="2020-02-10", test_from="2020-02-20", lags=()
    )
    small = WatchFeatures(frames=3, height=8, width=10, steps_per_frame=2)
    buckets = {"bucket_boundaries": (8, 40)}
    specs: dict[str, Any] = {
        "classify": classify.preprocess(
            validated_sketches, tmp_path / "classify", ClassifyFeatures(**buckets)
        ),
        "watch": watch.preprocess(validated_sketches, tmp_path / "watch", small),
        "draw": draw.preprocess(validated_sketches, tmp_path / "draw", DrawFeatures(**buckets)),
        "forecast": forecast.preprocess(make_series(60), tmp_path / "forecast", days),
    }
    return specs


def test_spec_has_every_key_of_its_type_and_none_may_be_missing(
    written: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    for task in TASKS:
        contents, optional = written[task], OPTIONAL.get(task, set())
        assert set(contents) - optional == set(spec._SPEC_TYPES[task].__required_keys__), task
        assert set(contents) <= set(spec._SPEC_TYPES[task].__annotations__), task
        for key in contents:
            remaining = {name: value for name, value in contents.items() if name != key}
            (tmp_path / "spec.json").write_text(json.dumps(remaining))
            if key in optional:
                assert spec.load(tmp_path, task) == remaining
                continue
            with pytest.raises(UserError, match=rf"is not a spec of {task} \(no {key}\)"):
                spec.load(tmp_path, task)


def test_spec_with_the_keys_of_earlier_versions_is_read(
    written: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    padded, series = written["classify"], written["forecast"]
    old_padded = {("bounds" if key == "bucket_boundaries" else key): value for key, value in padded.items()}
    calendar = series["calendar"]
    old_calendar = {
        "kinds": calendar["kinds"],
        "country": calendar["holiday_country"],
        "names": calendar["holiday_names"],
        "day_types": calendar["day_types"],
        "first": calendar["trend_start"],
        "around": calendar["holiday_window"],
        "bridge_days": calendar["bridge_days"],
    }
    names = {"input_size": "window", "past_covariates": "covariates"}
    old_series = {names.get(key, key): value for key, value in series.items()} | {"calendar": old_calendar}
    for task, old, present in (("classify", old_padded, padded), ("forecast", old_series, series)):
        (tmp_path / "spec.json").write_text(json.dumps(old))
        assert spec.load(tmp_path, task) == json.loads(json.dumps(present))
        assert spec.upgrade(present) == present
