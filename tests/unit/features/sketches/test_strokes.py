"""Scaling, cropping and padding of drawings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strokecast.features.records import scaling
from strokecast.features.records.scaling import stroke_moments, stroke_scale
from strokecast.features.sketches import strokes

POINTS = np.array([[10, -20, 0], [4, 2, 1], [0, 8, 0], [6, 6, 1]], np.int16)


def test_short_drawings_are_scaled_and_padded_on_the_right() -> None:
    padded, length = strokes.scale_and_pad(POINTS, scale=2.0, bound=6)
    assert padded.dtype == np.float32
    assert length == 4
    expected = [[5, -10, 0], [2, 1, 1], [0, 4, 0], [3, 3, 1], [0, 0, 0], [0, 0, 0]]
    np.testing.assert_array_equal(padded, expected)


def test_long_drawings_are_cropped_with_the_pen_lifted_at_the_last_kept_point() -> None:
    padded, length = strokes.scale_and_pad(POINTS, scale=1.0, bound=3)
    assert length == 3
    np.testing.assert_array_equal(padded, [[10, -20, 0], [4, 2, 1], [0, 8, 1]])
    assert POINTS[2, 2] == 0, "the source must not be written to"


def test_a_drawing_that_just_fits_is_not_changed() -> None:
    open_end = POINTS[:3]
    padded, length = strokes.scale_and_pad(open_end, scale=1.0, bound=3)
    assert length == 3
    np.testing.assert_array_equal(padded, open_end)


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=9),
    bound=st.integers(1, 10),
    scale=st.floats(0.0625, 100),
    seed=st.integers(0, 99),
)
def test_many_drawings_at_once_are_prepared_bit_for_bit_alike(
    lengths: list[int], bound: int, scale: float, seed: int
) -> None:
    points = np.random.default_rng(seed).normal(0, 30, size=(sum(lengths) + 2, 3)).astype(np.float32)
    points[:, 2] = np.abs(points[:, 2]) > 20
    points[::4, 0] = -0.0
    ends = 2 + np.cumsum(lengths)  # two points before the first drawing belong to no one
    spans = np.stack([ends - lengths, ends], axis=1)[::-1]
    before = points.copy()
    padded, kept = strokes.scale_and_pad_many(points, spans, scale, bound)
    assert padded.shape == (len(lengths), bound, 3)
    for row, (start, end) in enumerate(spans):
        alone, length = strokes.scale_and_pad(points[start:end], scale, bound)
        assert padded[row].tobytes() == alone.tobytes()
        assert kept[row] == length
    np.testing.assert_array_equal(points, before)


@pytest.mark.parametrize("points", [np.zeros((0, 3)), np.zeros((4, 2)), np.zeros(9)])
def test_what_is_no_drawing_is_refused(points: np.ndarray) -> None:
    with pytest.raises(ValueError, match="points should be"):
        strokes.scale_and_pad(points, 1.0, 8)


def test_bucket_is_the_smallest_bound_that_holds_the_drawing() -> None:
    lengths = np.array([1, 8, 9, 16, 17, 99])
    expected = [8, 8, 16, 16, 32, 32]
    bounds = (8, 16, 32)
    assert [strokes.bucket_boundary(int(n), bounds) for n in lengths] == expected
    assert [bounds[i] for i in strokes.bucket_indices(lengths, bounds)] == expected


def test_moments_of_blocks_add_up_to_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).integers(-500, 500, size=(1000, 3)).astype(np.float32)
    whole = stroke_moments(points)
    monkeypatch.setattr(scaling, "_BLOCK", 7)
    assert stroke_moments(points) == whole
    moves = points[:, :2].astype(np.float64)
    assert whole == (2000, moves.sum(), np.square(moves).sum())


def test_stroke_scale_is_the_standard_deviation_of_all_moves() -> None:
    chunks = [POINTS, POINTS[:2] * 3]
    moves = np.concatenate([chunk[:, :2].ravel() for chunk in chunks]).astype(float)
    assert stroke_scale(map(stroke_moments, chunks)) == pytest.approx(np.std(moves), rel=1e-12)


@pytest.mark.parametrize("chunks", [[], [np.array([[0, 0, 1], [0, 0, 1]])]])
def test_drawings_that_do_not_move_have_no_scale(chunks: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="no scale"):
        stroke_scale(map(stroke_moments, chunks))
