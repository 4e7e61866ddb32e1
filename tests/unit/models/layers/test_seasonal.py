"""Seasonal naive forecasts inside networks against their definition."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.models.common import registry
from strokecast.models.layers.seasonal import LAG_FEATURE, LastWeek, RecentMean, seasonal_base
from strokecast.models.statistical.seasonal_naive import SeasonalNaive

SPEC: dict[str, Any] = {
    "task": "forecast",
    "input_size": 10,
    "horizon": 9,
    "targets": ["y", "z"],
    "past_covariates": [],
    "future": ["weekday", LAG_FEATURE],
    "channels": ["y", "z", "weekday", LAG_FEATURE],
}


@pytest.mark.parametrize("horizon", [1, 7, 10])
def test_last_week_equals_the_seasonal_naive_forecaster(horizon: int) -> None:
    past = np.random.default_rng(0).normal(size=(3, 20, 2)).astype(np.float32)
    forecasts = LastWeek(horizon)(past).numpy()
    for forecast, window in zip(forecasts, past, strict=True):
        history = SimpleNamespace(values=window[:, 0], next_days=np.arange(horizon))
        np.testing.assert_allclose(forecast[:, 0], SeasonalNaive(7).predict(history), rtol=1e-6)


def test_last_week_from_every_day_of_the_window() -> None:
    past = np.arange(1, 11, dtype=np.float32)[None, :, None]
    forecasts = LastWeek(9, each_step=True)(past).numpy()[0, :, :, 0]
    assert forecasts[9].tolist() == [4, 5, 6, 7, 8, 9, 10, 4, 5]
    assert forecasts[7].tolist() == [2, 3, 4, 5, 6, 7, 8, 2, 3]
    assert forecasts[2].tolist() == [0, 0, 0, 0, 1, 2, 3, 0, 0], "days before the window count as the mean"


def test_the_recent_mean_averages_28_days_or_those_since_the_window_began() -> None:
    past = np.random.default_rng(0).normal(size=(2, 40, 3)).astype(np.float32)
    values = past[:, :, :2]
    expected = np.repeat(values[:, -28:].mean(axis=1, keepdims=True), 5, axis=1)
    np.testing.assert_allclose(RecentMean(5, 2)(past).numpy(), expected, atol=1e-6)
    each_step = RecentMean(5, 2, each_step=True)(past).numpy()
    for step in (0, 12, 27, 39):
        mean = values[:, max(0, step - 27) : step + 1].mean(axis=1)
        np.testing.assert_allclose(each_step[:, step], np.repeat(mean[:, None], 5, axis=1), atol=1e-6)


def zeroed(model: Any) -> Any:
    """The network with all weights 0."""
    model.set_weights([np.zeros_like(values) for values in model.get_weights()])
    return model


@pytest.mark.parametrize("name", ["gru", "encoder_decoder", "seq2seq"])
@pytest.mark.parametrize("quantiles", [(), (0.1, 0.5, 0.9)])
@pytest.mark.parametrize("residual", ["last_week", "last_year", "mean_28"])
def test_a_network_with_zero_weights_forecasts_its_residual(
    name: str, residual: str, quantiles: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(0)
    spec = SPEC | ({"input_size": 28} if residual == "mean_28" else {})
    past = rng.normal(size=(2, spec["input_size"], 4)).astype(np.float32)
    future = rng.normal(size=(2, 9, 2)).astype(np.float32)
    config = registry.config("forecast", name, {"residual": residual, "quantiles": quantiles, "units": 3})
    model = zeroed(registry.get("forecast", name).build(config, spec))
    forecast = model({"past": past, "future": future}).numpy()
    forecast = forecast[:, -1] if name == "seq2seq" else forecast  # [B, H, D(, Q)]
    if quantiles:
        width = forecast[..., 2] - forecast[..., 0]
        np.testing.assert_allclose(width, 2 * np.log(2) * 1.2815516, rtol=1e-5)
        forecast = forecast[..., 1]
    if residual == "last_week":
        expected = past[:, [3, 4, 5, 6, 7, 8, 9, 3, 4], :2]
    elif residual == "mean_28":
        expected = np.repeat(past[:, :, :2].mean(axis=1, keepdims=True), 9, axis=1)
    else:  # of the first target only
        expected = np.stack([future[:, :, 1], np.zeros((2, 9))], axis=-1)
    np.testing.assert_allclose(forecast, expected, atol=1e-6)


@pytest.mark.parametrize(("chosen", "layer"), [(None, None), ("none", None), ("last_week", "last_week")])
def test_auto_is_the_residual_that_preprocessing_chose(chosen: str | None, layer: str | None) -> None:
    spec = SPEC | ({"residual": {"chosen": chosen}} if chosen else {})
    past = np.random.default_rng(0).normal(size=(2, SPEC["input_size"], 4)).astype(np.float32)
    base = seasonal_base("auto", past, None, spec)
    if layer is None:
        assert base is None
    else:
        np.testing.assert_array_equal(base, seasonal_base(layer, past, None, SPEC))


def test_last_year_reads_the_window_without_a_lag_feature() -> None:
    spec = SPEC | {"input_size": 370, "future": [], "channels": ["y", "z"]}
    past = np.random.default_rng(0).normal(size=(2, 370, 2)).astype(np.float32)
    np.testing.assert_array_equal(seasonal_base("last_year", past, None, spec), past[:, 6:15])


@pytest.mark.parametrize(
    ("residual", "change", "each_step", "line"),
    [
        (
            "last_week",
            {"input_size": 6},
            False,
            "last_week needs a window of 7 days or more, the window has 6",
        ),
        ("mean_28", {}, False, "mean_28 needs a window of 28 days or more, the window has 10"),
        (
            "last_year",
            {"future": ["weekday"]},
            False,
            r"last_year needs 364 among .*lags \(or a window as long\)",
        ),
        (
            "last_year",
            {"difference": 364},
            False,
            "last_year needs values as targets, but .*difference makes them changes",
        ),
        (
            "last_year",
            {"future": [], "input_size": 400},
            True,
            "last_year needs 364 among features.forecast.lags; set residual: none",
        ),
    ],
)
def test_a_residual_that_the_data_cannot_provide_raises(
    residual: str, change: dict[str, Any], each_step: bool, line: str
) -> None:
    with pytest.raises(UserError, match=line):
        seasonal_base(residual, None, None, SPEC | change, each_step=each_step)
