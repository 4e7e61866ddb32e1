"""The stroke-5 format and the decoder's input."""

import numpy as np

from strokecast.models.layers.stroke5 import ConcatPerStep, PreviousPoint, stroke5


def test_stroke5_adds_an_end_step_and_the_input_is_shifted_by_one() -> None:
    strokes, length = np.array([[[1, 2, 0], [3, 4, 1], [0, 0, 0]]], np.float32), np.array([2], np.int32)
    target = stroke5(strokes, length).numpy()
    expected = [[1, 2, 1, 0, 0], [3, 4, 0, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(target[0], expected)
    previous = PreviousPoint()(strokes, length).numpy()
    np.testing.assert_array_equal(previous[0, 0], [0, 0, 1, 0, 0])
    np.testing.assert_array_equal(previous[0, 1:], target[0, :-1])


def test_the_vector_of_an_example_is_appended_to_each_step() -> None:
    sequences, vectors = np.zeros((2, 3, 1), np.float32), np.array([[1, 2], [3, 4]], np.float32)
    output = ConcatPerStep()(sequences, vectors).numpy()
    assert output[:, :, 1:].tolist() == [[[1, 2]] * 3, [[3, 4]] * 3]
