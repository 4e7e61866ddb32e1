"""Statistical forecasters agree with statsforecast on the history that they are configured to use."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.models.common import registry
from strokecast.models.statistical import statsforecast_models
from strokecast.models.statistical.base import StatisticalForecaster

NAMES = ("auto_ets", "auto_arima", "sarima", "mstl", "dynamic_optimized_theta")
SPEC = {"task": "forecast", "horizon": 7, "counts": False}


def history(values: Any, horizon: int = 7) -> Any:
    """The fields of `features.timeseries.horizons.History` that statistical forecasters read."""
    days = np.datetime64("2020-01-01") + np.arange(horizon)
    return SimpleNamespace(values=np.asarray(values, np.float64), next_days=days)


@pytest.fixture(scope="module")
def values() -> Any:
    rng = np.random.default_rng(8)
    week = np.array([0.0, 2.0, 3.0, 3.0, 2.0, -4.0, -6.0])
    walk = np.cumsum(rng.normal(0, 0.3, 126))
    return 50 + walk + np.tile(week, 18) + rng.normal(0, 1, 126)


def build(name: str, spec: dict[str, Any] | None = None, **changes: Any) -> StatisticalForecaster:
    architecture = registry.get("forecast", name)
    config = registry.config("forecast", name, architecture.testing.model_dump() | changes)
    forecaster: StatisticalForecaster = architecture.build(config, spec or SPEC)
    return forecaster


def fit(name: str, values: Any, spec: dict[str, Any] | None = None, **changes: Any) -> StatisticalForecaster:
    forecaster = build(name, spec, **changes)
    forecaster.fit(history(values))
    return forecaster


@pytest.fixture(scope="module")
def fitted(values: Any) -> dict[str, StatisticalForecaster]:
    """All forecasters with their testing configs, fitted on `values`. Do not change them."""
    return {name: fit(name, values) for name in NAMES}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:possible convergence problem")  # raised by the direct calls
def test_forecasts_equal_those_of_statsforecast(values: Any) -> None:
    from statsforecast.models import ARIMA, MSTL, AutoARIMA, AutoETS, DynamicOptimizedTheta

    direct = {
        "auto_ets": AutoETS(season_length=7),
        "auto_arima": AutoARIMA(season_length=7, approximation=True),
        "sarima": ARIMA(order=(1, 0, 0), season_length=7, seasonal_order=(0, 1, 1), include_constant=False),
        "mstl": MSTL(season_length=[7, 28]),
        "dynamic_optimized_theta": DynamicOptimizedTheta(season_length=7),
    }
    assert set(direct) == set(NAMES)
    for name, model in direct.items():
        expected = model.forecast(values, 7)["mean"]
        forecast = fit(name, values, max_history_days=None).predict(history(values))
        assert (forecast.shape, forecast.dtype) == ((7,), np.float64)
        np.testing.assert_allclose(forecast, expected, rtol=1e-4, err_msg=name)
        assert np.abs(forecast - values[-7:]).max() > 0.1  # not a copy of last week


@pytest.mark.parametrize("name", NAMES)
def test_only_the_last_max_history_days_are_used(name: str, values: Any) -> None:
    forecaster = fit(name, values, max_history_days=84)
    expected = forecaster.predict(history(values))
    other_past = np.r_[np.full(40, 1e3), values[-84:]]
    np.testing.assert_array_equal(forecaster.predict(history(other_past)), expected)
    changed = values.copy()
    changed[-84:-70] += 5
    assert np.abs(forecaster.predict(history(changed)) - expected).max() > 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_shorter_horizon_is_a_prefix_of_a_longer_one(
    name: str, values: Any, fitted: dict[str, StatisticalForecaster]
) -> None:
    long = fitted[name].predict(history(values, 40))
    np.testing.assert_allclose(fitted[name].predict(history(values, 3)), long[:3])


@pytest.mark.parametrize("name", NAMES)
def test_forecasts_of_counts_are_clipped_at_zero(name: str, values: Any) -> None:
    falling = values - values.mean() + np.linspace(30, 1, len(values))  # below 0 at weekends, then always
    unbounded = fit(name, falling).predict(history(falling, 28))
    counts = fit(name, falling, SPEC | {"counts": True}).predict(history(falling, 28))
    assert unbounded.min() < 0
    np.testing.assert_allclose(counts, np.maximum(unbounded, 0))


@pytest.mark.parametrize("name", NAMES)
def test_short_history_is_an_error(name: str, values: Any, fitted: dict[str, StatisticalForecaster]) -> None:
    forecaster = fitted[name]
    days = forecaster.min_history
    assert np.isfinite(forecaster.predict(history(values[:days]))).all()
    with pytest.raises(ValueError, match=f"at least {days} days, received {days - 1}"):
        forecaster.predict(history(values[: days - 1]))
    with pytest.raises(ValueError, match=f"at least {days} days are required, received {days - 1}"):
        build(name).fit(history(values[: days - 1]))


@pytest.mark.parametrize("name", NAMES)
def test_constant_series_is_forecast_as_constant(name: str) -> None:
    constant = np.full(90, 12.0)
    np.testing.assert_allclose(fit(name, constant).predict(history(constant)), 12.0, rtol=1e-3)


def test_fit_selects_a_json_serialisable_specification_that_predict_keeps(
    values: Any, fitted: dict[str, StatisticalForecaster]
) -> None:
    assert set(fitted["auto_ets"].specification) == {"model", "damped"}
    assert set(fitted["auto_arima"].specification) == {"order", "seasonal", "constant"}
    for name in ("auto_ets", "auto_arima"):
        forecaster = fitted[name]
        stored = json.loads(json.dumps(forecaster.specification))
        assert stored == forecaster.specification
        forecaster.predict(history(values[:90] * 3))
        assert forecaster.specification == stored


@pytest.mark.slow  # numba compiles complex exponential smoothing
def test_complex_exponential_smoothing_equals_that_of_statsforecast(values: Any) -> None:
    from statsforecast.models import AutoCES

    forecaster = fit("auto_ces", values, max_history_days=None)
    expected = AutoCES(season_length=7).forecast(values, 7)["mean"]
    np.testing.assert_allclose(forecaster.predict(history(values)), expected, rtol=1e-4)
    assert set(forecaster.specification) == {"model"}
    falling = values - values.mean() + np.linspace(30, 1, len(values))
    assert fit("auto_ces", falling, SPEC | {"counts": True}).predict(history(falling, 28)).min() == 0
    constant = np.full(90, 12.0)
    np.testing.assert_allclose(fit("auto_ces", constant).predict(history(constant)), 12.0)


@pytest.mark.slow  # numba compiles complex exponential smoothing
def test_an_ensemble_is_the_mean_or_median_of_its_members(values: Any) -> None:
    names = ("auto_arima", "auto_ets", "auto_ces", "dynamic_optimized_theta")
    ensemble = fit("statistical_ensemble", values)
    assert ensemble.specification == {name: fit(name, values).specification for name in names}
    assert json.loads(json.dumps(ensemble.specification)) == ensemble.specification
    members = [fit(name, values).predict(history(values)) for name in names]
    np.testing.assert_allclose(ensemble.predict(history(values)), np.mean(members, axis=0))
    median = build("statistical_ensemble", combine="median")
    median.specification = ensemble.specification
    np.testing.assert_allclose(median.predict(history(values)), np.median(members, axis=0))


def test_multiplicative_smoothing_becomes_additive_if_a_value_is_zero(values: Any) -> None:
    forecaster = build("auto_ets")
    forecaster.specification = {"model": "MAM", "damped": False}
    with_zero = values.copy()
    with_zero[-3] = 0.0
    multiplicative = forecaster.predict(history(values))
    replaced = forecaster.predict(history(with_zero))
    forecaster.specification = {"model": "AAA", "damped": False}
    np.testing.assert_allclose(replaced, forecaster.predict(history(with_zero)))
    assert np.abs(multiplicative - forecaster.predict(history(values))).max() > 1e-3


def test_arima_tries_the_next_estimation_method_if_one_fails(
    values: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from statsforecast.models import ARIMA

    methods: list[str] = []
    original = ARIMA.forecast

    def forecast(self: Any, *arguments: Any) -> Any:
        methods.append(self.method)
        if self.method == "CSS-ML":
            raise ValueError("non-stationary AR part from CSS")
        return original(self, *arguments)

    monkeypatch.setattr(ARIMA, "forecast", forecast)
    specification = {"order": [1, 0, 0], "seasonal": [0, 1, 1], "constant": False}
    assert np.isfinite(statsforecast_models.forecast_arima(values, 7, **specification)).all()
    assert methods == ["CSS-ML", "ML"]
    monkeypatch.setattr(statsforecast_models, "_ESTIMATION_METHODS", ("CSS-ML",))
    with pytest.raises(
        ValueError, match=r"ARIMA \(1, 0, 0\)\(0, 1, 1\)7 cannot be estimated: non-stationary"
    ):
        statsforecast_models.forecast_arima(values, 7, **specification)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("auto_ets", {"max_history_days": 20}, r"config\.max_history_days: 20 .*>= 21"),
        ("auto_arima", {"max_history_days": 41}, r"config\.max_history_days: 41 .*>= 42"),
        ("mstl", {"seasons": [7, 365], "max_history_days": 700}, "at least twice the longest season"),
        ("mstl", {"seasons": [365, 7]}, "ascending numbers of days, each 2 or more"),
        ("mstl", {"seasons": [1, 7]}, "ascending numbers of days, each 2 or more"),
        ("sarima", {"order": [1, 0, 0]}, r"config\.order: unknown key"),
    ],
)
def test_invalid_config_is_one_line(name: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        registry.config("forecast", name, values)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("days", "seasons", "remark"),
    [
        ([730], (7, 365), ""),
        ([729], (7,), "without a yearly season: 729 training days are less than two years"),
        ([900, 400], (7,), "without a yearly season: 400 training days are less than two years"),
    ],
)
def test_mstl_has_a_yearly_season_if_the_training_days_have_two_years(
    days: list[int], seasons: tuple[int, ...], remark: str
) -> None:
    parts: dict[str, Any] = {str(n): {"splits": {"train": {"days": count}}} for n, count in enumerate(days)}
    spec = SPEC | (parts["0"] if len(days) == 1 else {"series": parts})
    forecaster = build("mstl", spec, seasons="auto", max_history_days=None)
    assert isinstance(forecaster, statsforecast_models.Mstl)
    assert (forecaster.seasons, forecaster.remark) == (seasons, remark)
    assert forecaster.min_history == 2 * seasons[-1]
    short = build("mstl", spec, seasons="auto", max_history_days=729)
    assert isinstance(short, statsforecast_models.Mstl)
    assert (short.seasons, short.remark) == ((7,), ""), "the user's choice needs no word"


@pytest.mark.slow  # starts a process
def test_building_imports_no_heavy_library(tmp_path: Path) -> None:
    code = """import sys
from strokecast.models.common import registry
for name in ("auto_ets", "auto_arima", "sarima", "mstl", "statistical_ensemble", "ridge", "boosted_trees", "combination"):
    registry.get("forecast", name).build(registry.config("forecast", name, {}), {
        "horizon": 7, "input_size": 56, "targets": ["y"], "past_covariates": [], "future": [],
        "splits": {"train": {"days": 900}}})
heavy = {"statsforecast", "numba", "statsmodels", "sklearn", "tensorflow", "keras", "pandas"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
