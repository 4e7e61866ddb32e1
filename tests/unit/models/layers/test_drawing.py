"""What networks that read drawings have in common at their input."""

import numpy as np
import pytest


@pytest.mark.parametrize("positions", [False, True])
@pytest.mark.parametrize("time", [False, True])
@pytest.mark.parametrize("directions", [False, True])
def test_channels_and_inputs(positions: bool, time: bool, directions: bool) -> None:
    import keras

    from strokecast.models.layers.drawing import drawing_inputs

    inputs, points, real = drawing_inputs(positions, time, directions)
    assert list(inputs) == ["strokes", "length"] + ["time"] * time
    assert points.shape == (None, None, 3 + 2 * positions + time + 5 * directions)
    rng = np.random.default_rng(0)
    given = {
        "strokes": rng.normal(size=(2, 5, 3)).astype(np.float32),
        "length": np.array([5, 3], np.int32),
        "time": rng.random((2, 5)).astype(np.float32),
    }
    given["strokes"][1, 3:] = given["time"][1, 3:] = 0
    out, mask = keras.Model(inputs, [points, real])({name: given[name] for name in inputs})
    np.testing.assert_array_equal(out[:, :, :3], given["strokes"])
    np.testing.assert_array_equal(mask, np.arange(5) < given["length"][:, None])
    if time:
        np.testing.assert_array_equal(out[:, :, -1], given["time"])


def test_directions_tell_angle_length_and_turn_apart() -> None:
    from strokecast.models.layers.drawing import Directions

    moves = [(3, 0), (0, 2), (0, 2), (0, 0), (-1, 0), (0, 0)]
    strokes = np.zeros((1, len(moves), 3), np.float32)
    strokes[0, :, :2] = moves
    right, down, left, stays = (1, 0), (0, 1), (-1, 0), (0, 0)
    expected = [  # cosine, sine, log(1 + length), cosine and sine of the turn
        (*right, np.log(4), 0, 0),
        (*down, np.log(3), 0, 1),
        (*down, np.log(3), 1, 0),
        (*stays, 0, 0, 0),
        (*left, np.log(2), 0, 0),
        (*stays, 0, 0, 0),
    ]
    np.testing.assert_allclose(Directions()(strokes)[0], expected, atol=1e-5)
