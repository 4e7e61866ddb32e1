"""Pooling over the valid steps of padded sequences."""

import numpy as np


def test_mean_and_maximum_equal_those_of_the_unpadded_sequences(
    sequences: np.ndarray, mask: np.ndarray, length: np.ndarray
) -> None:
    from strokecast.models.layers.pooling import MaskedMax, MaskedMean

    mean, maximum = MaskedMean()(sequences, mask).numpy(), MaskedMax()(sequences - 3, mask).numpy()
    for row, steps in enumerate(length):
        unpadded = sequences[row, :steps]
        np.testing.assert_allclose(mean[row], unpadded.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(maximum[row], unpadded.max(axis=0) - 3, atol=1e-6)


def test_sum_equals_that_of_the_unpadded_sequences(
    sequences: np.ndarray, mask: np.ndarray, length: np.ndarray
) -> None:
    from strokecast.models.layers.pooling import MaskedSum

    total = MaskedSum()(sequences, mask).numpy()
    assert total.dtype == np.float32
    for row, steps in enumerate(length):
        np.testing.assert_allclose(total[row], sequences[row, :steps].sum(axis=0), rtol=1e-5, atol=1e-6)


def test_output_shapes_are_known_before_running() -> None:
    import keras

    from strokecast.models.layers.pooling import MaskedSum, mean_max

    inputs = keras.Input((None, 7)), keras.Input((None,), dtype="bool")
    assert MaskedSum()(*inputs).shape == (None, 7)
    assert mean_max(*inputs).shape == (None, 14)
