"""What forecasters of every kind are shown, and what comes back."""

from types import SimpleNamespace

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.features.timeseries import forecast, origins
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.inference import backtest
from strokecast.models.statistical.seasonal_naive import SeasonalNaive
from strokecast.params import ForecastFeatures


@pytest.fixture
def processed(make_series, tmp_path):
    """120 days in 14-day windows for 7 days ahead; y is 100 and more by one a day."""
    settings = ForecastFeatures(input_size=14, horizon=7, valid_from=0.5, test_from=0.75)
    spec = forecast.preprocess(make_series(120), tmp_path / "processed", settings)
    return SimpleNamespace(folder=tmp_path / "processed", spec=spec)


@pytest.fixture
def known(processed):
    return backtest.load_series(processed.folder, ("train", "valid", "test"))


def test_a_series_is_its_splits_one_after_the_other_and_no_other(processed, known):
    assert known.starts == {"train": 0, "valid": 60, "test": 90}
    assert (np.diff(known.days) == np.timedelta64(1, "D")).all()
    assert known.columns["y"].tolist() == [100.0 + day for day in range(120)]
    before = backtest.load_series(processed.folder, ("train", "valid"))
    assert len(before.days) == 90
    assert before.starts == {"train": 0, "valid": 60}
    came = backtest.actuals(known, processed.spec, np.array([90, 113]))
    assert came[..., 0].tolist() == [list(range(190, 197)), list(range(213, 220))]


def test_a_rule_is_shown_the_days_before_each_origin_and_the_names_of_those_to_come(processed, known):
    seen = []

    def predict(history):
        seen.append(history)
        return np.arange(7.0) + history.values[-1]

    said = backtest.statistical_forecaster(SimpleNamespace(min_history=7, predict=predict), processed.spec, "here")(
        known, np.array([90, 100])
    )
    assert said.point[..., 0].tolist() == [list(np.arange(7.0) + 189), list(np.arange(7.0) + 199)]
    assert said.quantiles is None
    for history, origin in zip(seen, (90, 100), strict=True):
        assert len(history.days) == len(history.values) == origin
        assert {len(column) for column in history.columns.values()} == {origin}
        assert (history.next_days == known.days[origin : origin + 7]).all()


def test_a_rule_that_needs_more_history_is_named_with_the_day(processed, known):
    ask = backtest.statistical_forecaster(SeasonalNaive(100), processed.spec, "params.yaml: models.forecast.slow")
    with pytest.raises(
        UserError, match=r"models\.forecast\.slow: needs 100 days of history, .*\(2020-03-31\) has 90"
    ):
        ask(known, np.array([90]))


def copy_of_last_week(spec, levels=()):
    """A network that repeats last week, with quantiles as far above and below as their place."""
    import keras

    from strokecast.models.layers.horizon import QUANTILES, Quantiles

    past = keras.Input((14, len(spec["channels"])), name="past")
    week = past[:, 7:, :1]  # [B, H, D]
    if levels:
        zeros = keras.ops.repeat(week[..., None] * 0, len(levels), axis=-1)
        week = Quantiles(levels, name=QUANTILES)(zeros, week)
    return keras.Model({"past": past}, week)


def test_a_network_that_copies_last_week_says_what_the_rule_says(processed, known):
    asked = origins.rolling(90, 120, 14, 7, 3)
    network = backtest.network_forecaster(copy_of_last_week(processed.spec), processed.spec)(known, asked)
    rule = backtest.statistical_forecaster(SeasonalNaive(7), processed.spec, "here")(known, asked)
    assert network.point == pytest.approx(rule.point, rel=1e-5)
    assert network.quantiles is None
    assert network.own == ()


def test_quantiles_come_back_in_the_series_own_unit_with_the_median_as_the_forecast(processed, known):
    levels = (0.1, 0.5, 0.9)
    asked = origins.rolling(90, 120, 14, 7, 3)
    said = backtest.network_forecaster(copy_of_last_week(processed.spec, levels), processed.spec)(known, asked)
    assert said.quantile_levels == levels
    assert said.quantiles.shape == (*said.point.shape[:2], 3)
    assert said.quantiles[..., 1] == pytest.approx(said.point[..., 0])
    assert (np.diff(said.quantiles, axis=-1) > 0).all()
    back = WindowTransformer(processed.spec).output
    std = (
        back(np.ones((1, 7, 1)), np.zeros((1, 7, 1))) - back(np.zeros((1, 7, 1)), np.zeros((1, 7, 1)))
    ).max()
    step = np.log(2) * 1.2815515655446004 * std  # softplus(0) normal quantiles from the median
    assert np.diff(said.quantiles, axis=-1) == pytest.approx(step, rel=1e-3)


def test_no_forecast_changes_with_the_values_from_its_origin_on(processed, known):
    from strokecast.models.common import registry

    asked = np.array([92, 104])
    config = registry.config("forecast", "ridge", {"lags": 7, "weeks": [1]})
    ridge = registry.get("forecast", "ridge").build(config, processed.spec)
    random = np.random.default_rng(0)
    shape = (40, 7, len(processed.spec["future"]))
    inputs = {
        "past": random.normal(size=(40, 14, len(processed.spec["channels"]))),
        "future": random.normal(size=shape),
    }
    ridge.fit({k: v.astype(np.float32) for k, v in inputs.items()}, random.normal(size=(40, 7, 1)), 0)
    asks = [
        backtest.network_forecaster(copy_of_last_week(processed.spec), processed.spec),
        backtest.regression_forecaster(ridge, processed.spec),
        backtest.statistical_forecaster(SeasonalNaive(7), processed.spec, "here"),
    ]
    for ask in asks:
        for at, origin in enumerate(asked):
            changed = known.columns["y"].copy()
            changed[origin:] = random.normal(1e6, 1e5, 120 - origin)
            other = backtest.Series(known.days, {**known.columns, "y": changed}, known.starts)
            assert np.array_equal(ask(known, asked).point[at], ask(other, asked).point[at])
            changed[origin - 1] = 5e5
            assert not np.array_equal(ask(known, asked).point[at], ask(other, asked).point[at])
