"""Scaling, cropping and padding of drawings, and the time feature."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strokecast.features.sketches import strokes

POINTS = np.array([[10, -20, 0], [4, 2, 1], [0, 8, 0], [6, 6, 1]], np.int16)


def test_short_drawings_are_scaled_and_padded_on_the_right() -> None:
    padded, length = strokes.scale_and_pad(POINTS, scale=2.0, padded_length=6)
    assert padded.dtype == np.float32
    assert length == 4
    expected = [[5, -10, 0], [2, 1, 1], [0, 4, 0], [3, 3, 1], [0, 0, 0], [0, 0, 0]]
    np.testing.assert_array_equal(padded, expected)


def test_long_drawings_are_cropped_and_the_pen_is_lifted_at_the_last_point() -> None:
    padded, length = strokes.scale_and_pad(POINTS, scale=1.0, padded_length=3)
    assert length == 3
    np.testing.assert_array_equal(padded, [[10, -20, 0], [4, 2, 1], [0, 8, 1]])
    assert POINTS[2, 2] == 0, "the source is not modified"


def test_drawing_of_exactly_the_padded_length_is_not_changed() -> None:
    open_end = POINTS[:3]
    padded, length = strokes.scale_and_pad(open_end, scale=1.0, padded_length=3)
    assert length == 3
    np.testing.assert_array_equal(padded, open_end)


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=9),
    padded_length=st.integers(1, 10),
    scale=st.floats(0.0625, 100),
    seed=st.integers(0, 99),
)
def test_many_drawings_at_once_equal_single_ones_bit_for_bit(
    lengths: list[int], padded_length: int, scale: float, seed: int
) -> None:
    points = np.random.default_rng(seed).normal(0, 30, size=(sum(lengths) + 2, 3)).astype(np.float32)
    points[:, 2] = np.abs(points[:, 2]) > 20
    points[::4, 0] = -0.0
    ends = 2 + np.cumsum(lengths)  # the first two points belong to no drawing
    spans = np.stack([ends - lengths, ends], axis=1)[::-1]
    before = points.copy()
    padded, padded_lengths = strokes.scale_and_pad_many(points, spans, scale, padded_length)
    assert padded.shape == (len(lengths), padded_length, 3)
    for row, (start, end) in enumerate(spans):
        single, length = strokes.scale_and_pad(points[start:end], scale, padded_length)
        assert padded[row].tobytes() == single.tobytes()
        assert padded_lengths[row] == length
    np.testing.assert_array_equal(points, before)


@pytest.mark.parametrize("points", [np.zeros((0, 3)), np.zeros((4, 2)), np.zeros(9)])
def test_arrays_of_another_shape_are_refused(points: np.ndarray) -> None:
    with pytest.raises(ValueError, match="points should be"):
        strokes.scale_and_pad(points, 1.0, 8)


def test_bucket_is_the_smallest_boundary_that_holds_the_drawing() -> None:
    lengths = np.array([1, 8, 9, 16, 17, 99])
    expected = [8, 8, 16, 16, 32, 32]
    boundaries = (8, 16, 32)
    assert [strokes.bucket_boundary(int(n), boundaries) for n in lengths] == expected
    assert [boundaries[i] for i in strokes.bucket_indices(lengths, boundaries)] == expected


def test_time_feature_is_the_log_of_the_wait_before_each_point() -> None:
    feature = strokes.time_feature(np.array([500, 500, 2_500, 2_000, 3_000], np.int32), padded_length=7)
    assert feature.dtype == np.float32
    # the first wait counts from the beginning of the drawing; time that goes back counts as no wait
    np.testing.assert_allclose(feature, [*np.log1p([0.5, 0, 2, 0, 1]), 0, 0], rtol=1e-6)
    cropped = strokes.time_feature(np.array([500, 500, 2_500]), padded_length=2)
    np.testing.assert_array_equal(cropped, feature[:2])


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=9),
    padded_length=st.integers(1, 10),
    seed=st.integers(0, 99),
)
def test_many_time_features_at_once_equal_single_ones(
    lengths: list[int], padded_length: int, seed: int
) -> None:
    times = np.random.default_rng(seed).integers(0, 9_999, sum(lengths) + 2).astype(np.int32)
    ends = 2 + np.cumsum(lengths)
    spans = np.stack([ends - lengths, ends], axis=1)[::-1]
    many = strokes.time_features(times, spans, padded_length)
    assert (many.dtype, many.shape) == (np.float32, (len(lengths), padded_length))
    for row, (start, end) in zip(many, spans, strict=True):
        np.testing.assert_array_equal(row, strokes.time_feature(times[start:end], padded_length))
