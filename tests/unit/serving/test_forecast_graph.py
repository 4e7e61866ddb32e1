"""Graphs of raw days forecast what the transformer, the network and the way back to raw units forecast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.features.timeseries import series_spec
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.serving import forecast_graph

DAY_TYPES = ("U", "W")


def _rich_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """Two series, two columns, and every kind of feature."""
    transforms = {
        "y": {"kind": "log1p", "power": 0.0, "mean": 4.0, "std": 0.5},
        "z": {"kind": "none", "power": 0.0, "mean": 10.0, "std": 4.0},
    }
    one = {"transforms": transforms, "counts": True, "name": "a", "splits": spec["splits"]}
    shifted = {**transforms, "y": {**transforms["y"], "mean": 5.0}}
    calendar = {
        "kinds": ["weekday", "day_type", "trend"],
        "holiday_country": "US",
        "holiday_names": ["Christmas Day"],
        "day_types": list(DAY_TYPES),
        "trend_start": "2020-01-01",
    }
    rich = {
        **spec,
        "past_covariates": ["z"],
        "calendar": calendar,
        "lags": [14, 28],
        "levels": [10],
        "difference": 7,
        "lag_calendar": True,
        "series": {"a": one, "b": {**one, "transforms": shifted, "counts": False}},
        "series_ids": ["a", "b"],
    }
    names = WindowTransformer(series_spec.for_series(rich, "a")).future  # type: ignore[arg-type]
    return {**rich, "future": names, "channels": ["y", "z", *names]}


@pytest.fixture(params=["plain", "rich"])
def spec(request: pytest.FixtureRequest, specs: dict[str, Any]) -> dict[str, Any]:
    """The simplest spec and the one with every feature."""
    return specs["forecast"] if request.param == "plain" else _rich_spec(specs["forecast"])


def test_forecasts_are_those_of_the_pipeline(build_network: Callable[..., Any], spec: dict[str, Any]) -> None:
    from strokecast.inference import backtest

    network = build_network("forecast", "linear", spec)
    graph = forecast_graph.build(network, spec)
    forecast = backtest.network_forecaster(network, spec)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    days = np.datetime64("2020-10-01") + np.arange(120)
    columns: dict[str, Any] = {"y": rng.uniform(40, 160, 120), "z": rng.normal(10, 4, 120)}
    columns["day_type"] = rng.choice(DAY_TYPES, 120).tolist()
    history = graph.inputs["values"].fixed_shape[1]
    origins = np.array([history, 86, 113])  # holidays at Christmas
    for number, name in enumerate(series_spec.names(spec)):  # type: ignore[arg-type]
        expected = forecast(backtest.Series(days, columns, {}, name), origins).point
        past = origins[:, None] + np.arange(-history, 0)
        read = ("y", "z") if "series" in spec else ("y",)
        inputs: dict[str, Any] = {
            "values": np.stack([columns[key][past] for key in read], axis=2).astype(np.float32),
            "origin": (days[0] + origins).astype("datetime64[D]").astype(np.int32),
        }
        if "series" in spec:
            types = np.array([DAY_TYPES.index(one) for one in columns["day_type"]], np.int32)
            inputs["day_type"] = types[origins[:, None] + np.arange(-history, 7)]
            inputs["series"] = np.full(3, number, np.int32)
        assert list(graph.inputs) == list(inputs)
        np.testing.assert_allclose(graph.call(**inputs), expected, rtol=2e-5, atol=2e-4)


def test_days_outside_the_calendar_give_nan(build_network: Callable[..., Any], specs: dict[str, Any]) -> None:
    spec = specs["forecast"]
    graph = forecast_graph.build(build_network("forecast", "linear", spec), spec)
    first, last = (np.datetime64(day).astype(np.int64) for day in ("2020-01-01", "2021-04-30"))
    origins = np.array([first + 13, first + 14, last + 3650 - 7, last + 3650], np.int32)
    forecast = np.asarray(graph.call(values=np.full((4, 14, 1), 100, np.float32), origin=origins))
    assert np.isnan(forecast).all(axis=(1, 2)).tolist() == [True, False, False, True]


def test_a_transform_of_a_fitted_power_is_refused(specs: dict[str, Any]) -> None:
    transforms = {"y": {"kind": "boxcox", "power": 0.3, "mean": 1.0, "std": 1.0}}
    with pytest.raises(UserError, match="column y has the transform boxcox"):
        forecast_graph.build(None, {**specs["forecast"], "transforms": transforms})
