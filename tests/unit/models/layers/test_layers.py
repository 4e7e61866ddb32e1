"""Our layers against the same computation without any padding."""

from types import SimpleNamespace

import numpy as np
import pytest

from strokecast.models.statistical.seasonal_naive import SeasonalNaive


@pytest.fixture(scope="module")
def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    length = np.array([1, 4, 7, 10, 11], np.int32)
    strokes = rng.normal(size=(5, 11, 3)).astype(np.float32)
    strokes[np.arange(11) >= length[:, None]] = 0
    return strokes, length


def test_mask_is_true_on_real_steps(batch: tuple[np.ndarray, np.ndarray]) -> None:
    from strokecast.models.layers.masking import LengthMask

    strokes, length = batch
    mask = LengthMask()(strokes, length).numpy()
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask.sum(axis=1), length)
    assert mask[1].tolist() == [True] * 4 + [False] * 7


@pytest.mark.parametrize(("kernel", "stride"), [(5, 2), (3, 2), (4, 3), (1, 1), (2, 5)])
@pytest.mark.parametrize("momentum", [None, 0.9])
def test_convolution_equals_each_drawing_alone(
    batch: tuple[np.ndarray, np.ndarray], kernel: int, stride: int, momentum: float | None
) -> None:
    import keras

    from strokecast.models.layers.conv import masked_conv
    from strokecast.models.layers.masking import LengthMask

    strokes, length = batch
    x, n = keras.Input((None, 3)), keras.Input((), dtype="int32")
    real = LengthMask()(x, n)
    y, shorter = masked_conv(x, real, 4, kernel, stride, norm_momentum=momentum, name="conv")
    model = keras.Model([x, n], [y, shorter])
    out, mask = (tensor.numpy() for tensor in model([strokes, length], training=False))
    assert out.shape == (5, -(-11 // stride), 4)
    np.testing.assert_array_equal(mask.sum(axis=1), -(-length // stride))
    assert not out[~mask].any()
    for index, steps in enumerate(length):
        alone, _ = model([strokes[index : index + 1, :steps], length[index : index + 1]], training=False)
        np.testing.assert_allclose(out[index, : mask[index].sum()], alone.numpy()[0], atol=1e-6)


def test_batch_moments_are_those_of_real_steps(batch: tuple[np.ndarray, np.ndarray]) -> None:
    import keras

    from strokecast.models.layers.conv import masked_conv
    from strokecast.models.layers.masking import LengthMask

    strokes, length = batch
    x, n = keras.Input((None, 3)), keras.Input((), dtype="int32")
    real = LengthMask()(x, n)
    y, shorter = masked_conv(x, real, 4, 3, 2, norm_momentum=0.5, name="conv")
    model = keras.Model([x, n], [y, shorter])
    plain = keras.Model([x, n], model.get_layer("conv").output)
    rows = plain([strokes, length], training=False).numpy()
    out, mask = (tensor.numpy() for tensor in model([strokes, length], training=True))
    np.testing.assert_allclose(out[mask].mean(axis=0), 0, atol=1e-5)
    moving = model.get_layer("conv_norm").moving_mean.numpy()
    np.testing.assert_allclose(moving, 0.5 * rows[mask].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("horizon", [1, 7, 10])
def test_last_week_is_the_seasonal_naive_rule(horizon: int) -> None:
    from strokecast.models.layers.seasonal import LastWeek

    past = np.random.default_rng(0).normal(size=(3, 20, 2)).astype(np.float32)
    out = LastWeek(horizon)(past).numpy()
    for row, window in zip(out, past, strict=True):
        history = SimpleNamespace(values=window[:, 0], next_days=np.arange(horizon))
        np.testing.assert_allclose(row[:, 0], SeasonalNaive(7).predict(history), rtol=1e-6)


def test_positions_fill_a_box_and_ignore_padding(batch: tuple[np.ndarray, np.ndarray]) -> None:
    from strokecast.models.layers.drawing import Positions

    strokes, length = batch
    real = np.arange(11) < length[:, None]
    out = Positions()(strokes, real).numpy()
    assert out.shape == (5, 11, 2)
    assert not out[~real].any()
    for row, points, steps in zip(out, strokes, length, strict=True):
        place = np.cumsum(points[:steps, :2], axis=0)
        low, high = place.min(axis=0), place.max(axis=0)
        half = max((high - low).max() / 2, 1e-6)
        np.testing.assert_allclose(row[:steps], (place - (low + high) / 2) / half, atol=1e-4)
        assert steps == 1 or np.abs(row).max() == pytest.approx(1, abs=1e-4)
