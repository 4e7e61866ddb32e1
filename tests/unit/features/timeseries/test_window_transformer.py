"""The one way from raw days to what forecasters read: no look ahead, fits on train alone, and back again."""

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strokecast.common.errors import UserError
from strokecast.features.records import numpy_reader, reading
from strokecast.features.timeseries import forecast, transforms
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
    transform="log1p",
    difference=7,
)


def columns() -> dict[str, Any]:
    random = np.random.default_rng(1)
    letters = np.array(["U" if day.astype(int) % 7 == 3 else "W" for day in DAYS], object)
    return {
        "y": random.gamma(9, 10, 120),
        "bus": random.gamma(5, 10, 120),
        "rain": random.uniform(0, 9, 120),
        "day_type": letters,
    }


def written(folder: Path, values: dict[str, Any], chosen: ForecastFeatures = EVERYTHING) -> dict[str, Any]:
    """The spec of `values`, preprocessed to `folder`/out."""
    folder.mkdir(exist_ok=True)
    days = pa.array([datetime.date(2020, 1, 1) + datetime.timedelta(days=n) for n in range(120)], pa.date32())
    pq.write_table(pa.table({"ds": days, **values}), folder / "series.parquet")
    (folder / "report.json").write_text(json.dumps({"source": "csv"}))
    return forecast.preprocess(folder, folder / "out", chosen)


def test_records_hold_what_the_preparer_makes_of_the_stored_spec(tmp_path: Path) -> None:
    spec = written(tmp_path, columns())
    spec = json.loads(json.dumps(spec))
    preparer = WindowTransformer(spec)
    assert preparer.min_history == 10 + 14
    assert spec["channels"] == ["y", "bus", "rain", *spec["future"]]
    assert spec["future"][-2:] == ["lag_7", "lag_14"]
    assert len(spec["splits"]) == 3
    held = numpy_reader.windows(tmp_path / "out", spec, "valid")
    origins = np.arange(60, 90 - 2)
    made = preparer.inputs(DAYS, columns(), origins)
    np.testing.assert_array_equal(held.past, made.past)
    np.testing.assert_array_equal(held.future, made.future)
    np.testing.assert_array_equal(held.target, preparer.target(columns(), origins))
    inputs, target, _ = next(iter(reading.batches(tmp_path / "out", spec, "valid", 64)))
    np.testing.assert_array_equal(inputs["past"].numpy(), made.past)
    np.testing.assert_array_equal(inputs["future"].numpy(), made.future)
    np.testing.assert_array_equal(target.numpy(), held.target)


def test_values_from_an_origin_on_change_nothing_of_what_is_read_there(tmp_path: Path) -> None:
    preparer = WindowTransformer(written(tmp_path, columns()))
    for origin in (24, 60, 119, 120):
        before = preparer.inputs(DAYS, columns() | {"day_type": ["W"] * 123}, np.array([origin]))
        spoilt = columns() | {"day_type": ["W"] * 123}
        for name in ("y", "bus", "rain"):
            spoilt[name][origin:] = 1e9
        for told in (before, preparer.inputs(DAYS, spoilt, np.array([origin]))):
            for name in ("past", "future", "base"):
                part = getattr(told, name)
                assert np.isfinite(part).all()
                np.testing.assert_array_equal(part, getattr(before, name))
    changed = columns()
    changed["y"][59] += 1
    assert (
        preparer.inputs(DAYS, changed, np.array([60])).past
        != preparer.inputs(DAYS, columns(), np.array([60])).past
    ).any()


@pytest.mark.parametrize("kind", ["none", "log", "boxcox"])
def test_all_is_fitted_on_the_training_days(tmp_path: Path, kind: Any) -> None:
    chosen = EVERYTHING.model_copy(update={"transform": kind})
    fitted = written(tmp_path, columns(), chosen)
    changed = columns()
    for name in ("y", "bus", "rain"):
        changed[name][60:] = 1e6
    again = written(tmp_path, changed, chosen)
    for name in ("transforms", "calendar", "counts", "future"):
        assert again[name] == fitted[name]
    changed["y"][59] = 1e6
    assert written(tmp_path, changed, chosen)["transforms"]["y"] != fitted["transforms"]["y"]


def test_targets_lie_in_their_split_and_the_lag_is_the_value_so_long_before(tmp_path: Path) -> None:
    chosen = EVERYTHING.model_copy(update={"transform": "none", "difference": None})
    spec = written(tmp_path, columns(), chosen)
    preparer = WindowTransformer(spec)
    y = preparer.scaled(columns())["y"]
    first = {"train": (24, 57), "valid": (60, 87), "test": (90, 117)}
    for split, (low, high) in first.items():
        held = numpy_reader.windows(tmp_path / "out", spec, split)
        origins = held.origin - DAYS[0].astype(np.int64)
        assert (origins.min(), origins.max()) == (low, high)
        for at, lag in enumerate((7, 14), -2):
            ahead = origins[:, None] + np.arange(3) - lag
            np.testing.assert_allclose(held.future[:, :, at], y[ahead], rtol=1e-6)
            behind = origins[:, None] + np.arange(-10, 0) - lag
            np.testing.assert_allclose(held.past[:, :, at], y[behind], rtol=1e-6)


def test_it_is_known_what_the_lagged_days_were(tmp_path: Path) -> None:
    chosen = EVERYTHING.model_copy(update={"lag_calendar": True, "holiday_window": 1, "difference": 21})
    spec = written(tmp_path, columns(), chosen)
    preparer = WindowTransformer(json.loads(json.dumps(spec)))
    own = preparer.calendar.features
    assert spec["future"][: len(own)] == own
    made = preparer.inputs(DAYS, columns(), np.arange(31, 118))
    at = {name: place for place, name in enumerate(spec["future"])}
    known = preparer.calendar.known(DAYS, columns()["day_type"])
    for lag in (7, 14, 21):
        for name in ("holiday", "holiday: New Year's Day +1", "day_type_U"):
            ahead = np.arange(31, 118)[:, None] + np.arange(3) - lag
            told = made.future[:, :, at[f"lag_{lag} {name}"]]
            np.testing.assert_array_equal(told, known[ahead, own.index(name)])
            assert 0 < known[:, own.index(name)].sum() < len(DAYS)
    assert np.isfinite(made.past).all()
    assert len(at) == len(spec["future"]) == len(own) + 2 + 3 * len(preparer.calendar.special)


@pytest.mark.parametrize("difference", [None, 3, 10])
@pytest.mark.parametrize("kind", ["none", "log", "log1p", "boxcox"])
def test_what_was_learned_comes_back_in_its_own_unit(tmp_path: Path, kind: Any, difference: Any) -> None:
    chosen = EVERYTHING.model_copy(update={"transform": kind, "difference": difference})
    preparer = WindowTransformer(written(tmp_path, columns(), chosen))
    origins = np.arange(30, 118)
    base, target = preparer.inputs(DAYS, columns(), origins).base, preparer.target(columns(), origins)
    came = np.stack([columns()[name][origins[:, None] + np.arange(3)] for name in preparer.targets], axis=2)
    np.testing.assert_allclose(preparer.output(target, base), came, rtol=1e-4)
    levels = np.stack([target, target + 1], axis=3)  # [O, H, D, Q]
    both = preparer.output(levels, base)
    np.testing.assert_allclose(both[..., 0], came, rtol=1e-4)
    assert (both[..., 1] > both[..., 0]).all()
    assert (preparer.output(target - 100, base) >= 0).all()  # counts


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["none", "log", "log1p", "boxcox"]),
    st.lists(st.floats(0.01, 1e6), min_size=4, max_size=30),
    st.floats(0.01, 1e6),
)
def test_a_transform_undoes_itself(kind: Any, train: list[float], value: float) -> None:
    values = np.array([*train])
    fitted = transforms.Transform.fit(kind, values)
    assert transforms.Transform(**json.loads(json.dumps(fitted.stored()))) == fitted
    np.testing.assert_allclose(fitted.back(fitted.forward(values)), values, rtol=1e-6)
    far = np.array([value, train[0]])
    np.testing.assert_allclose(fitted.back(fitted.forward(far)), far, rtol=1e-5)
    assert np.isfinite(fitted.back(np.array([-30.0, 30.0]) / fitted.std)).all()


@pytest.mark.parametrize(
    ("changes", "values", "line"),
    [
        (
            {"targets": ("tram",)},
            {},
            r"no column 'tram'.*features\.forecast\.targets|targets: .*no column 'tram'",
        ),
        ({"past_covariates": ("snow",)}, {}, "covariates: the series has no column 'snow'; allowed: y, bus, rain"),
        (
            {"transform": "log"},
            {"y": [0.0] * 120},
            "y is 0 on 2020-01-01; allowed: values above 0; say transform: log1p",
        ),
        ({"transform": "log1p"}, {"bus": [-1.0] * 120}, "bus is -1 on 2020-01-01; allowed: values of 0"),
        ({"country": "XX"}, {}, "no holidays are known of 'XX'"),
        ({"country": "US-XX"}, {}, "no holidays are known of 'US-XX'"),
        ({"lags": (80,)}, {}, r"train has 60 days, .* lags 80"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, changes: Any, values: Any, line: str) -> None:
    with pytest.raises(UserError, match=line):
        written(tmp_path, columns() | values, EVERYTHING.model_copy(update=changes))
    assert not (tmp_path / "out").exists()


def test_day_types_that_are_not_there(tmp_path: Path) -> None:
    without = columns()
    letters = without.pop("day_type")
    with pytest.raises(UserError, match="the series has no day types"):
        written(tmp_path, without)
    preparer = WindowTransformer(written(tmp_path, columns()))
    with pytest.raises(UserError, match="no day_type is known of 2020-04-30"):
        preparer.inputs(DAYS, without | {"day_type": letters}, np.array([120]))
    letters[100] = "Z"
    with pytest.raises(UserError, match="day_type 'Z' on 2020-04-10; allowed: U, W"):
        preparer.inputs(DAYS, without | {"day_type": letters}, np.array([60]))


@pytest.mark.parametrize(
    "changes",
    [
        {"lags": (2,)},
        {"difference": 2},
        {"lags": (7, 7)},
        {"past_covariates": ("y",)},
        {"holiday_window": 1},
        {"lag_calendar": True, "country": "US"},
        {"lag_calendar": True, "lags": (7,)},
    ],
)
def test_settings_that_contradict_themselves(changes: Any) -> None:
    told = ForecastFeatures(input_size=10, horizon=3).model_dump() | changes
    with pytest.raises(ValueError, match=r"at least the horizon|named once|should be (0|false) where"):
        ForecastFeatures(**told)


def test_a_constant_column_is_not_divided_by_zero() -> None:
    fitted = transforms.Transform.fit("none", np.full(5, 42.0))
    assert fitted.forward(np.array([42.0, 43.0])).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("kind", ["none", "log", "boxcox"])
def test_a_given_scale_takes_the_place_of_mean_and_std(kind: Any) -> None:
    values = np.array([2e6, 5e6, 3e6])
    fitted = transforms.Transform.fit(kind, values, 1e6)
    assert (fitted.mean, fitted.std) == (0.0, 1e6)
    assert fitted.power == transforms.Transform.fit(kind, values).power
    np.testing.assert_allclose(fitted.back(fitted.forward(values)), values)
    if kind == "none":
        assert fitted.forward(values).tolist() == [2.0, 5.0, 3.0]
