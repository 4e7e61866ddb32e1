"""The masked convolution against the same convolution of unpadded sequences; its receptive field."""

from typing import Any

import numpy as np
import pytest


def model(kernel: int, stride: int, norm_momentum: float | None) -> Any:
    import keras

    from strokecast.models.layers.conv import masked_conv
    from strokecast.models.layers.masking import LengthMask

    strokes, length = keras.Input((None, 3)), keras.Input((), dtype="int32")
    mask = LengthMask()(strokes, length)
    outputs = masked_conv(strokes, mask, 4, kernel, stride, norm_momentum=norm_momentum, name="conv")
    return keras.Model([strokes, length], outputs)


@pytest.mark.parametrize(("kernel", "stride"), [(5, 2), (3, 2), (4, 3), (1, 1), (2, 5)])
@pytest.mark.parametrize("norm_momentum", [None, 0.9])
def test_outputs_equal_those_of_each_unpadded_drawing(
    strokes: np.ndarray, length: np.ndarray, kernel: int, stride: int, norm_momentum: float | None
) -> None:
    network = model(kernel, stride, norm_momentum)
    output, mask = (tensor.numpy() for tensor in network([strokes, length], training=False))
    assert output.shape == (5, -(-11 // stride), 4)
    np.testing.assert_array_equal(mask.sum(axis=1), -(-length // stride))
    assert not output[~mask].any()
    for row, steps in enumerate(length):
        unpadded, _ = network([strokes[row : row + 1, :steps], length[row : row + 1]], training=False)
        np.testing.assert_allclose(output[row, : mask[row].sum()], unpadded.numpy()[0], atol=1e-6)


def test_batch_moments_are_those_of_valid_steps(strokes: np.ndarray, length: np.ndarray) -> None:
    import keras

    network = model(3, 2, norm_momentum=0.5)
    before_norm = keras.Model(network.inputs, network.get_layer("conv").output)
    rows = before_norm([strokes, length], training=False).numpy()
    output, mask = (tensor.numpy() for tensor in network([strokes, length], training=True))
    np.testing.assert_allclose(output[mask].mean(axis=0), 0, atol=1e-5)
    moving_mean = network.get_layer("conv_norm").moving_mean.numpy()
    np.testing.assert_allclose(moving_mean, 0.5 * rows[mask].mean(axis=0), atol=1e-6)
