"""The layers that networks of `forecast` share, against what they are by definition."""

from statistics import NormalDist
from typing import Any

import keras
import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.models.common import registry
from strokecast.models.layers.horizon import FutureWindows, Quantiles, look_ahead
from strokecast.models.layers.layer_norm_rnn import LayerNormRNNCell
from strokecast.models.layers.seasonal import LAG, LastWeek, seasonal

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
SPEC: dict[str, Any] = {
    "task": "forecast",
    "input_size": 10,
    "horizon": 9,
    "targets": ["y", "z"],
    "past_covariates": [],
    "future": ["weekday", LAG],
    "channels": ["y", "z", "weekday", LAG],
}


def test_quantiles_of_equal_steps_are_those_of_a_normal_distribution() -> None:
    raw = np.full((2, 3, 7), 0.4, np.float32)
    raw[..., 3] = [[-1.0, 0.0, 5.0]]
    made = Quantiles(LEVELS)(raw).numpy()
    width = np.log1p(np.exp(0.4))
    for day, median in enumerate((-1.0, 0.0, 5.0)):
        expected = [NormalDist(median, width).inv_cdf(level) for level in LEVELS]
        np.testing.assert_allclose(made[:, day], [expected] * 2, rtol=1e-5)


@pytest.mark.parametrize("levels", [LEVELS, (0.5,), (0.1, 0.5), (0.5, 0.6, 0.9)])
def test_quantiles_never_cross_whatever_the_network_says(levels: tuple[float, ...]) -> None:
    raw = np.random.default_rng(0).normal(scale=30, size=(50, len(levels))).astype(np.float32)
    layer = Quantiles(levels)
    made, middle = layer(raw).numpy(), levels.index(0.5)
    assert (np.diff(made, axis=-1) >= 0).all()
    np.testing.assert_array_equal(made[:, middle], raw[:, middle])
    moved = layer(raw, raw[:, 0] * 0 + 100).numpy()
    np.testing.assert_allclose(moved, made + 100, rtol=1e-4)
    assert Quantiles.from_config(layer.get_config()).levels == levels


def test_the_features_of_the_days_ahead_of_each_step() -> None:
    known = np.arange(7, dtype=np.float32)  # of days 0 to 6: a window of 4, a horizon of 3
    past = np.stack([np.zeros(4, np.float32), known[:4]], axis=1)[None]
    made = FutureWindows()(past, known[None, 4:, None]).numpy()
    assert made[0, :, :, 0].tolist() == [[1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6]]


def test_a_window_that_looks_ahead_has_its_values_and_the_days_after_each() -> None:
    known = np.arange(6, dtype=np.float32)  # of days 0 to 5: a window of 4, a horizon of 2
    past = np.stack([np.full(4, 8, np.float32), np.full(4, 9, np.float32), known[:4]], axis=1)[None]
    inputs = keras.Input((4, 3)), keras.Input((2, 1))
    model = keras.Model(inputs, look_ahead(*inputs))
    made = model([past, known[None, 4:, None]]).numpy()
    assert made[0].tolist() == [[8, 9, 1, 2], [8, 9, 2, 3], [8, 9, 3, 4], [8, 9, 4, 5]]


def test_the_last_week_as_each_step_knew_it() -> None:
    past = np.arange(1, 11, dtype=np.float32)[None, :, None]
    made = LastWeek(9, each_step=True)(past).numpy()[0, :, :, 0]
    assert made[9].tolist() == [4, 5, 6, 7, 8, 9, 10, 4, 5]
    assert made[7].tolist() == [2, 3, 4, 5, 6, 7, 8, 2, 3]
    assert made[2].tolist() == [0, 0, 0, 0, 1, 2, 3, 0, 0], "days before the window count as the mean"


def empty(model: Any) -> Any:
    """The same network with all weights 0."""
    model.set_weights([np.zeros_like(values) for values in model.get_weights()])
    return model


@pytest.mark.parametrize("name", ["gru", "encoder_decoder", "seq2seq"])
@pytest.mark.parametrize("quantiles", [(), (0.1, 0.5, 0.9)])
@pytest.mark.parametrize("residual", ["last_week", "last_year"])
def test_a_network_that_says_nothing_repeats_week_or_year(
    name: str, residual: str, quantiles: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(0)
    past = rng.normal(size=(2, 10, 4)).astype(np.float32)
    future = rng.normal(size=(2, 9, 2)).astype(np.float32)
    config = registry.config("forecast", name, {"residual": residual, "quantiles": quantiles, "units": 3})
    model = empty(registry.get("forecast", name).build(config, SPEC))
    made = model({"past": past, "future": future}).numpy()
    made = made[:, -1] if name == "seq2seq" else made  # [B, H, D(, Q)]
    if quantiles:
        np.testing.assert_allclose(made[..., 2] - made[..., 0], 2 * np.log(2) * 1.2815516, rtol=1e-5)
        made = made[..., 1]
    if residual == "last_week":
        expected = past[:, [3, 4, 5, 6, 7, 8, 9, 3, 4], :2]
    else:  # of the first target alone
        expected = np.stack([future[:, :, 1], np.zeros((2, 9))], axis=-1)
    np.testing.assert_allclose(made, expected, atol=1e-6)


def test_last_year_from_a_window_that_holds_it() -> None:
    spec = SPEC | {"input_size": 370, "future": [], "channels": ["y", "z"]}
    past = np.random.default_rng(0).normal(size=(2, 370, 2)).astype(np.float32)
    np.testing.assert_array_equal(seasonal("last_year", past, None, spec), past[:, 6:15])


@pytest.mark.parametrize(
    ("residual", "change", "each_step", "line"),
    [
        ("last_week", {"input_size": 6}, False, "last_week needs a window of 7 days or more, the window has 6"),
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
            "last_year needs targets that are values, and .*difference makes them changes",
        ),
        (
            "last_year",
            {"future": [], "input_size": 400},
            True,
            "last_year needs 364 among features.forecast.lags; say",
        ),
    ],
)
def test_a_residual_that_the_data_cannot_give(
    residual: str, change: dict[str, Any], each_step: bool, line: str
) -> None:
    with pytest.raises(UserError, match=line):
        seasonal(residual, None, None, SPEC | change, each_step=each_step)


def test_a_layer_normalised_step_by_hand() -> None:
    rng = np.random.default_rng(0)
    cell = LayerNormRNNCell(5)
    x, h = (rng.normal(size=(3, size)).astype(np.float32) for size in (4, 5))
    cell.build((None, 4))
    weights = [rng.normal(size=values.shape).astype(np.float32) for values in cell.get_weights()]
    cell.set_weights(weights)
    kernel, recurrent, bias, gain = weights
    total = x @ kernel + h @ recurrent
    normal = (total - total.mean(axis=1, keepdims=True)) / np.sqrt(total.var(axis=1, keepdims=True) + 1e-3)
    made, (state,) = cell(x, [h])
    np.testing.assert_allclose(made, np.tanh(normal * gain + bias), atol=1e-5)
    np.testing.assert_array_equal(made, state)
