"""Normalisation by a window's own statistics, and back."""

from typing import Any

import numpy as np
import pytest

from strokecast.models.layers.instance_norm import Denormalize, Normalize, WindowStatistics


@pytest.fixture(scope="module")
def windows() -> Any:
    return np.random.default_rng(0).normal([50, -3, 0], [9, 0.1, 1], (4, 20, 3)).astype(np.float32)


def test_normalised_windows_have_mean_0_and_deviation_1(windows: Any) -> None:
    normalized = Normalize()(windows, WindowStatistics("mean")(windows)).numpy()
    np.testing.assert_allclose(normalized.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(normalized.std(axis=1), 1, atol=1e-2)


def test_last_subtracts_the_last_value(windows: Any) -> None:
    normalized = Normalize()(windows, WindowStatistics("last")(windows)).numpy()
    np.testing.assert_allclose(normalized, windows - windows[:, -1:], atol=1e-5)


@pytest.mark.parametrize("center", ["mean", "last"])
def test_denormalised_forecasts_of_the_first_channels_are_the_original_ones(
    center: Any, windows: Any
) -> None:
    statistics, forecast = WindowStatistics(center)(windows), windows[:, :5, :2] * 2
    restored = Denormalize()(Normalize()(forecast, statistics), statistics).numpy()
    np.testing.assert_allclose(restored, forecast, rtol=1e-4, atol=1e-4)
    quantiles = np.stack([forecast, forecast + 1], axis=-1)
    back = Denormalize()(quantiles, statistics).numpy()
    np.testing.assert_allclose(back[..., 1], Denormalize()(forecast + 1, statistics).numpy(), atol=1e-4)


def test_a_constant_window_stays_finite() -> None:
    constant = np.full((1, 6, 1), 7, np.float32)
    statistics = WindowStatistics("mean")(constant)
    np.testing.assert_allclose(Normalize()(constant, statistics).numpy(), 0)
    np.testing.assert_allclose(statistics.numpy()[0, :, 0], [7, 1e-5**0.5], rtol=1e-5)
