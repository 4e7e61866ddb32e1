"""The compact form of drawings, and their lines."""

import numpy as np
import pytest

from strokecast.evaluation.common.drawings import GRID, encode_strokes, split_strokes


def test_a_compact_drawing_has_one_list_per_stroke_and_fills_the_square():
    points = np.array([[5, 0, 0], [0, 1, 1], [-1, 0, 1], [0, -1, 0], [-1, 0, 0]], np.float32)
    assert encode_strokes(points) == [[0, 0, 255, 0, 0, 51], [-51, 0], [0, -51, -51, 0]]
    assert encode_strokes(-points * [1, 1, -1])[0] == [255, 51, -255, 0, 0, -51]


def test_rounding_does_not_add_up():
    steps = np.full((1000, 2), 0.0004)
    drawing = np.c_[steps, np.zeros(1000)]
    (stroke,) = encode_strokes(drawing)
    assert (sum(stroke[::2]), sum(stroke[1::2])) == (GRID, GRID)


@pytest.mark.parametrize("drawing", [[[0, 0, 1]], [[0, 0, 0], [0, 0, 1]]])
def test_a_dot_has_no_extent(drawing):
    assert not np.concatenate(encode_strokes(np.array(drawing, np.float32))).any()
    assert all(np.isfinite(line).all() for line in split_strokes(np.array(drawing), 1.0))
