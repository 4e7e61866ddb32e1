"""What networks that read drawings have in common at their input."""

import numpy as np
import pytest


@pytest.mark.parametrize("positions", [False, True])
@pytest.mark.parametrize("time", [False, True])
def test_channels_and_inputs(positions: bool, time: bool) -> None:
    import keras

    from strokecast.models.layers.drawing import drawing_inputs

    inputs, points, real = drawing_inputs(positions, time)
    assert list(inputs) == ["strokes", "length"] + ["time"] * time
    assert points.shape == (None, None, 3 + 2 * positions + time)
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
