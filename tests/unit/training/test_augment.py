"""Augmentation against the geometry it claims."""

from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.params import ClassifyRecipe, ForecastRecipe


def classify_recipe(**keys: Any) -> ClassifyRecipe:
    """A recipe without warm-up and augmentation, unless `keys` switches them on."""
    neutral = {"epochs": 20, "batch_size": 128, "learning_rate": 0.002, "warmup_epochs": 0}
    off = dict.fromkeys(("augment_scale", "augment_rotation", "augment_jitter", "augment_drop"), 0.0)
    return ClassifyRecipe(**{**neutral, **off, **keys})


SEED = np.array([3, 4], np.int64)
SPEC = {"classes": ["ant", "cup", "key"]}
Batch = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def batch() -> Batch:
    rng = np.random.default_rng(0)
    length = np.array([1, 5, 12, 30, 30, 30], np.int32)
    strokes = rng.normal(size=(6, 30, 3)).astype(np.float32)
    strokes[:, :, 2] = rng.random((6, 30)) < 0.2
    strokes[np.arange(6), length - 1, 2] = 1
    strokes[np.arange(30) >= length[:, None]] = 0
    return strokes, length


def places(strokes: np.ndarray, length: int) -> np.ndarray:
    return np.cumsum(strokes[:length, :2], axis=0)


def split(strokes: np.ndarray, length: int) -> list[np.ndarray]:
    """Where the points of each stroke are on the page."""
    ends = np.flatnonzero(strokes[:length, 2] > 0.5) + 1
    return [part for part in np.split(places(strokes, length), ends) if len(part)]


def left_out(batch: Batch, keep: Any, time: np.ndarray | None = None) -> dict[str, np.ndarray]:
    from strokecast.training.augment import drop_points

    inputs = {"strokes": batch[0], "length": batch[1], **({} if time is None else {"time": time})}
    return {name: np.asarray(value) for name, value in drop_points(inputs, keep).items()}


def test_points_left_out_leave_the_others_where_they_were(batch: Batch) -> None:
    from strokecast.training.augment import point_mask

    strokes, length = batch
    keep = point_mask(strokes, length, 0.5, SEED).numpy()
    out, kept = (left_out(batch, keep)[name] for name in ("strokes", "length"))
    assert out.shape == strokes.shape
    assert kept.sum() < length.sum()
    np.testing.assert_array_equal(kept, keep.sum(axis=1))
    for before, after, n, m, chosen in zip(strokes, out, length, kept, keep, strict=True):
        assert not after[m:].any()
        assert after[:m, 2].sum() == before[:n, 2].sum(), "every end of a stroke is kept"
        assert after[m - 1, 2] == 1
        assert chosen[0]
        assert not chosen[n:].any()
        np.testing.assert_allclose(places(after, m), places(before, n)[chosen[:n]], atol=1e-5)
        np.testing.assert_array_equal(after[:m, 2], before[:n, 2][chosen[:n]])


def test_all_points_but_the_ends_may_go(batch: Batch) -> None:
    from strokecast.training.augment import point_mask

    strokes, length = batch
    kept = point_mask(strokes, length, 0.9999999, SEED).numpy().sum(axis=1)
    ends = (strokes[:, :, 2] > 0.5).sum(axis=1)
    first_is_no_end = strokes[:, 0, 2] < 0.5
    np.testing.assert_array_equal(kept, ends + first_is_no_end)


def test_strokes_left_out_leave_the_others_where_they_were(batch: Batch) -> None:
    from strokecast.training.augment import stroke_mask

    strokes, length = batch
    out = left_out(batch, stroke_mask(strokes, length, 0.5, SEED))
    gone = 0
    for before, after, n, m in zip(strokes, out["strokes"], length, out["length"], strict=True):
        old, new = split(before, n), split(after, m)
        gone += len(old) - len(new)
        assert not after[m:].any()
        assert after[m - 1, 2] == 1
        assert m == sum(map(len, new))
        turn = iter(old)  # each stroke is one of the old ones, in their order
        assert all(any(a.shape == b.shape and np.allclose(a, b, atol=1e-5) for b in turn) for a in new)
        assert max(map(len, new)) == max(map(len, old)), "the longest stroke stays"
    assert 5 < gone < sum(len(split(s, n)) for s, n in zip(strokes, length, strict=True)) - len(length)


def test_all_strokes_but_the_longest_may_go(batch: Batch) -> None:
    from strokecast.training.augment import stroke_mask

    strokes, length = batch
    out = left_out(batch, stroke_mask(strokes, length, 0.9999999, SEED))
    for before, after, n, m in zip(strokes, out["strokes"], length, out["length"], strict=True):
        (only,) = split(after, m)
        longest = max(split(before, n), key=len)  # of equals, the first
        np.testing.assert_allclose(only, longest, atol=1e-5)


def test_a_drawing_that_ends_with_the_pen_down_keeps_its_points(batch: Batch) -> None:
    from strokecast.training.augment import stroke_mask

    strokes, length = batch
    strokes[:, :, 2] = 0
    keep = stroke_mask(strokes, length, 0.9999999, SEED).numpy()
    np.testing.assert_array_equal(keep, np.arange(30) < length[:, None])


@pytest.mark.parametrize("kept", ["point_mask", "stroke_mask"])
def test_a_share_of_nothing_changes_nothing(batch: Batch, kept: str) -> None:
    from strokecast.training import augment

    strokes, length = batch
    keep = getattr(augment, kept)(strokes, length, 0.0, SEED).numpy()
    np.testing.assert_array_equal(keep, np.arange(30) < length[:, None])
    out = left_out(batch, keep)
    np.testing.assert_array_equal(out["length"], length)
    np.testing.assert_allclose(out["strokes"], strokes, atol=1e-5)


def test_time_goes_with_its_points_and_adds_up(batch: Batch) -> None:
    from strokecast.training.augment import point_mask

    strokes, length = batch
    real = np.arange(30) < length[:, None]
    waits = np.random.default_rng(1).exponential(0.4, size=real.shape) * real
    keep = point_mask(strokes, length, 0.5, SEED).numpy()
    out = left_out(batch, keep, np.log1p(waits).astype(np.float32))
    assert set(out) == {"strokes", "length", "time"}
    for before, after, m, chosen in zip(waits, out["time"], out["length"], keep, strict=True):
        np.testing.assert_allclose(np.cumsum(np.expm1(after[:m])), np.cumsum(before)[chosen], rtol=1e-4)
        assert not after[m:].any()
    np.testing.assert_array_equal(out["strokes"], left_out(batch, keep)["strokes"])


def test_mirrored_is_left_for_right(batch: Batch) -> None:
    from strokecast.training.augment import mirror

    strokes, _ = batch
    target = np.array([0, 1, 2, 0, 1, 2], np.int64)
    out = mirror(strokes, target, 1.0, [True] * 3, SEED).numpy()
    np.testing.assert_array_equal(out, strokes * np.float32([-1, 1, 1]))
    np.testing.assert_array_equal(mirror(strokes, target, 0.0, [True] * 3, SEED).numpy(), strokes)
    only = mirror(strokes, target, 1.0, [False, True, False], SEED).numpy()
    sign = np.where(target == 1, np.float32(-1), np.float32(1))
    np.testing.assert_array_equal(only[:, :, 0], strokes[:, :, 0] * sign[:, None])
    np.testing.assert_array_equal(only[:, :, 1:], strokes[:, :, 1:])


def test_mirrored_are_as_many_as_asked_for() -> None:
    from strokecast.training.augment import mirror

    ones = np.ones((2_000, 1, 3), np.float32)
    out = mirror(ones, np.zeros(2_000, np.int64), 0.3, [True], SEED).numpy()
    assert (out[:, 0, 0] < 0).mean() == pytest.approx(0.3, abs=0.04)


def test_classes_to_mirror_are_those_of_the_data(batch: Batch) -> None:
    from strokecast.training import augment

    strokes, length = batch
    target = np.array([0, 1, 2, 0, 1, 2], np.int64)
    change = augment.make(
        "classify", classify_recipe(augment_mirror=1.0, mirror_classes=("key", "ant")), SPEC
    )
    assert change is not None
    out = change({"strokes": strokes, "length": length}, target, SEED)["strokes"].numpy()
    sign = np.where(target == 1, np.float32(1), np.float32(-1))
    np.testing.assert_array_equal(out[:, :, 0], strokes[:, :, 0] * sign[:, None])
    with pytest.raises(UserError) as error:
        augment.make("classify", classify_recipe(augment_mirror=0.5, mirror_classes=("ant", "cap")), SPEC)
    assert str(error.value).count("\n") == 0
    assert all(part in str(error.value) for part in ("'cap'", "mirror_classes", "ant, cup, key"))


def test_turning_keeps_lengths_of_moves(batch: tuple[np.ndarray, np.ndarray]) -> None:
    from strokecast.training.augment import distort

    strokes, length = batch
    out = distort(strokes, length, 0.0, 90.0, 0.0, SEED).numpy()
    np.testing.assert_allclose(
        np.hypot(out[:, :, 0], out[:, :, 1]), np.hypot(strokes[:, :, 0], strokes[:, :, 1]), atol=1e-5
    )
    assert np.abs(out - strokes).max() > 0.1
    np.testing.assert_array_equal(out[:, :, 2], strokes[:, :, 2])


def test_stretching_is_one_factor_an_axis_and_within_bounds(batch: tuple[np.ndarray, np.ndarray]) -> None:
    from strokecast.training.augment import distort

    strokes, length = batch
    out = distort(strokes, length, 0.2, 0.0, 0.0, SEED).numpy()
    for before, after, n in zip(strokes, out, length, strict=True):
        factors = after[:n, :2] / before[:n, :2]
        np.testing.assert_allclose(factors, np.broadcast_to(factors[0], factors.shape), rtol=1e-4)
        assert (np.abs(factors - 1) <= 0.2001).all()


def test_shaking_spares_the_padding_and_the_pen(batch: tuple[np.ndarray, np.ndarray]) -> None:
    from strokecast.training.augment import distort

    strokes, length = batch
    out = distort(strokes, length, 0.0, 0.0, 0.3, SEED).numpy()
    real = np.arange(30) < length[:, None]
    assert not out[~real].any()
    assert (out - strokes)[real][:, :2].std() == pytest.approx(0.3, rel=0.25)
    np.testing.assert_array_equal(out[:, :, 2], strokes[:, :, 2])


EVERYTHING = classify_recipe(
    augment_drop=0.3,
    augment_drop_strokes=0.3,
    augment_mirror=0.5,
    augment_scale=0.2,
    augment_rotation=20.0,
    augment_jitter=0.1,
)


@pytest.mark.slow
def test_the_seed_decides_and_padding_stays_zero(batch: Batch) -> None:
    import tensorflow as tf

    from strokecast.training import augment

    strokes, length = batch
    change = augment.make("classify", EVERYTHING, SPEC)
    assert change is not None
    target = np.zeros(6, np.int64)
    inputs = {"strokes": strokes, "length": length, "time": np.full(strokes.shape[:2], 0.1, np.float32)}
    one, same, other = (change(inputs, target, np.array(seed)) for seed in ((1, 2), (1, 2), (1, 3)))
    graph = tf.function(change)(
        {k: tf.constant(v) for k, v in inputs.items()}, tf.constant(target), tf.constant([1, 2], tf.int64)
    )
    for name in inputs:
        np.testing.assert_array_equal(one[name], same[name])
        np.testing.assert_allclose(graph[name], one[name], atol=1e-5)
    assert not np.array_equal(one["strokes"], other["strokes"])
    padding = np.arange(30) >= one["length"].numpy()[:, None]
    assert not one["strokes"].numpy()[padding].any()
    assert not one["time"].numpy()[padding].any()
    assert (one["strokes"].numpy()[np.arange(6), one["length"].numpy() - 1, 2] == 1).all()


def test_nothing_is_changed_where_nothing_is_asked_for() -> None:
    from strokecast.training import augment

    assert augment.make("classify", classify_recipe(), SPEC) is None
    assert augment.make("forecast", ForecastRecipe(), {}) is None
