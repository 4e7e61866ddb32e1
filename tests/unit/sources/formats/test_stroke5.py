"""Stroke-5 drawings become the drawings that they were made from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from strokecast.sources.formats import stroke5


def to_stroke5(points: NDArray[np.int16], start: bool, padding: int) -> NDArray[np.int16]:
    """As Sketch-RNN's `to_big_strokes`, with its start token."""
    rows = np.zeros((start + len(points) + padding, 5), np.int16)
    if start:
        rows[0] = 0, 0, 1, 0, 0
    drawn = rows[start : start + len(points)]
    drawn[:, :2], drawn[:, 2], drawn[:, 3] = points[:, :2], 1 - points[:, 2], points[:, 2]
    rows[start + len(points) :, 4] = 1
    return rows


@settings(max_examples=40, deadline=None)
@given(
    pens=st.lists(st.integers(0, 1), min_size=1, max_size=20),
    start=st.booleans(),
    padding=st.integers(0, 3),
    seed=st.integers(0, 99),
)
def test_a_drawing_comes_back_without_start_and_padding(
    pens: list[int], start: bool, padding: int, seed: int
) -> None:
    moves = np.random.default_rng(seed).integers(1, 90, (len(pens), 2))
    points = np.column_stack([moves, [*pens[:-1], 1]]).astype(np.int16)
    read = stroke5.to_stroke3(to_stroke5(points, start, padding))
    assert read.dtype == np.int16
    assert np.array_equal(read, points)


def test_a_last_point_that_ends_the_drawing_is_kept() -> None:
    rows = np.array([[3, 4, 1, 0, 0], [5, 6, 0, 0, 1], [0, 0, 0, 0, 1]])
    assert stroke5.to_stroke3(rows).tolist() == [[3, 4, 0], [5, 6, 1]]
    assert stroke5.to_stroke3(np.array([[0, 0, 0, 0, 1]])).shape == (0, 3)


def test_a_coordinate_that_is_not_finite_is_kept_for_validation() -> None:
    points = stroke5.to_stroke3(np.array([[np.nan, 1e300, 1, 0, 0], [np.inf, 0, 0, 0, 1]]))
    assert np.array_equal(points, [[np.nan, 1e300, 0], [np.inf, 0, 1]], equal_nan=True)


@pytest.mark.parametrize("pens", [(1, 1, 0), (0, 0, 0), (2, 0, 0), (np.nan, 0, 1), (0.5, 0.5, 0)])
def test_other_arrays_of_five_columns_are_an_error(pens: tuple[float, ...]) -> None:
    with pytest.raises(
        ValueError, match=r"row 1 of drawing 7 has p1, p2, p3 = .* is stroke-5, where exactly one"
    ):
        stroke5.to_stroke3(np.array([[1, 2, 1, 0, 0], [3, 4, *pens]]), 7)
