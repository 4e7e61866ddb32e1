"""Padding of videos in space and time."""

import keras
import numpy as np
import pytest

from strokecast.models.layers.video import PadVideo


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("side", [7, 8])
def test_zero_padding_equals_same_padding_of_a_2d_convolution(kernel: int, side: int) -> None:
    video = np.random.default_rng(0).normal(size=(1, 3, side, side, 1)).astype(np.float32)
    flat = keras.layers.Conv2D(2, kernel, strides=2, padding="same")
    deep = keras.layers.Conv3D(2, (1, kernel, kernel), strides=(1, 2, 2))
    pad = PadVideo(1, kernel, 2)
    expected = flat(video[0]).numpy()
    deep.build((None, None, None, None, 1))
    deep.set_weights([flat.kernel.numpy()[None], flat.bias.numpy()])
    padded = pad(video)
    assert tuple(pad.compute_output_spec(keras.KerasTensor(video.shape)).shape) == tuple(padded.shape)
    np.testing.assert_allclose(deep(padded).numpy()[0], expected, atol=1e-5)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_time_is_padded_with_copies_of_the_end_frames(depth: int) -> None:
    video = np.random.default_rng(0).normal(size=(2, 3, 4, 4, 1)).astype(np.float32)
    before = (depth - 1) // 2
    expected = np.pad(video, ((0, 0), (before, depth - 1 - before), (0, 0), (0, 0), (0, 0)), mode="edge")
    np.testing.assert_array_equal(PadVideo(depth, 1, 1)(video).numpy(), expected)
