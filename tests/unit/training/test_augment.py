"""Augmentation against the geometry it claims."""

import numpy as np
import pytest

from strokecast.params import ClassifyRecipe, ForecastRecipe

SEED = np.array([3, 4], np.int64)


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    length = np.array([1, 5, 12, 30], np.int32)
    strokes = rng.normal(size=(4, 30, 3)).astype(np.float32)
    strokes[:, :, 2] = rng.random((4, 30)) < 0.2
    strokes[np.arange(4), length - 1, 2] = 1
    strokes[np.arange(30) >= length[:, None]] = 0
    return strokes, length


def places(strokes: np.ndarray, length: int) -> np.ndarray:
    return np.cumsum(strokes[:length, :2], axis=0)


def test_dropped_points_leave_the_others_where_they_were(batch: tuple[np.ndarray, np.ndarray]) -> None:
    from strokecast.training.augment import drop_points

    strokes, length = batch
    out, kept = (tensor.numpy() for tensor in drop_points(strokes, length, 0.5, SEED))
    assert out.shape == strokes.shape
    assert (kept <= length).all()
    assert kept.sum() < length.sum()
    for before, after, n, m in zip(strokes, out, length, kept, strict=True):
        assert not after[m:].any()
        assert after[:m, 2].sum() == before[:n, 2].sum(), "every end of a stroke is kept"
        np.testing.assert_allclose(places(after, m)[0], places(before, n)[0], atol=1e-5)
        np.testing.assert_allclose(places(after, m)[-1], places(before, n)[-1], atol=1e-5)
        known = {tuple(point) for point in np.round(places(before, n), 3)}
        assert all(any(np.allclose(point, other, atol=2e-3) for other in known) for point in places(after, m))


def test_all_points_but_the_ends_may_go(batch: tuple[np.ndarray, np.ndarray]) -> None:
    from strokecast.training.augment import drop_points

    strokes, length = batch
    _, kept = drop_points(strokes, length, 0.9999999, SEED)
    ends = (strokes[:, :, 2] > 0.5).sum(axis=1)
    first_is_no_end = strokes[:, 0, 2] < 0.5
    np.testing.assert_array_equal(kept.numpy(), ends + first_is_no_end)


def test_turning_keeps_lengths_of_moves(batch: tuple[np.ndarray, np.ndarray]) -> None:
    from strokecast.training.augment import bend

    strokes, length = batch
    out = bend(strokes, length, 0.0, 90.0, 0.0, SEED).numpy()
    np.testing.assert_allclose(
        np.hypot(out[:, :, 0], out[:, :, 1]), np.hypot(strokes[:, :, 0], strokes[:, :, 1]), atol=1e-5
    )
    assert np.abs(out - strokes).max() > 0.1
    np.testing.assert_array_equal(out[:, :, 2], strokes[:, :, 2])


def test_stretching_is_one_factor_an_axis_and_within_bounds(batch: tuple[np.ndarray, np.ndarray]) -> None:
    from strokecast.training.augment import bend

    strokes, length = batch
    out = bend(strokes, length, 0.2, 0.0, 0.0, SEED).numpy()
    for before, after, n in zip(strokes, out, length, strict=True):
        factors = after[:n, :2] / before[:n, :2]
        np.testing.assert_allclose(factors, np.broadcast_to(factors[0], factors.shape), rtol=1e-4)
        assert (np.abs(factors - 1) <= 0.2001).all()


def test_shaking_spares_the_padding_and_the_pen(batch: tuple[np.ndarray, np.ndarray]) -> None:
    from strokecast.training.augment import bend

    strokes, length = batch
    out = bend(strokes, length, 0.0, 0.0, 0.3, SEED).numpy()
    real = np.arange(30) < length[:, None]
    assert not out[~real].any()
    assert (out - strokes)[real][:, :2].std() == pytest.approx(0.3, rel=0.25)
    np.testing.assert_array_equal(out[:, :, 2], strokes[:, :, 2])


def test_the_seed_decides(batch: tuple[np.ndarray, np.ndarray]) -> None:
    from strokecast.training import augment

    strokes, length = batch
    change = augment.make("classify", ClassifyRecipe(augment_drop=0.3, augment_jitter=0.1))
    assert change is not None
    one, same, other = (
        change({"strokes": strokes, "length": length}, np.array(seed, np.int64))["strokes"].numpy()
        for seed in ((1, 2), (1, 2), (1, 3))
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_nothing_is_changed_where_nothing_is_asked_for() -> None:
    from strokecast.training import augment

    assert augment.make("classify", ClassifyRecipe()) is None
    assert augment.make("forecast", ForecastRecipe()) is None
