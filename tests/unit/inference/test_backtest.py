"""Rolling-origin forecasts: what forecasters of every kind read, and what they return."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.features.timeseries import forecast, origins
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.inference import backtest
from strokecast.models.statistical.seasonal_naive import SeasonalNaive
from strokecast.params import ForecastFeatures


@pytest.fixture
def processed(make_series: Callable[..., Path], tmp_path: Path) -> Any:
    """120 days in 14-day windows with a horizon of 7 days; y rises by 1 per day from 100."""
    settings = ForecastFeatures(
        input_size=14, horizon=7, valid_from=0.5, test_from=0.75, holiday_country=None, lags=()
    )
    spec = forecast.preprocess(make_series(120), tmp_path / "processed", settings)
    return SimpleNamespace(folder=tmp_path / "processed", spec=spec)


@pytest.fixture
def series(processed: Any) -> backtest.Series:
    return backtest.load_series(processed.folder, ("train", "valid", "test"))


def test_series_joins_its_splits_and_reads_no_other(processed: Any, series: backtest.Series) -> None:
    assert series.starts == {"train": 0, "valid": 60, "test": 90}
    assert (np.diff(series.days) == np.timedelta64(1, "D")).all()
    assert series.columns["y"].tolist() == [100.0 + day for day in range(120)]
    before_test = backtest.load_series(processed.folder, ("train", "valid"))
    assert len(before_test.days) == 90
    assert before_test.starts == {"train": 0, "valid": 60}
    actual = backtest.actuals(series, processed.spec, np.array([90, 113]))
    assert actual[..., 0].tolist() == [list(range(190, 197)), list(range(213, 220))]


def test_statistical_forecaster_reads_the_days_before_each_origin_and_the_next_dates(
    processed: Any, series: backtest.Series
) -> None:
    histories = []

    def predict(history: Any) -> np.ndarray:
        histories.append(history)
        return np.arange(7.0) + history.values[-1]

    model = SimpleNamespace(min_history=7, predict=predict, quantile_levels=())
    forecasts = backtest.statistical_forecaster(model, processed.spec, "here")(series, np.array([90, 100]))
    assert forecasts.point[..., 0].tolist() == [list(np.arange(7.0) + 189), list(np.arange(7.0) + 199)]
    assert forecasts.quantiles is None
    for history, origin in zip(histories, (90, 100), strict=True):
        assert len(history.days) == len(history.values) == origin
        assert {len(column) for column in history.columns.values()} == {origin}
        assert (history.next_days == series.days[origin : origin + 7]).all()


def test_quantiles_of_a_statistical_forecaster_have_their_median_as_the_point_forecast(
    processed: Any, series: backtest.Series
) -> None:
    def predict_quantiles(history: Any) -> np.ndarray:
        return history.values[-1] + np.arange(7.0)[:, None] + [-2.0, 0.0, 5.0]

    model = SimpleNamespace(
        min_history=7, predict_quantiles=predict_quantiles, quantile_levels=(0.1, 0.5, 0.9)
    )
    forecasts = backtest.statistical_forecaster(model, processed.spec, "here")(series, np.array([90, 100]))
    assert forecasts.point[..., 0].tolist() == [list(np.arange(7.0) + 189), list(np.arange(7.0) + 199)]
    assert forecasts.quantiles is not None
    assert forecasts.quantiles[1, 2].tolist() == [199.0, 201.0, 206.0]
    assert forecasts.quantile_levels == (0.1, 0.5, 0.9)


def test_statistical_forecaster_without_enough_history_is_named_with_the_day(
    processed: Any, series: backtest.Series
) -> None:
    forecast_fn = backtest.statistical_forecaster(
        SeasonalNaive(100), processed.spec, "params.yaml: models.forecast.slow"
    )
    with pytest.raises(
        UserError, match=r"models\.forecast\.slow: needs 100 days of history, .*\(2020-03-31\) has 90"
    ):
        forecast_fn(series, np.array([90]))


def copy_of_last_week(spec: Any, levels: tuple[float, ...] = ()) -> Any:
    """A network that repeats the last week, with one quantile per level around it."""
    import keras

    from strokecast.models.layers.horizon import QUANTILES, Quantiles

    past = keras.Input((14, len(spec["channels"])), name="past")
    week = past[:, 7:, :1]  # [B, H, D]
    if levels:
        zeros = keras.ops.repeat(week[..., None] * 0, len(levels), axis=-1)
        week = Quantiles(levels, name=QUANTILES)(zeros, week)
    return keras.Model({"past": past}, week)


def test_network_that_copies_last_week_equals_the_seasonal_naive_forecaster(
    processed: Any, series: backtest.Series
) -> None:
    positions = origins.rolling(90, 120, 14, 7, 3)
    network = backtest.network_forecaster(copy_of_last_week(processed.spec), processed.spec)
    naive = backtest.statistical_forecaster(SeasonalNaive(7), processed.spec, "here")
    forecasts = network(series, positions)
    assert forecasts.point == pytest.approx(naive(series, positions).point, rel=1e-5)
    assert forecasts.quantiles is None
    assert forecasts.quantile_levels == ()


def test_quantiles_are_in_the_series_own_unit_and_their_median_is_the_point_forecast(
    processed: Any, series: backtest.Series
) -> None:
    levels = (0.1, 0.5, 0.9)
    positions = origins.rolling(90, 120, 14, 7, 3)
    network = backtest.network_forecaster(copy_of_last_week(processed.spec, levels), processed.spec)
    forecasts = network(series, positions)
    assert forecasts.quantile_levels == levels
    assert forecasts.quantiles is not None
    assert forecasts.quantiles.shape == (*forecasts.point.shape[:2], 3)
    assert forecasts.quantiles[..., 1] == pytest.approx(forecasts.point[..., 0])
    assert (np.diff(forecasts.quantiles, axis=-1) > 0).all()
    inverse = WindowTransformer(processed.spec).inverse_transform
    zeros, ones = np.zeros((1, 7, 1)), np.ones((1, 7, 1))
    std = (inverse(ones, zeros) - inverse(zeros, zeros)).max()
    step = np.log(2) * 1.2815515655446004 * std  # softplus(0) normal quantiles from the median
    assert np.diff(forecasts.quantiles, axis=-1) == pytest.approx(step, rel=1e-3)


def test_no_forecast_depends_on_values_from_its_origin_on(processed: Any, series: backtest.Series) -> None:
    from strokecast.models.common import registry

    positions = np.array([92, 104])
    config = registry.config("forecast", "ridge", {"lags": 7, "weeks": [1]})
    ridge = registry.get("forecast", "ridge").build(config, processed.spec)
    random = np.random.default_rng(0)
    shape = (40, 7, len(processed.spec["future"]))
    inputs = {
        "past": random.normal(size=(40, 14, len(processed.spec["channels"]))),
        "future": random.normal(size=shape),
    }
    ridge.fit({k: v.astype(np.float32) for k, v in inputs.items()}, random.normal(size=(40, 7, 1)), 0)
    forecast_fns = [
        backtest.network_forecaster(copy_of_last_week(processed.spec), processed.spec),
        backtest.regression_forecaster(ridge, processed.spec),
        backtest.statistical_forecaster(SeasonalNaive(7), processed.spec, "here"),
    ]
    for forecast_fn in forecast_fns:
        for row, origin in enumerate(positions):
            changed = series.columns["y"].copy()
            changed[origin:] = random.normal(1e6, 1e5, 120 - origin)
            other = backtest.Series(series.days, {**series.columns, "y": changed}, series.starts)
            unchanged = forecast_fn(series, positions).point[row]
            assert np.array_equal(unchanged, forecast_fn(other, positions).point[row])
            changed[origin - 1] = 5e5
            assert not np.array_equal(unchanged, forecast_fn(other, positions).point[row])
