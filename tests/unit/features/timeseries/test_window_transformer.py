"""The transformer of raw days: no look-ahead, fitted on train only, and inverted exactly."""

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.features.records import numpy_reader, reading
from strokecast.features.timeseries import forecast
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.params import ForecastFeatures

DAYS = np.datetime64("2020-01-01") + np.arange(120)
EVERYTHING = ForecastFeatures(
    input_size=10,
    horizon=3,
    valid_from=0.5,
    test_from=0.75,
    targets=("y", "bus"),
    past_covariates=("rain",),
    calendar=("weekday", "month", "year", "day_type", "trend"),
    holiday_country="US",
    lags=(7, 14),
    levels=(4,),
    holiday_window=0,
    bridge_days=True,
    transform="log1p",
    difference=7,
)


def columns() -> dict[str, Any]:
    random = np.random.default_rng(1)
    day_types = np.array(["U" if day.astype(int) % 7 == 3 else "W" for day in DAYS], object)
    return {
        "y": random.gamma(9, 10, 120),
        "bus": random.gamma(5, 10, 120),
        "rain": random.uniform(0, 9, 120),
        "day_type": day_types,
    }


def preprocess(folder: Path, values: dict[str, Any], settings: ForecastFeatures = EVERYTHING) -> Any:
    """Preprocess `values` to `folder`/out; returns the spec."""
    folder.mkdir(exist_ok=True)
    days = pa.array([datetime.date(2020, 1, 1) + datetime.timedelta(days=n) for n in range(120)], pa.date32())
    pq.write_table(pa.table({"ds": days, **values}), folder / "series.parquet")
    (folder / "report.json").write_text(json.dumps({"source": "csv"}))
    return forecast.preprocess(folder, folder / "out", settings)


def test_a_level_is_the_mean_of_days_that_end_a_horizon_earlier(tmp_path: Path) -> None:
    values = columns()
    transformer = WindowTransformer(preprocess(tmp_path, values))
    scaled = transformer.scale_columns(values)["y"]
    inputs = transformer.transform(DAYS, values, np.array([50]))
    for day, level in enumerate(inputs.future[0, :, -1], start=50):
        assert level == pytest.approx(scaled[day - 6 : day - 2].mean(), rel=1e-5)
    longest = {**EVERYTHING.model_dump(), "levels": (20,)}
    spec = preprocess(tmp_path / "longest", values, ForecastFeatures(**longest))
    assert WindowTransformer(spec).min_history == 10 + 20 + 2
    first = WindowTransformer(spec).transform(DAYS, values, np.array([32]))
    assert np.isfinite(first.past).all()
    assert np.isfinite(first.future).all()


def test_records_equal_the_transform_of_the_stored_spec(tmp_path: Path) -> None:
    spec = json.loads(json.dumps(preprocess(tmp_path, columns())))
    transformer = WindowTransformer(spec)
    assert transformer.min_history == 10 + 14
    assert spec["channels"] == ["y", "bus", "rain", *spec["future"]]
    assert spec["future"][-4:] == ["holiday_bridge", "lag_7", "lag_14", "level_4"]
    assert len(spec["splits"]) == 3
    stored = numpy_reader.windows(tmp_path / "out", spec, "valid")
    origins = np.arange(60, 90 - 2)
    windows = transformer.transform(DAYS, columns(), origins)
    np.testing.assert_array_equal(stored.past, windows.past)
    np.testing.assert_array_equal(stored.future, windows.future)
    np.testing.assert_array_equal(stored.target, transformer.transform_target(columns(), origins))
    inputs, target, _ = next(iter(reading.batches(tmp_path / "out", spec, "valid", 64)))
    np.testing.assert_array_equal(inputs["past"].numpy(), windows.past)
    np.testing.assert_array_equal(inputs["future"].numpy(), windows.future)
    np.testing.assert_array_equal(target.numpy(), stored.target)


def test_inputs_do_not_depend_on_values_from_the_origin_on(tmp_path: Path) -> None:
    transformer = WindowTransformer(preprocess(tmp_path, columns()))
    for origin in (24, 60, 119, 120):
        before = transformer.transform(DAYS, columns() | {"day_type": ["W"] * 123}, np.array([origin]))
        changed = columns() | {"day_type": ["W"] * 123}
        for name in ("y", "bus", "rain"):
            changed[name][origin:] = 1e9
        for inputs in (before, transformer.transform(DAYS, changed, np.array([origin]))):
            for name in ("past", "future", "base"):
                values = getattr(inputs, name)
                assert np.isfinite(values).all()
                np.testing.assert_array_equal(values, getattr(before, name))
    changed = columns()
    changed["y"][59] += 1
    assert (
        transformer.transform(DAYS, changed, np.array([60])).past
        != transformer.transform(DAYS, columns(), np.array([60])).past
    ).any()


@pytest.mark.parametrize("kind", ["none", "log", "boxcox"])
def test_everything_is_fitted_on_the_training_days(tmp_path: Path, kind: Any) -> None:
    settings = EVERYTHING.model_copy(update={"transform": kind})
    fitted = preprocess(tmp_path, columns(), settings)
    changed = columns()
    for name in ("y", "bus", "rain"):
        changed[name][60:] = 1e6
    again = preprocess(tmp_path, changed, settings)
    for name in ("transforms", "calendar", "counts", "future"):
        assert again[name] == fitted[name]
    changed["y"][59] = 1e6
    assert preprocess(tmp_path, changed, settings)["transforms"]["y"] != fitted["transforms"]["y"]


def test_targets_lie_in_their_split_and_lags_are_earlier_values(tmp_path: Path) -> None:
    settings = EVERYTHING.model_copy(update={"transform": "none", "difference": None})
    spec = preprocess(tmp_path, columns(), settings)
    transformer = WindowTransformer(spec)
    y = transformer.scale_columns(columns())["y"]
    edges = {"train": (24, 57), "valid": (60, 87), "test": (90, 117)}
    for split, (low, high) in edges.items():
        stored = numpy_reader.windows(tmp_path / "out", spec, split)
        origins = stored.origin - DAYS[0].astype(np.int64)
        assert (origins.min(), origins.max()) == (low, high)
        for channel, lag in enumerate((7, 14), -3):
            forecast_days = origins[:, None] + np.arange(3) - lag
            np.testing.assert_allclose(stored.future[:, :, channel], y[forecast_days], rtol=1e-6)
            past_days = origins[:, None] + np.arange(-10, 0) - lag
            np.testing.assert_allclose(stored.past[:, :, channel], y[past_days], rtol=1e-6)


def test_calendar_of_the_lagged_days_is_a_feature(tmp_path: Path) -> None:
    settings = EVERYTHING.model_copy(update={"lag_calendar": True, "holiday_window": 1, "difference": 21})
    spec = preprocess(tmp_path, columns(), settings)
    transformer = WindowTransformer(json.loads(json.dumps(spec)))
    names = transformer.calendar.feature_names
    assert spec["future"][: len(names)] == names
    windows = transformer.transform(DAYS, columns(), np.arange(31, 118))
    channel = {name: index for index, name in enumerate(spec["future"])}
    known = transformer.calendar.transform(DAYS, columns()["day_type"])
    for lag in (7, 14, 21):
        for name in ("holiday", "holiday: New Year's Day +1", "day_type_U"):
            lagged_days = np.arange(31, 118)[:, None] + np.arange(3) - lag
            flags = windows.future[:, :, channel[f"lag_{lag} {name}"]]
            np.testing.assert_array_equal(flags, known[lagged_days, names.index(name)])
            assert 0 < known[:, names.index(name)].sum() < len(DAYS)
    assert np.isfinite(windows.past).all()
    special = len(transformer.calendar.special_day_indices)
    assert len(channel) == len(spec["future"]) == len(names) + 3 + 3 * special


@pytest.mark.parametrize("difference", [None, 3, 10])
@pytest.mark.parametrize("kind", ["none", "log", "log1p", "boxcox"])
def test_inverse_transform_returns_the_targets_in_their_own_unit(
    tmp_path: Path, kind: Any, difference: Any
) -> None:
    settings = EVERYTHING.model_copy(update={"transform": kind, "difference": difference})
    transformer = WindowTransformer(preprocess(tmp_path, columns(), settings))
    origins = np.arange(30, 118)
    base = transformer.transform(DAYS, columns(), origins).base
    target = transformer.transform_target(columns(), origins)
    actual = np.stack(
        [columns()[name][origins[:, None] + np.arange(3)] for name in transformer.targets], axis=2
    )
    np.testing.assert_allclose(transformer.inverse_transform(target, base), actual, rtol=1e-4)
    quantiles = np.stack([target, target + 1], axis=3)  # [O, H, D, Q]
    inverted = transformer.inverse_transform(quantiles, base)
    np.testing.assert_allclose(inverted[..., 0], actual, rtol=1e-4)
    assert (inverted[..., 1] > inverted[..., 0]).all()
    assert (transformer.inverse_transform(target - 100, base) >= 0).all()  # counts


@pytest.mark.parametrize(
    ("changes", "values", "line"),
    [
        ({"targets": ("tram",)}, {}, r"features\.forecast\.targets: .*no column 'tram'"),
        (
            {"past_covariates": ("snow",)},
            {},
            "past_covariates: the series has no column 'snow'; choose one of y, bus, rain",
        ),
        (
            {"transform": "log"},
            {"y": [0.0] * 120},
            "y is 0 on 2020-01-01; allowed: values above 0; set transform: log1p",
        ),
        ({"transform": "log1p"}, {"bus": [-1.0] * 120}, "bus is -1 on 2020-01-01; allowed: values of 0"),
        ({"holiday_country": "XX"}, {}, "holiday_country: no holidays are known for 'XX'"),
        ({"holiday_country": "US-XX"}, {}, "no holidays are known for 'US-XX'"),
        ({"lags": (80,)}, {}, r"train has 60 days, .* lags 80"),
    ],
)
def test_settings_that_do_not_fit_the_series(tmp_path: Path, changes: Any, values: Any, line: str) -> None:
    with pytest.raises(UserError, match=line):
        preprocess(tmp_path, columns() | values, EVERYTHING.model_copy(update=changes))
    assert not (tmp_path / "out").exists()


def test_missing_and_unknown_day_types_are_named(tmp_path: Path) -> None:
    without = columns()
    day_types = without.pop("day_type")
    with pytest.raises(UserError, match="the series has no day types"):
        preprocess(tmp_path, without)
    transformer = WindowTransformer(preprocess(tmp_path, columns()))
    with pytest.raises(UserError, match="the day_type of 2020-04-30 is not known"):
        transformer.transform(DAYS, without | {"day_type": day_types}, np.array([120]))
    day_types[100] = "Z"
    with pytest.raises(UserError, match="day_type 'Z' on 2020-04-10; choose one of U, W"):
        transformer.transform(DAYS, without | {"day_type": day_types}, np.array([60]))
