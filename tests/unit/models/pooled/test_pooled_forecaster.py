"""`calendar_ridge` and `lightgbm`: what they learn, when they refit, and series of every kind."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.models.common import registry
from strokecast.models.pooled import lightgbm_forecaster
from strokecast.models.pooled.pooled_forecaster import PooledForecaster

ROWS = ("calendar_ridge", "lightgbm")
START = np.datetime64("2016-01-01")
COUNT = 1000
SPEC = {"calendar": {"holiday_country": "US"}, "counts": True}


@pytest.fixture(scope="module")
def series() -> Any:
    """Days with a week, a level that wanders, and a quarter of the usual value on Independence Day."""
    rng = np.random.default_rng(0)
    level = np.cumsum(rng.normal(0, 0.01, COUNT))
    week = np.tile([0.1, 0.1, 0.1, 0.1, 0.1, -0.2, -0.3], COUNT // 7 + 1)[:COUNT]
    values = 1000 * np.exp(level + week + rng.normal(0, 0.02, COUNT))
    days = START + np.arange(COUNT)
    values[[str(day).endswith("07-04") for day in days]] *= 0.25
    return values


def build(name: str, spec: Any = SPEC, **changes: Any) -> PooledForecaster:
    architecture = registry.get("forecast", name)
    config = registry.config("forecast", name, architecture.testing.model_dump() | changes)
    forecaster: PooledForecaster = architecture.build(config, spec)
    return forecaster


def past(values: Any, horizon: int = 7) -> Any:
    return SimpleNamespace(
        values=np.asarray(values, np.float64), next_days=START + len(values) + np.arange(horizon)
    )


@pytest.fixture(scope="module")
def fitted(series: Any) -> dict[str, PooledForecaster]:
    """Both rows, fitted on the first 900 days. Do not change them."""
    forecasters = {name: build(name, refit_every=28) for name in ROWS}
    for forecaster in forecasters.values():
        forecaster.fit(past(series[:900]))
    return forecasters


@pytest.mark.parametrize("name", ROWS)
def test_learns_week_level_and_holiday(name: str, series: Any, fitted: dict[str, PooledForecaster]) -> None:
    origin = int((np.datetime64("2018-07-01") - START).astype(int))
    forecast = fitted[name].predict(past(series[:origin]))
    np.testing.assert_allclose(forecast, series[origin : origin + 7], rtol=0.2)
    assert forecast[3] < 0.5 * forecast[2]  # 4 July
    doubled = fitted[name].predict(past(2 * series[:origin]))
    np.testing.assert_allclose(doubled, 2 * forecast, rtol=1e-6)
    json.dumps(fitted[name].specification)
    assert set(fitted[name].specification) == {"transform", "level", "variances"}


def test_quantiles_are_rising_around_the_median_and_as_wide_as_the_noise(series: Any) -> None:
    forecaster = build("lightgbm", quantiles=(0.1, 0.5, 0.9), trees=30)
    forecaster.fit(past(series[:600]))
    inside = []
    for origin in range(620, 900, 7):
        quantiles = forecaster.predict_quantiles(past(series[:origin]))
        assert quantiles.shape == (7, 3)
        assert (np.diff(quantiles, axis=1) >= 0).all()
        np.testing.assert_array_equal(forecaster.predict(past(series[:origin])), quantiles[:, 1])
        actual = series[origin : origin + 7]
        inside.append((quantiles[:, 0] <= actual) & (actual <= quantiles[:, 2]))
    assert 0.5 < np.mean(inside) < 0.95
    with pytest.raises(NotImplementedError, match="CalendarRidge forecasts no quantiles"):
        build("calendar_ridge").predict_quantiles(past(series[:600]))


def test_a_pooled_model_learns_from_the_shape_of_other_series_and_not_from_their_unit(series: Any) -> None:
    def forecast(other: Any) -> Any:
        histories = {"own": past(series[:400]), "other": past(other)}
        members = {}
        for name, history in histories.items():
            forecaster = build("lightgbm", pool_series=True)
            forecaster.series = name
            forecaster.fit(history)
            members[name] = (forecaster, history)
        own, history = members["own"]
        own.shared = json.loads(json.dumps(own.fit_shared(members)))
        return own.predict(history)

    other = series[400:900]
    np.testing.assert_allclose(forecast(1000 * other), forecast(other), rtol=1e-6)
    changed = other * np.where(np.arange(500) % 7 == 0, 1.3, 1.0) * np.exp(np.sin(np.arange(500) / 9))
    assert (np.abs(forecast(changed) / forecast(other) - 1) > 1e-6).any()
    with pytest.raises(NotImplementedError, match="CalendarRidge has one model per series"):
        build("calendar_ridge").fit_shared({})


@pytest.mark.parametrize("name", ROWS)
def test_refits_depend_on_the_date_and_not_on_the_order(
    name: str, series: Any, fitted: dict[str, PooledForecaster]
) -> None:
    origins = (905, 931, 999)
    forward = {at: fitted[name].predict(past(series[:at])) for at in origins}
    other = build(name, refit_every=28)
    other.specification = fitted[name].specification
    for at in reversed(origins):
        np.testing.assert_array_equal(other.predict(past(series[:at])), forward[at])
    refit = next(at for at in range(960, 990) if int((START + at).astype(int)) % 28 == 0)
    other._fits.clear()
    for at in (refit, refit + 5, refit - 1):
        other.predict(past(series[:at]))
    assert len(other._fits) == 2  # the second origin needs no fit of its own


@pytest.mark.parametrize("name", ROWS)
def test_any_horizon_from_a_short_history(name: str, series: Any) -> None:
    forecaster = build(name)
    forecaster.fit(past(series[:60]))
    for horizon in (1, 365):
        forecast = forecaster.predict(past(series[:60], horizon))
        assert forecast.shape == (horizon,)
        assert (np.abs(np.log(forecast / np.median(series[:60]))) < 3).all()
    with pytest.raises(ValueError, match="at least 56 days, received 55"):
        forecaster.predict(past(series[:55]))
    with pytest.raises(ValueError, match="at least 56 days are required, received 55"):
        build(name).fit(past(series[:55]))


@pytest.mark.parametrize("kind", ["constant", "zero", "negative", "sparse", "broken"])
@pytest.mark.parametrize("name", ROWS)
def test_series_of_every_kind(name: str, kind: str, series: Any) -> None:
    values = series[:400].copy()
    expected = {
        "constant": np.full(400, 12.0),
        "zero": np.zeros(400),
        "negative": values - values.mean(),
        "sparse": np.where(np.arange(400) % 3, 0.0, 4.0),
        "broken": np.where(np.arange(400) < 330, values, values / 8),
    }[kind]
    forecaster = build(name, {"calendar": {"holiday_country": None}, "counts": kind != "negative"})
    forecaster.fit(past(expected[:300]))
    forecast = forecaster.predict(past(expected))
    assert np.isfinite(forecast).all()
    if kind in ("constant", "zero"):
        np.testing.assert_allclose(forecast, expected[:7], atol=1e-6)
    if kind == "broken":  # the level of the last 70 days, not that of the training days
        assert forecast.max() < 0.4 * values.mean()
    assert kind == "negative" or forecast.min() >= 0


@pytest.mark.slow
def test_seasons_can_be_switched_off(series: Any) -> None:
    forecaster = build("calendar_ridge", seasons=False)
    forecaster.fit(past(series))
    assert not {"year", "day of year"} & set(forecaster.specification["variances"])
    assert build("calendar_ridge", refit_every=1).slow
    assert not forecaster.slow


@pytest.mark.parametrize(
    ("error", "message"),
    [(ImportError("no module"), "not installed"), (OSError("libgomp.so.1: cannot open"), "libgomp1")],
)
def test_a_missing_library_is_one_line(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import builtins

    real_import = builtins.__import__

    def fail(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "lightgbm":
            raise error
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", fail)
    with pytest.raises(UserError, match=message):
        lightgbm_forecaster.import_lightgbm()
