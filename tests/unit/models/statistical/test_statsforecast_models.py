"""Classical peers: what they say is what statsforecast says, on as much of the past as they are told to read."""

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
from strokecast.models.statistical import classical
from strokecast.models.statistical.base import Rule, SeasonalNaive

PEERS = ("auto_ets", "auto_arima", "sarima", "mstl")
SPEC = {"task": "forecast", "horizon": 7, "counts": False}


def past(values: Any, horizon: int = 7) -> Any:
    """A history as `features.window_transformer.History` has it, as far as rules read it."""
    days = np.datetime64("2020-01-01") + np.arange(horizon)
    return SimpleNamespace(values=np.asarray(values, np.float64), next_days=days)


@pytest.fixture(scope="module")
def values() -> Any:
    rng = np.random.default_rng(8)
    week = np.array([0.0, 2.0, 3.0, 3.0, 2.0, -4.0, -6.0])
    walk = np.cumsum(rng.normal(0, 0.3, 126))
    return 50 + walk + np.tile(week, 18) + rng.normal(0, 1, 126)


def made(name: str, values: Any, spec: dict[str, Any] | None = None, **config: Any) -> Rule:
    architecture = registry.get("forecast", name)
    settings = architecture.testing.model_dump() | config
    rule: Rule = architecture.build(registry.config("forecast", name, settings), spec or SPEC)
    rule.find(values)
    return rule


def test_seasonal_naive_repeats_the_last_season() -> None:
    history = np.arange(20.0)
    np.testing.assert_array_equal(SeasonalNaive(7).predict(past(history, 3)), [13, 14, 15])
    nine = [13, 14, 15, 16, 17, 18, 19, 13, 14]
    np.testing.assert_array_equal(SeasonalNaive(7).predict(past(history, 9)), nine)
    with pytest.raises(ValueError, match="at least 7 days, received 6"):
        SeasonalNaive(7).predict(past(history[:6]))


@pytest.mark.filterwarnings("ignore:possible convergence problem")  # ours silences the steps of a search
def test_peers_are_statsforecasts_methods(values: Any) -> None:
    from statsforecast.models import ARIMA, MSTL, AutoARIMA, AutoETS

    direct = {
        "auto_ets": AutoETS(season_length=7),
        "auto_arima": AutoARIMA(season_length=7, approximation=True),
        "sarima": ARIMA(order=(1, 0, 0), season_length=7, seasonal_order=(0, 1, 1), include_constant=False),
        "mstl": MSTL(season_length=[7, 28]),
    }
    assert set(direct) == set(PEERS)
    for name, method in direct.items():
        expected = method.forecast(values, 7)["mean"]
        found = made(name, values, history=None).predict(past(values))
        assert (found.shape, found.dtype) == ((7,), np.float64)
        np.testing.assert_allclose(found, expected, rtol=1e-4, err_msg=name)
        assert np.abs(found - values[-7:]).max() > 0.1  # no copy of last week


@pytest.mark.parametrize("name", PEERS)
def test_only_the_last_days_count(name: str, values: Any) -> None:
    rule = made(name, values, history=84)
    expected = rule.predict(past(values))
    np.testing.assert_array_equal(rule.predict(past(np.r_[np.full(40, 1e3), values[-84:]])), expected)
    changed = values.copy()
    changed[-84:-70] += 5
    assert np.abs(rule.predict(past(changed)) - expected).max() > 1e-6


@pytest.mark.parametrize("name", PEERS)
def test_a_shorter_horizon_is_the_beginning_of_a_longer_one(name: str, values: Any) -> None:
    rule = made(name, values)
    np.testing.assert_allclose(rule.predict(past(values, 3)), rule.predict(past(values, 40))[:3])


@pytest.mark.parametrize("name", PEERS)
def test_counts_are_never_forecast_below_zero(name: str, values: Any) -> None:
    falling = (
        values - values.mean() + np.linspace(30, 1, len(values))
    )  # below 0 at the weekends, soon all week
    free = made(name, falling).predict(past(falling, 28))
    counts = made(name, falling, SPEC | {"counts": True}).predict(past(falling, 28))
    assert free.min() < 0
    np.testing.assert_allclose(counts, np.maximum(free, 0))


@pytest.mark.parametrize("name", PEERS)
def test_a_history_too_short_is_told(name: str, values: Any) -> None:
    rule = made(name, values)
    assert np.isfinite(rule.predict(past(values[: rule.min_history]))).all()
    with pytest.raises(
        ValueError, match=f"at least {rule.min_history} days, received {rule.min_history - 1}"
    ):
        rule.predict(past(values[: rule.min_history - 1]))


@pytest.mark.parametrize("name", PEERS)
def test_a_constant_series_stays_what_it_is(name: str) -> None:
    constant = np.full(90, 12.0)
    np.testing.assert_allclose(made(name, constant).predict(past(constant)), 12.0, rtol=1e-3)


def test_the_form_is_found_once_and_kept(values: Any) -> None:
    ets, arima = made("auto_ets", values), made("auto_arima", values)
    assert set(ets.found) == {"model", "damped"}
    assert set(arima.found) == {"order", "seasonal", "constant"}
    for rule in (ets, arima):
        kept = json.loads(json.dumps(rule.found))
        assert kept == rule.found
        rule.predict(past(values[:90] * 3))
        assert rule.found == kept


def test_multiplicative_smoothing_becomes_additive_at_zero(values: Any) -> None:
    rule = made("auto_ets", values)
    rule.found = {"model": "MAM", "damped": False}
    with_zero = values.copy()
    with_zero[-3] = 0.0
    multiplicative = rule.predict(past(values))
    low = rule.predict(past(with_zero))
    rule.found = {"model": "AAA", "damped": False}
    np.testing.assert_allclose(low, rule.predict(past(with_zero)))
    assert np.abs(multiplicative - rule.predict(past(values))).max() > 1e-3


def test_an_arima_that_finds_no_start_is_estimated_otherwise(
    values: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from statsforecast.models import ARIMA

    told: list[str] = []
    real = ARIMA.forecast

    def forecast(self: Any, *given: Any) -> Any:
        told.append(self.method)
        if self.method == "CSS-ML":
            raise ValueError("non-stationary AR part from CSS")
        return real(self, *given)

    monkeypatch.setattr(ARIMA, "forecast", forecast)
    order = {"order": [1, 0, 0], "seasonal": [0, 1, 1], "constant": False}
    assert np.isfinite(classical.arima(values, 7, **order)).all()
    assert told == ["CSS-ML", "ML"]
    monkeypatch.setattr(classical, "_METHODS", ("CSS-ML",))
    with pytest.raises(
        ValueError, match=r"ARIMA \(1, 0, 0\)\(0, 1, 1\)7 cannot be estimated: non-stationary"
    ):
        classical.arima(values, 7, **order)


@pytest.mark.parametrize(
    ("name", "values", "line"),
    [
        ("auto_ets", {"history": 20}, r"config\.history: 20 will not do; allowed: .*>= 21"),
        ("auto_arima", {"history": 41}, r"config\.history: 41 will not do; allowed: .*>= 42"),
        ("mstl", {"history": 700}, "two of the longest season"),
        ("mstl", {"seasons": [365, 7]}, "rising numbers of days, 2 or more"),
        ("mstl", {"seasons": [1, 7]}, "rising numbers of days, 2 or more"),
        ("sarima", {"order": [1, 0, 0]}, r"config\.order: unknown key"),
    ],
)
def test_bad_settings_are_one_line(name: str, values: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError, match=line):
        registry.config("forecast", name, values)


def test_statsforecast_is_imported_where_it_computes(tmp_path: Path) -> None:
    code = """import sys
from strokecast.models.common import registry
for name in ("auto_ets", "auto_arima", "sarima", "mstl", "ridge", "boosted_trees", "combination"):
    registry.get("forecast", name).build(registry.config("forecast", name, {}), {
        "horizon": 7, "input_size": 56, "targets": ["y"], "past_covariates": [], "future": []})
heavy = {"statsforecast", "numba", "statsmodels", "sklearn", "tensorflow", "keras", "pandas"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
