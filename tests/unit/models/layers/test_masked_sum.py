"""The sum over the real steps of a sequence."""

import numpy as np


def test_padding_does_not_count() -> None:
    from strokecast.models.layers.pooling import MaskedSum

    sequences = np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float32)  # padding holds noise
    length = np.array([5, 2, 1])
    out = MaskedSum()(sequences, np.arange(5) < length[:, None]).numpy()
    assert out.dtype == np.float32
    for row, steps, n in zip(out, sequences, length, strict=True):
        np.testing.assert_allclose(row, steps[:n].sum(axis=0), rtol=1e-5)


def test_shape_is_known_before_running() -> None:
    import keras

    from strokecast.models.layers.pooling import MaskedSum

    real = keras.Input((None,), dtype="bool")
    assert MaskedSum()(keras.Input((None, 7)), real).shape == (None, 7)
