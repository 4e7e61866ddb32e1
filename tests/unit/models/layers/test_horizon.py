"""Quantiles and future features of forecasting networks against their definition."""

from statistics import NormalDist

import keras
import numpy as np
import pytest

from strokecast.models.layers.horizon import FutureWindows, Quantiles, look_ahead

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)


def test_equal_steps_give_the_quantiles_of_a_normal_distribution() -> None:
    raw = np.full((2, 3, 7), 0.4, np.float32)
    raw[..., 3] = [[-1.0, 0.0, 5.0]]
    quantiles = Quantiles(LEVELS)(raw).numpy()
    std = np.log1p(np.exp(0.4))
    for day, median in enumerate((-1.0, 0.0, 5.0)):
        expected = [NormalDist(median, std).inv_cdf(level) for level in LEVELS]
        np.testing.assert_allclose(quantiles[:, day], [expected] * 2, rtol=1e-5)


@pytest.mark.parametrize("levels", [LEVELS, (0.5,), (0.1, 0.5), (0.5, 0.6, 0.9)])
def test_quantiles_never_cross(levels: tuple[float, ...]) -> None:
    raw = np.random.default_rng(0).normal(scale=30, size=(50, len(levels))).astype(np.float32)
    layer = Quantiles(levels)
    quantiles, median = layer(raw).numpy(), levels.index(0.5)
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    np.testing.assert_array_equal(quantiles[:, median], raw[:, median])
    shifted = layer(raw, raw[:, 0] * 0 + 100).numpy()
    np.testing.assert_allclose(shifted, quantiles + 100, rtol=1e-4)
    assert Quantiles.from_config(layer.get_config()).levels == levels


def test_future_windows_hold_the_features_of_the_days_after_each_day() -> None:
    feature = np.arange(7, dtype=np.float32)  # of days 0 to 6: window 4, horizon 3
    past = np.stack([np.zeros(4, np.float32), feature[:4]], axis=1)[None]
    windows = FutureWindows()(past, feature[None, 4:, None]).numpy()
    assert windows[0, :, :, 0].tolist() == [[1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6]]


def test_look_ahead_keeps_the_values_and_appends_the_days_after_each_day() -> None:
    feature = np.arange(6, dtype=np.float32)  # of days 0 to 5: window 4, horizon 2
    past = np.stack([np.full(4, 8, np.float32), np.full(4, 9, np.float32), feature[:4]], axis=1)[None]
    inputs = keras.Input((4, 3)), keras.Input((2, 1))
    model = keras.Model(inputs, look_ahead(*inputs))
    output = model([past, feature[None, 4:, None]]).numpy()
    assert output[0].tolist() == [[8, 9, 1, 2], [8, 9, 2, 3], [8, 9, 3, 4], [8, 9, 4, 5]]
