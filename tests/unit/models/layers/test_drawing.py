"""Inputs and point features that networks for drawings share."""

import numpy as np
import pytest


@pytest.mark.parametrize("positions", [False, True])
@pytest.mark.parametrize("time", [False, True])
@pytest.mark.parametrize("directions", [False, True])
def test_channels_and_inputs(positions: bool, time: bool, directions: bool) -> None:
    import keras

    from strokecast.models.layers.drawing import drawing_inputs

    inputs, points, mask = drawing_inputs(positions, time, directions)
    assert list(inputs) == ["strokes", "length"] + ["time"] * time
    assert points.shape == (None, None, 3 + 2 * positions + time + 5 * directions)
    rng = np.random.default_rng(0)
    batch = {
        "strokes": rng.normal(size=(2, 5, 3)).astype(np.float32),
        "length": np.array([5, 3], np.int32),
        "time": rng.random((2, 5)).astype(np.float32),
    }
    batch["strokes"][1, 3:] = batch["time"][1, 3:] = 0
    output, output_mask = keras.Model(inputs, [points, mask])({name: batch[name] for name in inputs})
    np.testing.assert_array_equal(output[:, :, :3], batch["strokes"])
    np.testing.assert_array_equal(output_mask, np.arange(5) < batch["length"][:, None])
    if time:
        np.testing.assert_array_equal(output[:, :, -1], batch["time"])


def test_positions_fill_the_unit_box_and_ignore_padding(
    strokes: np.ndarray, length: np.ndarray, mask: np.ndarray
) -> None:
    from strokecast.models.layers.drawing import Positions

    output = Positions()(strokes, mask).numpy()
    assert output.shape == (5, 11, 2)
    assert not output[~mask].any()
    for row, points, steps in zip(output, strokes, length, strict=True):
        place = np.cumsum(points[:steps, :2], axis=0)
        low, high = place.min(axis=0), place.max(axis=0)
        half = max((high - low).max() / 2, 1e-6)
        np.testing.assert_allclose(row[:steps], (place - (low + high) / 2) / half, atol=1e-4)
        assert steps == 1 or np.abs(row).max() == pytest.approx(1, abs=1e-4)


def test_directions_separate_angle_length_and_turn() -> None:
    from strokecast.models.layers.drawing import Directions

    moves = [(3, 0), (0, 2), (0, 2), (0, 0), (-1, 0), (0, 0)]
    strokes = np.zeros((1, len(moves), 3), np.float32)
    strokes[0, :, :2] = moves
    right, down, left, none = (1, 0), (0, 1), (-1, 0), (0, 0)
    expected = [  # cosine, sine, log(1 + length), cosine and sine of the turn
        (*right, np.log(4), 0, 0),
        (*down, np.log(3), 0, 1),
        (*down, np.log(3), 1, 0),
        (*none, 0, 0, 0),
        (*left, np.log(2), 0, 0),
        (*none, 0, 0, 0),
    ]
    np.testing.assert_allclose(Directions()(strokes)[0], expected, atol=1e-5)
